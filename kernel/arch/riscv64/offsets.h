// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Numbers that assembly and C share. The offsets are asserted in trap.c, so a
// changed structure does not compile until they are right (the compiler's message
// names the offset it found).
#ifndef ARCH_OFFSETS_H
#define ARCH_OFFSETS_H

// struct arch_regs, struct guest_state: register xN is at 8 * N
#define REGS_PC 0
#define GUEST_REASON 256

// struct thread, whose first member is its registers
#define THREAD_ROOT_FULL 264
#define THREAD_RUNNING_GUEST 288

// struct cpu
#define CPU_CURRENT 8
#define CPU_STACK_TOP 16
#define CPU_SCRATCH_SP 24
#define CPU_IN_GUEST 32
#define CPU_GUEST_SAVE 40
#define CPU_ROOT 56

// struct guest
#define GUEST_RUNNER 56

// A stack for what must not go wrong lies behind struct cpu: struct cpu_area
#define CPU_AREA_STACK 4096
#define CPU_AREA_BYTES 8192

#define STACK_BYTES 0x4000

#define SSTATUS_SIE 0x2
#define SSTATUS_SPIE 0x20
#define SSTATUS_SPP 0x100
#define SSTATUS_FS 0x6000
#define SSTATUS_FS_SHIFT 13

// Where the image is linked; loaded it may be anywhere on 2 MiB.
#define IMAGE_VIRTUAL 0xffffffff80200000
#define DIRECT_BASE 0xffffffc000000000
#define DIRECT_GIB 252
#endif
