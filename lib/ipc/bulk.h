// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Large data from one process to another, as a capability to a memory object in one
// message: no byte is copied, whatever the size.
//
//   BULK_SHARE   both have it from now on; the receiver as far as the sender's
//                capability lets it (READ alone: it cannot write)
//   BULK_MOVE    the pages go over to a memory of the receiver's; the sender's
//                mapping is gone and a touch of it faults
//   BULK_CLONE   the receiver gets a copy-on-write copy, in its own pool; what one
//                writes afterwards the other does not see
//
// What is moved or cloned is the receiver's own and outlives the sender; of what is
// shared it should keep a mapping with MAP_KEEP only.
//
// The counters say how many bytes went which way, and how many this library copied
// by hand: bulk_copy is the way for small things, and what the others are measured
// against.
#ifndef LIB_IPC_BULK_H
#define LIB_IPC_BULK_H
#include "abi/message.h"
#include "lib/base/status.h"

enum bulk_way : u32 { BULK_SHARE = 1, BULK_MOVE = 2, BULK_CLONE = 3 };

struct bulk_counters {
	u64 shared_bytes, moved_bytes, cloned_bytes;
	u64 copied_bytes;
};
extern struct bulk_counters bulk_counters;

// Give the first bytes (whole pages) of memory to who receives on endpoint, and wait
// until it has them. mapped: where the sender has them mapped, or NULL; BULK_MOVE
// unmaps that first, and deletes the capability when the call has succeeded. After
// another error than ERR_ARGUMENT of BULK_MOVE nothing is mapped and memory is
// still the sender's, with or without its contents. ERR_ARGUMENT; those of ipc_call;
// those of bulk_receive.
[[nodiscard]] enum status bulk_send(struct handle endpoint, enum bulk_way way,
				    struct handle memory, void *mapped,
				    u64 bytes, u64 deadline_ns);

// Receiver: a message of bulk_send that has come with its capability in slot[0].
// Afterwards the memory is in slot `slot` (made from pool for what is moved or
// cloned), and slot[0] is empty unless it is the same and shared. message becomes
// the answer, which the caller sends, also on an error. ERR_PROTOCOL: not such a
// message, or less memory than it says; QUOTA, MEMORY, RIGHTS: of the kernel.
[[nodiscard]] enum status bulk_receive(struct message *message,
				       struct handle pool, u32 slot, u64 *bytes);

// Bytes that are copied, and counted.
void bulk_copy(void *to, const void *from, u64 bytes);
#endif
