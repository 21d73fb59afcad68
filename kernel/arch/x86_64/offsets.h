// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Numbers that assembly and C share. Offsets in structures: offsets.c.
#ifndef ARCH_OFFSETS_H
#define ARCH_OFFSETS_H

// Selectors. syscall and sysret want this order.
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA 0x23
#define SELECTOR_USER_CODE 0x2b
#define SELECTOR_TSS 0x30

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
