// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// x86-64: System V ABI, appendix A.2.1.
#pragma once
#include "abi/guest.h"

#define ENTRY_STACK_GAP 8

static inline u64 guest_pc(const struct guest_state *state)
{
	return state->rip;
}

static inline u64 guest_sp(const struct guest_state *state)
{
	return state->rsp;
}

static inline void guest_set_sp(struct guest_state *state, u64 sp)
{
	state->rsp = sp;
}

static inline void guest_set_thread_pointer(struct guest_state *state, u64 to)
{
	state->fs_base = to;
}

static inline void guest_start(struct guest_state *state, u64 pc, u64 sp)
{
	*state = (struct guest_state){.rip = pc, .rsp = sp, .rflags = 0x202};
}

static inline u64 guest_call_number(const struct guest_state *state)
{
	return state->rax;
}

static inline u64 guest_argument(const struct guest_state *state, u32 i)
{
	switch (i) {
	case 0:
		return state->rdi;
	case 1:
		return state->rsi;
	case 2:
		return state->rdx;
	case 3:
		return state->r10;
	case 4:
		return state->r8;
	default:
		return state->r9;
	}
}

static inline u64 guest_result(const struct guest_state *state)
{
	return state->rax;
}

static inline void guest_set_result(struct guest_state *state, u64 value)
{
	state->rax = value;
}

static inline void guest_call_again(struct guest_state *state, u64 number,
				    u64 first)
{
	(void)first; // is where it was
	state->rip -= 2;
	state->rax = number;
}
