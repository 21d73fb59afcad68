// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The state page of a guest of kind user: the registers of a foreign thread,
// shared between the kernel and the personality. Everything in it is input to
// the kernel and is checked after it was loaded.
#ifndef KOCHAB_ABI_GUEST_H
#define KOCHAB_ABI_GUEST_H
#include "abi/registers.h"
#include "lib/base/types.h"

// Why guest_run returned
enum guest_reason : u64 {
	// The guest executed its system-call instruction; its program counter is
	// behind that.
	GUEST_SYSCALL = 1,
	GUEST_FAULT = 2, // a page fault the kernel could not answer
	GUEST_EXCEPTION = 3, // another exception: trap number in trap
	GUEST_KICKED = 4, // the thread's bound notification has bits
};

// Offsets are known to entry.S.
struct guest_state {
	ARCH_REGISTERS
	u64 reason; // enum guest_reason of the last exit
	u64 trap; // exception number: vector, class of ESR_EL1, code of scause
	u64 code; // FAULT_CODE bits, or error code, ESR_EL1, stval
	u64 address; // faulting address
	u64 reserved[(ARCH_GUEST_BYTES - sizeof(struct thread_registers)) / 8 - 4];
};
static_assert(sizeof(struct guest_state) == ARCH_GUEST_BYTES);
#endif
