// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Numbers that assembly and C share. Offsets in structures: offsets.c.
#ifndef ARCH_OFFSETS_H
#define ARCH_OFFSETS_H

// Address-space number of guests' roots, as in TTBR0; all others have 0.
#define GUEST_ASID 0x1000000000000

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
