// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Messages between threads: the slow path of call, send, recv, reply and
// reply_recv, with capabilities, deadlines, threads on other CPUs, and everything
// that goes wrong. The fast path (arch/*/fastpath.c) handles the common case and
// comes here for all others.
#ifndef KERNEL_OBJECT_MESSAGE_H
#define KERNEL_OBJECT_MESSAGE_H
#include "kernel/object/cap.h"
#include "lib/base/types.h"

struct thread;

// The system calls of this group; registers of self are saved, results go there.
[[gnu::noinline]] void message_syscall(struct thread *self, u32 number);

// Deliver self->fault to its fault endpoint as a call. False when it has none.
bool message_send_fault(struct thread *self);

// The caller (owned) gets no answer: its peer died.
void message_peer_died(struct thread *caller);

// The right to reply to thread, saved in a slot, is void. Its lock is held.
void message_forget_reply_locked(struct thread *thread);

enum { DONATION_MAX = 16 };
#endif
