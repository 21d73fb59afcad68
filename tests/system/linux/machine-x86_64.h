// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// x86-64, behind check.h: what programs cannot say in C.
#define MACHINE "x86_64"
#define ILLEGAL __asm__ volatile("ud2")
#define ILLEGAL_BYTES 2
#define PRIVILEGED __asm__ volatile("hlt")
#define PRIVILEGED_SIGNAL SIGSEGV
#define BREAKPOINT __asm__ volatile("int3")
#define BREAKPOINT_CODE SI_KERNEL
#define DIVISION_TRAPS 1
#define PC_OF(context) ((context)->uc_mcontext.gregs[REG_RIP])
#define LOSE_STACK __asm__ volatile("mov $64, %%rsp; push %%rax" ::: "memory")
