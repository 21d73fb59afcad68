// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Numbers that assembly and C share. The offsets are asserted in trap.c, so a
// changed structure does not compile until they are right (the compiler's message
// names the offset it found).
#ifndef ARCH_OFFSETS_H
#define ARCH_OFFSETS_H

// struct arch_regs, struct guest_state: x[n] at 8 * n
#define REGS_sp 248
#define REGS_pc 256
#define REGS_pstate 264
#define REGS_tpidr 272
#define GUEST_REASON 280

// struct thread, whose first member is its registers
#define THREAD_ROOT_FULL 288
#define THREAD_RUNNING_GUEST 312

// struct guest
#define GUEST_RUNNER 56

// struct cpu
#define CPU_CURRENT 8
#define CPU_STACK_TOP 16
#define CPU_IN_GUEST 32
#define CPU_GUEST_SAVE 40
#define CPU_FATAL_STACK 48
#define CPU_RESCHEDULE 97
#define CPU_REQUESTS 128
#define CPU_REAPER 112

// Address-space number of guests' roots, as in TTBR0; all others have 0.
#define GUEST_ASID 0x1000000000000

#define STACK_BYTES 0x4000
#define FATAL_STACK_BYTES 0x2000

// Virtual addresses: see paging.c.
#define IMAGE_BASE 0xffffffff80000000
#define DIRECT_BASE 0xffff800000000000

// TCR_EL1 (D17.2.131) but for the size of physical addresses: both halves 48 bits
// of 4 KiB pages, tables walked as cacheable, inner shareable memory.
#define TCR_BITS 0xb5103510
// MAIR_EL1: 0 normal write-back, 1 device nGnRE
#define MAIR_BITS 0x04ff
// SCTLR_EL1 (D17.2.118): MMU, caches, aligned stack pointers, data cache zeroing
// and cache maintenance by address for users, WFI and WFE for users; PAN is set on
// every entry. And the bits that read as one. Then: no page is writable and
// executable, which is not yet so of the first page tables.
#define SCTLR_BITS 0x3455d81d
#define SCTLR_WXN 0x80000
#define SCTLR_OFF 0x30d00800
#endif
