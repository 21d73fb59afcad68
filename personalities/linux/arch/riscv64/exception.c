// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What exceptions of RISC-V are to a program: privileged specification, scause.
#include "abi/constants.h"
#include "personalities/linux/process.h"

enum cause {
	CAUSE_FETCH_ALIGNMENT = 0,
	CAUSE_FETCH_ACCESS = 1,
	CAUSE_INSTRUCTION = 2,
	CAUSE_BREAKPOINT = 3,
	CAUSE_LOAD_ALIGNMENT = 4,
	CAUSE_LOAD_ACCESS = 5,
	CAUSE_STORE_ALIGNMENT = 6,
	CAUSE_STORE_ACCESS = 7,
	CAUSE_FETCH_PAGE = 12,
	CAUSE_LOAD_PAGE = 13,
	CAUSE_STORE_PAGE = 15,
};

// Linux reports the instruction as the address of all of them.
struct trap_meaning trap_meaning(const struct guest_state *state)
{
	switch (state->trap) {
	case CAUSE_FETCH_ALIGNMENT:
	case CAUSE_LOAD_ALIGNMENT:
	case CAUSE_STORE_ALIGNMENT:
		return (struct trap_meaning){SIGBUS, BUS_ADRALN, state->pc};
	case CAUSE_FETCH_ACCESS:
	case CAUSE_LOAD_ACCESS:
	case CAUSE_STORE_ACCESS:
		return (struct trap_meaning){SIGSEGV, SEGV_ACCERR, state->pc};
	case CAUSE_BREAKPOINT:
		return (struct trap_meaning){SIGTRAP, TRAP_BRKPT, state->pc};
	}
	return (struct trap_meaning){SIGILL, ILL_ILLOPC, state->pc};
}

u64 trap_page_fault(struct guest_state *state, u32 code, bool mapped)
{
	(void)mapped;
	state->trap = code & FAULT_CODE_EXEC ? CAUSE_FETCH_PAGE
		: code & FAULT_CODE_WRITE    ? CAUSE_STORE_PAGE
					     : CAUSE_LOAD_PAGE;
	return 0; // frames show none
}
