// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Numbers that assembly and C share. The offsets are asserted in trap.c, so a
// changed structure does not compile until they are right (the compiler's message
// names the offset it found).
#ifndef ARCH_OFFSETS_H
#define ARCH_OFFSETS_H

// struct arch_regs, struct guest_state
#define REGS_rsp 0
#define REGS_rax 8
#define REGS_rbx 16
#define REGS_rcx 24
#define REGS_rdx 32
#define REGS_rsi 40
#define REGS_rdi 48
#define REGS_rbp 56
#define REGS_r8 64
#define REGS_r9 72
#define REGS_r10 80
#define REGS_r11 88
#define REGS_r12 96
#define REGS_r13 104
#define REGS_r14 112
#define REGS_r15 120
#define REGS_rip 128
#define REGS_rflags 136
#define REGS_fs_base 144
#define REGS_gs_base 152
#define GUEST_REASON 160

// struct thread, whose first member is its registers
#define THREAD_ROOT_FULL 168
#define THREAD_RUNNING_GUEST 192
#define THREAD_RESUME_SYSCALL 208

// struct guest
#define GUEST_RUNNER 56

// struct cpu
#define CPU_CURRENT 8
#define CPU_STACK_TOP 16
#define CPU_SCRATCH_SP 24
#define CPU_IN_GUEST 32
#define CPU_GUEST_SAVE 40
#define CPU_RESCHEDULE 233
#define CPU_REQUESTS 256
#define CPU_REAPER 248

// Selectors. syscall and sysret want this order.
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA 0x23
#define SELECTOR_USER_CODE 0x2b
#define SELECTOR_TSS 0x30

#define STACK_BYTES 0x4000
#define IST_STACK_BYTES 0x1000

// Vectors. Devices: 48 to 239, allocated in apic.c.
#define VECTOR_DEVICE_FIRST 48
#define VECTOR_DEVICE_LAST 239
#define VECTOR_TIMER 240
#define VECTOR_IPI 241
#define VECTOR_SPURIOUS 255

// Where the start-up code of other CPUs is copied: below 1 MiB, which is kept
// out of the memory map.
#define TRAMPOLINE 0x8000

#define IMAGE_BASE 0xffffffff80000000
#define DIRECT_BASE 0xffff800000000000
#endif
