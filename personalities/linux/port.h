// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The console port: bytes out through a ring, bytes in through a thread that
// hands them to whoever uses the port: the terminal (run) or the exec channel.
#ifndef PERSONALITIES_LINUX_PORT_H
#define PERSONALITIES_LINUX_PORT_H
#include "lib/base/status.h"
#include "personalities/linux/sync.h"

// input is called with the big lock held.
[[nodiscard]] i64 port_init(void (*input)(const u8 *bytes, u32 count));

// Room in the ring; it empties as the port sends. Big lock held.
u32 port_room(void);
// Queue bytes, as many as there is room for.
u32 port_put(const u8 *bytes, u32 count);
// Send what is queued. Big lock held; dropped meanwhile.
void port_flush(void);
// All queued has left the port. Big lock held; dropped meanwhile.
void port_drain(void);
// Woken when there is room.
extern struct wait_queue port_queue;
// Nothing is sent while held (^S).
extern bool port_held;
#endif
