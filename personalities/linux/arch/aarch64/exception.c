// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What exceptions of AArch64 are to a program: Arm Architecture Reference Manual,
// ESR_EL1. state->trap is the class, state->code the whole register.
#include "abi/constants.h"
#include "personalities/linux/process.h"

enum class {
	CLASS_UNKNOWN = 0x00,
	CLASS_SYSTEM_REGISTER = 0x18,
	CLASS_FETCH = 0x20,
	CLASS_PC_ALIGNMENT = 0x22,
	CLASS_DATA = 0x24,
	CLASS_SP_ALIGNMENT = 0x26,
	CLASS_FLOAT = 0x2c,
	CLASS_BREAKPOINT = 0x30,
	CLASS_STEP = 0x32,
	CLASS_WATCHPOINT = 0x34,
	CLASS_BRK = 0x3c,
};

#define CLASS_SHIFT 26
#define LONG_INSTRUCTION (1u << 25)
#define WRITE (1u << 6)
#define STATUS 0x3fu
#define STATUS_TRANSLATION 0x07u // level 3
#define STATUS_PERMISSION 0x0fu
#define STATUS_ALIGNMENT 0x21u

static struct trap_meaning float_meaning(u64 code, u64 pc)
{
	static const i32 codes[5] = {FPE_FLTINV, FPE_FLTDIV, FPE_FLTOVF,
				     FPE_FLTUND, FPE_FLTRES};

	for (u32 i = 0; i < 5; i++)
		if (code >> i & 1)
			return (struct trap_meaning){SIGFPE, codes[i], pc};
	return (struct trap_meaning){SIGFPE, FPE_FLTINV, pc};
}

struct trap_meaning trap_meaning(const struct guest_state *state)
{
	u64 address = state->address;

	switch (state->trap) {
	case CLASS_FETCH:
	case CLASS_DATA:
		if ((state->code & STATUS) == STATUS_ALIGNMENT)
			return (struct trap_meaning){SIGBUS, BUS_ADRALN,
						     address};
		return (struct trap_meaning){SIGBUS, BUS_OBJERR, address};
	case CLASS_PC_ALIGNMENT:
		return (struct trap_meaning){SIGBUS, BUS_ADRALN, state->pc};
	case CLASS_SP_ALIGNMENT:
		return (struct trap_meaning){SIGBUS, BUS_ADRALN, state->sp};
	case CLASS_FLOAT:
		return float_meaning(state->code, state->pc);
	case CLASS_BRK:
		return (struct trap_meaning){SIGTRAP, TRAP_BRKPT, state->pc};
	case CLASS_STEP:
		return (struct trap_meaning){SIGTRAP, TRAP_TRACE, state->pc};
	case CLASS_BREAKPOINT:
		return (struct trap_meaning){SIGTRAP, TRAP_HWBKPT, state->pc};
	case CLASS_WATCHPOINT:
		return (struct trap_meaning){SIGTRAP, TRAP_HWBKPT, address};
	}
	// Unknown instructions, and those that programs may not use.
	return (struct trap_meaning){SIGILL, ILL_ILLOPC, state->pc};
}

u64 trap_page_fault(struct guest_state *state, u32 code, bool mapped)
{
	state->trap = code & FAULT_CODE_EXEC ? CLASS_FETCH : CLASS_DATA;
	return state->trap << CLASS_SHIFT | LONG_INSTRUCTION |
		(code & FAULT_CODE_WRITE ? WRITE : 0) |
		(mapped ? STATUS_PERMISSION : STATUS_TRANSLATION);
}
