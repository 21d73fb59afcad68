// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Numbers that assembly and C share. Offsets in structures: offsets.c.
#ifndef ARCH_OFFSETS_H
#define ARCH_OFFSETS_H

// A stack for what must not go wrong lies behind struct cpu: struct cpu_area
#define CPU_AREA_STACK 4096
#define CPU_AREA_BYTES 8192


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
