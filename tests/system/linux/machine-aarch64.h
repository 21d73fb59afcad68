// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AArch64, behind check.h: what programs cannot say in C.
#define MACHINE "aarch64"
#define ILLEGAL __asm__ volatile("udf #1")
#define ILLEGAL_BYTES 4
#define PRIVILEGED __asm__ volatile("mrs x9, sctlr_el1" ::: "x9")
#define PRIVILEGED_SIGNAL SIGILL
#define BREAKPOINT __asm__ volatile("brk #0")
#define BREAKPOINT_CODE TRAP_BRKPT
#define DIVISION_TRAPS 0
#define PC_OF(context) ((context)->uc_mcontext.pc)
#define LOSE_STACK                                                             \
	__asm__ volatile("mov x9, #64; mov sp, x9; str x9, [sp, #-16]!" ::     \
				 : "x9", "memory")
