// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V, behind check.h: what programs cannot say in C.
#define MACHINE "riscv64"
#define ILLEGAL __asm__ volatile(".word 0xc0001073") // "unimp"
#define ILLEGAL_BYTES 4
#define PRIVILEGED __asm__ volatile("csrr t0, sstatus" ::: "t0")
#define PRIVILEGED_SIGNAL SIGILL
#define BREAKPOINT __asm__ volatile("ebreak")
#define BREAKPOINT_CODE TRAP_BRKPT
#define DIVISION_TRAPS 0
#define PC_OF(context) ((context)->uc_mcontext.__gregs[REG_PC])
#define LOSE_STACK __asm__ volatile("li sp, 64; sd t0, -16(sp)" ::: "memory")
