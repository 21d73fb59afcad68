// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The state page of a guest of kind user: the registers of a foreign thread,
// shared between the kernel and the personality (struct guest_state, of the
// architecture). Everything in it is input to the kernel and is checked after it
// was loaded. It begins with the registers in the order of thread_registers; the
// kernel writes the last four when the guest stops:
//
//   reason   enum guest_reason
//   trap     exception number, as the architecture numbers them
//   code     GUEST_FAULT: FAULT_CODE bits; GUEST_EXCEPTION: the architecture's
//   address  that faulted
//
// After GUEST_SYSCALL the program counter is behind the instruction.
#ifndef KOCHAB_ABI_GUEST_H
#define KOCHAB_ABI_GUEST_H
#include "abi/arch/registers.h"

// Why guest_run returned
enum guest_reason : u64 {
	GUEST_SYSCALL = 1, // the guest executed its system-call instruction
	GUEST_FAULT = 2, // a page fault the kernel could not answer
	GUEST_EXCEPTION = 3, // another exception: trap number in trap
	GUEST_KICKED = 4, // the thread's bound notification has bits
};
#endif
