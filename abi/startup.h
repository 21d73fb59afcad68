// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The startup page: what a new process finds out about itself. Its address is
// the argument of the first thread. Written by who starts the process (root for
// the vault and engine, the engine for everything else), mapped read-only.
#ifndef KOCHAB_ABI_STARTUP_H
#define KOCHAB_ABI_STARTUP_H
#include "lib/base/types.h"

#define STARTUP_MAGIC 0x50555452415453ull // "STARTUP"
#define STARTUP_CAPS 96
#define STARTUP_NAME 24

enum startup_kind : u32 {
	STARTUP_ENDPOINT_CLIENT = 1, // call it
	STARTUP_ENDPOINT_SERVER = 2, // receive on it
	STARTUP_MEMORY = 3, // a = size in bytes
	STARTUP_CHANNEL = 4, // memory; peer; a = size, b = my bits, see below
	STARTUP_POOL = 5,
	STARTUP_CNODE = 6, // kept across restarts; a = number of slots
	STARTUP_SYSTEM = 7,
	STARTUP_OTHER = 8,
	STARTUP_NUMBER = 9, // no capability, just the numbers a and b
	STARTUP_IOPORT = 10, // a = first port, b = count
	STARTUP_IRQ = 11, // a = line
	STARTUP_NOTIFICATION = 12, // may signal it; b = bits
};

// A named capability. For a channel: handle is the shared memory, peer the
// notification of the other side (signal it), b the bits of the own main
// notification that the other side signals.
struct startup_cap {
	char name[STARTUP_NAME]; // NUL-terminated
	enum startup_kind kind;
	u32 handle, peer;
	u32 reserved;
	u64 a, b;
};

struct startup {
	u64 magic;
	u32 version; // 1
	u32 ncaps;
	u32 generation; // 1 for the first instance, counts restarts
	u32 domain; // 0 sovereign, 1 services, 2 drivers & apps
	u64 time_page; // address of struct time_page, read-only
	u64 health; // address of struct health, or 0
	u64 heap_start, heap_bytes; // anonymous memory, touched on demand
	u64 map_start, map_end; // free address range for the process's own mappings
	u64 stash, stash_bytes; // mapped stash, or 0
	u64 user_end; // of this machine's address spaces
	char component[32];
	char command_line[1024]; // of the kernel
	char arguments[512]; // of the manifest
	struct startup_cap cap[STARTUP_CAPS];
};
static_assert(sizeof(struct startup) <= 2 * 4096);

// Shared with the engine: how it knows that a component is alive. On the
// heartbeat bit the component's main loop copies wanted to answered.
struct health {
	u32 wanted, answered;
	u32 ready; // 1 once the component serves
	u32 requests; // counts served requests, for svc
};

// Bits of every component's main notification (SLOT_NOTIFICATION).
#define NOTIFY_HEARTBEAT (1ull << 63)
#define NOTIFY_STOP (1ull << 62)
#define NOTIFY_PEER (1ull << 61) // a peer was restarted: channels must be resumed
// Bits 0-31 are the engine's to assign (channels), 32-55 the component's own.
#endif
