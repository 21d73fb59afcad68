// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the rows of the kernel's benchmark share: measuring, and the peer.
//
// The peer is this program once more in an address space and with a capability
// space of its own. What a row shares with it lies in memory that both see at the
// same place (struct shared), and in the same slot numbers (peer_give). A thread
// of the peer runs a function until it waits for something; then the row measures
// on the main thread.
//
// A tick is one guest instruction under QEMU's -icount shift=0. User stubs count;
// the empty loop is subtracted.
#pragma once

#include "abi/constants.h"
#include "apps/kernel-bench/arch/bench_arch.h"
#include "gen/abi/objects.h"
#include "gen/abi/rights.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/ipc/message.h"
#include "lib/sys/component.h"

#define SLOT_SYSTEM 9
#define SLOT_IMAGE 16 // and the next one
#define SLOT_SHARED 18
#define SLOT_PEER_ASPACE 19
#define SLOT_PEER_DATA 20
#define SLOT_PEER_CNODE 21
#define SLOT_PEER_THREAD 22
#define SLOT_ROW 32 // to SLOT_ROW_END: objects of a row, deleted behind it
#define SLOT_ROW_END 48

#define SYSTEM handle_of(SLOT_SYSTEM)
#define SCHED handle_of(SLOT_SCHED)
#define NONE handle_of(0)

#define ROUNDS 20000
#define WARM_UP 100

#define PRIORITY 20 // of the main thread
#define SERVER_LAYER 100 // of endpoints
#define PEER_LAYER 200

#define SHARED_AT 0x1800000000ull
#define SHARED_BYTES 0x20000ull // at its end the peer's stack
#define AREA 0x1c00000000ull // free for mappings of a row

struct shared {
	volatile u64 stamp, sum, count;
};
#define shared ((struct shared *)SHARED_AT)

// The first objects of a row.
#define ROW handle_of(SLOT_ROW)
#define ROW_2 handle_of(SLOT_ROW + 1)

struct row {
	const char *name; // NULL ends a table
	// Ticks of ROUNDS operations, the empty loop not subtracted, or subtracted
	// by the row itself (sets *rounds to how many there were).
	u64 (*run)(u64 *rounds);
};
extern const struct row message_rows[], object_rows[], memory_rows[];
extern const struct row ring_rows[], kib_rows[]; // kib: of one KiB each
// Ticks per ten operations of the row; everything it made is gone.
u64 row_tenths(const struct row *row);
void print_tenths(const char *name, const char *unit, u64 tenths);

// Where the row that runs keeps what each of ROUNDS operations took; null: nowhere.
extern u32 *samples;
// Runs the row once more and prints its median, 99th percentile and longest.
void latency_measure(const struct row *row);

// Processes until no more fit, which stay; tenths of KiB that each took. each
// (unless null) is called with how many there are.
void crowd_measure(u32 *count, u64 *kib_tenths, void (*each)(u32 count));
// End the last so many of them.
void crowd_shrink(u32 count, u32 by);

// The growth of rows by what there is, before and with the crowd: prints its row.
void flat_before(void);
void flat_after(void);

// Rows among 10 to 10,000 of something; the same at some counts of processes.
void scale_measure(void);
void scale_processes(u32 count);

// Two processors beside one; prints its row.
void pairs_measure(void);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Ends the program when a call that must work did not.
void must(enum status status, const char *what);
void make(u32 slot, u32 type, u64 a, u64 b);
void drop(u32 slot);

void peer_give(u32 slot); // a copy into the same slot of the peer
void peer_prepare(void); // makes SLOT_PEER_THREAD
void peer_start(void (*run)(void), u32 priority);
void peer_run(void (*run)(void), u32 priority); // both
void peer_end(void);

// Guest instructions since some moment.
[[gnu::always_inline]] static inline u64 ticks(void)
{
	return bench_counter() * TICK_INSTRUCTIONS;
}

// Ticks of ROUNDS times the statement, after a warm-up.
#define MEASURE(statement)                                                     \
	({                                                                     \
		u64 start_;                                                    \
		for (u32 i = 0; i < WARM_UP; i++)                              \
			statement;                                             \
		start_ = ticks();                                              \
		if (samples)                                                   \
			for (u32 i = 0; i < ROUNDS; i++)                       \
				SAMPLE(i, statement);                          \
		else                                                           \
			for (u32 i = 0; i < ROUNDS; i++)                       \
				statement;                                     \
		ticks() - start_;                                              \
	})
#define SAMPLE(index, statement)                                               \
	({                                                                     \
		u64 at_ = ticks();                                             \
		statement;                                                     \
		samples[index] = (u32)(ticks() - at_);                         \
	})
