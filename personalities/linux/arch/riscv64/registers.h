// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V: the number in a7, arguments in a0 to a5, the result in a0.
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
	state->tp = to;
}

static inline void guest_start(struct guest_state *state, u64 pc, u64 sp)
{
	*state = (struct guest_state){.pc = pc, .sp = sp};
}

static inline u64 guest_call_number(const struct guest_state *state)
{
	return state->a7;
}

static inline u64 guest_argument(const struct guest_state *state, u32 i)
{
	switch (i) {
	case 0:
		return state->a0;
	case 1:
		return state->a1;
	case 2:
		return state->a2;
	case 3:
		return state->a3;
	case 4:
		return state->a4;
	default:
		return state->a5;
	}
}

static inline u64 guest_result(const struct guest_state *state)
{
	return state->a0;
}

static inline void guest_set_result(struct guest_state *state, u64 value)
{
	state->a0 = value;
}

static inline void guest_call_again(struct guest_state *state, u64 number,
				    u64 first)
{
	state->pc -= 4;
	state->a7 = number;
	state->a0 = first; // the result was there
}
