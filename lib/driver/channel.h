// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A channel: the in-flight table that a client and a server (driver,
// virtualiser) share, with notifications both ways. It is the data path of block
// devices. Memory and notifications belong to the engine, so the table outlives
// either side.
//
// The table has 64 entries. The client fills a free entry and sets its bit in
// submitted; the server works on the bits that it has not taken yet, writes the
// result into the entry, clears the bit in submitted and sets it in done; the
// client consumes done bits. A server that starts anew finds everything
// unanswered in submitted and does it again: requests are idempotent. A client
// that starts anew calls channel_resume_client, which waits until nothing is in
// submitted any more and forgets the rest. Order between entries is not kept;
// a flush waits for its predecessors by the client's doing.
//
// The other side's memory is hostile: entries are copied once and then checked.
//
// An answer sets the bit in done first and clears the one in submitted after:
// a server that dies in between is seen as not having answered, and its
// successor does the request again. So an answer counts only when the bit in
// submitted is gone.
//
// Signals: a side that says when it sleeps (channel_arm) is signalled only then
// (lib/ipc/bell.h); one that never does is signalled each time.
#ifndef LIB_DRIVER_CHANNEL_H
#define LIB_DRIVER_CHANNEL_H
#include "abi/startup.h"
#include "lib/base/status.h"

#define CHANNEL_ENTRIES 64
#define CHANNEL_MAGIC 0x4c4e4843
#define CHANNEL_TABLE_BYTES 8192 // data area follows

struct channel_request {
	u32 operation; // of the protocol: BLOCK_READ ...
	u32 generation; // counts reuse of the entry
	u64 position; // sector
	u32 count; // sectors
	u32 data; // byte offset in the data area
	u64 argument;
	i32 status; // result, written by the server
	u32 result;
	u64 reserved[3];
};
static_assert(sizeof(struct channel_request) == 64);

struct channel_table {
	u32 magic, version;
	u64 data_bytes;
	alignas(64) u64 submitted; // atomic
	u64 server_bell;
	alignas(64) u64 done; // atomic
	u64 client_bell;
	// What the server side says about the device, valid once ready is 1.
	alignas(64) u32 ready;
	u32 flags; // CHANNEL_READONLY ...
	u64 capacity; // sectors of 512 bytes
	u32 max_sectors; // in one request
	u32 server_generation;
	u64 faults; // malformed entries seen by the server
	alignas(64) struct channel_request request[CHANNEL_ENTRIES];
};
static_assert(sizeof(struct channel_table) <= CHANNEL_TABLE_BYTES);

#define CHANNEL_READONLY 1
#define CHANNEL_ABSENT 2 // no device behind it

enum block_operation : u32 {
	BLOCK_READ = 1,
	BLOCK_WRITE = 2,
	BLOCK_FLUSH = 3,
};

struct channel {
	struct channel_table *table;
	u8 *data; // data area
	u64 data_bytes;
	struct handle memory, peer;
	u64 my_bits; // of the main notification, signalled by the peer
	u64 taken; // server: bits being worked on; client: entries in use
	u64 bell; // this side's count of sleeps
};
enum channel_side { CHANNEL_CLIENT, CHANNEL_SERVER };

// Map the shared memory; the first to come writes the header of the table.
// ERR_CORRUPT: the header is not a channel's; ERR_RANGE: too small.
[[nodiscard]] enum status channel_open(struct channel *channel,
				       const struct startup_cap *cap);
// As channel_open, on memory that is mapped already.
[[nodiscard]] enum status channel_adopt(struct channel *channel, void *memory,
					u64 bytes);
// Client: entry number, or -1 when all 64 are in use.
int channel_claim(struct channel *channel);
// Publish the entry, filled in but for its generation, and signal the server.
void channel_submit(struct channel *channel, u32 entry,
		    const struct channel_request *request);
u64 channel_finished(struct channel *channel); // done bits; consumes none
// The answer to a finished entry, copied.
void channel_answer(struct channel *channel, u32 entry, enum status *status,
		    u32 *result);
void channel_release(struct channel *channel, u32 entry);
// Wait until nothing of a predecessor is under way, then start empty.
// ERR_TIMEOUT: the server has not answered by deadline_ns (absolute; 0: never).
[[nodiscard]] enum status channel_resume_client(struct channel *channel,
						u64 deadline_ns);
// Wait until the server has said what the device is. ERR_TIMEOUT.
[[nodiscard]] enum status channel_wait_ready(struct channel *channel,
					     u64 deadline_ns);
// Server: say what the device is; only then clients submit.
void channel_publish(struct channel *channel, u32 flags, u64 capacity,
		     u32 max_sectors, u32 generation);
// Server: bits submitted and not yet taken, now taken; copy of one entry;
// completion (signals the client).
u64 channel_take(struct channel *channel);
void channel_read(struct channel *channel, u32 entry, struct channel_request *out);
void channel_complete(struct channel *channel, u32 entry, enum status status, u32 result);
void channel_signal(struct channel *channel);
// Say that this side is going to sleep; true: it must not, there is something to
// take or finished. Afterwards, slept or not, channel_woken.
bool channel_arm(struct channel *channel, enum channel_side side);
void channel_woken(struct channel *channel, enum channel_side side);

// Checks a copied request of the block protocol against the device and the data
// area: STATUS_OK, ERR_ARGUMENT, ERR_RANGE or ERR_READONLY.
[[nodiscard]] enum status block_check(const struct channel_request *request,
				      u64 data_bytes, u64 capacity, u32 flags,
				      u32 max_sectors);
#endif
