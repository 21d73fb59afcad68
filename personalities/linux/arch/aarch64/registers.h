// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AArch64: the number in x8, arguments in x0 to x5, the result in x0.
#pragma once
#include "abi/guest.h"

#define ENTRY_STACK_GAP 16

static inline u64 guest_pc(const struct guest_state *state)
{
	return state->pc;
}

static inline u64 guest_sp(const struct guest_state *state)
{
	return state->sp;
}

static inline void guest_set_sp(struct guest_state *state, u64 sp)
{
	state->sp = sp;
}

static inline void guest_set_thread_pointer(struct guest_state *state, u64 to)
{
	state->tpidr = to;
}

static inline void guest_start(struct guest_state *state, u64 pc, u64 sp)
{
	*state = (struct guest_state){.pc = pc, .sp = sp};
}

static inline u64 guest_call_number(const struct guest_state *state)
{
	return state->x[8];
}

static inline u64 guest_argument(const struct guest_state *state, u32 i)
{
	return state->x[i];
}

static inline u64 guest_result(const struct guest_state *state)
{
	return state->x[0];
}

static inline void guest_set_result(struct guest_state *state, u64 value)
{
	state->x[0] = value;
}

static inline void guest_call_again(struct guest_state *state, u64 number,
				    u64 first)
{
	state->pc -= 4;
	state->x[8] = number;
	state->x[0] = first; // the result was there
}
