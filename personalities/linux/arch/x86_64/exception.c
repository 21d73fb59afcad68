// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What exceptions of x86-64 are to a program: AMD64 manual volume 2, chapter 8.
#include "abi/constants.h"
#include "personalities/linux/process.h"

enum trap {
	TRAP_DIVIDE = 0,
	TRAP_DEBUG = 1,
	TRAP_BREAKPOINT = 3,
	TRAP_OPCODE = 6,
	TRAP_PAGE = 14,
	TRAP_X87 = 16,
	TRAP_ALIGNMENT = 17,
	TRAP_SIMD = 19,
};

struct trap_meaning trap_meaning(const struct guest_state *state)
{
	switch (state->trap) {
	case TRAP_DIVIDE:
		return (struct trap_meaning){SIGFPE, FPE_INTDIV, state->rip};
	case TRAP_X87:
	case TRAP_SIMD:
		return (struct trap_meaning){SIGFPE, FPE_FLTINV, state->rip};
	case TRAP_DEBUG:
		return (struct trap_meaning){SIGTRAP, TRAP_TRACE, state->rip};
	case TRAP_BREAKPOINT:
		return (struct trap_meaning){SIGTRAP, SI_KERNEL,
					     state->address};
	case TRAP_OPCODE:
		return (struct trap_meaning){SIGILL, ILL_ILLOPN, state->rip};
	case TRAP_ALIGNMENT:
		return (struct trap_meaning){SIGBUS, BUS_ADRALN,
					     state->address};
	}
	return (struct trap_meaning){SIGSEGV, SI_KERNEL, state->address};
}

u64 trap_page_fault(struct guest_state *state, u32 code, bool mapped)
{
	state->trap = TRAP_PAGE;
	return (code & FAULT_CODE_WRITE ? 2 : 0) | 4 | (mapped ? 1 : 0) |
		(code & FAULT_CODE_EXEC ? 16 : 0);
}
