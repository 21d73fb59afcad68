// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V: see arch/machine.h. Addresses are those of QEMU's board virt. There are no
// flags: what the tests ask for as flags goes nowhere.
#pragma once

#define MACHINE_FLAGS 0
#define MACHINE_STEP_BIT 64 // none
#define MACHINE_SYSCALL_BYTES 4
#define MACHINE_INVALID_BYTES 4
#define MACHINE_MEMORY 0x80200000
#define MACHINE_DEVICE 0x101000ull // its clock
#define MACHINE_KERNEL_DEVICES 0xc000000ull, 0xc201000ull
#define MACHINE_PORTS false
#define MACHINE_NO_ADDRESS GUEST_FAULT

extern u64 machine_no_flags; // faults.c

static inline struct machine_registers
machine_registers(struct thread_registers *r)
{
	return (struct machine_registers){
		.pc = &r->pc,
		.sp = &r->sp,
		.flags = &machine_no_flags,
		.thread_pointer = &r->tp,
		.argument = &r->a0,
		.number = &r->a7,
		.guest = &r->s0,
		.gate = &r->sp,
		.a = &r->t4,
		.b = &r->s1,
	};
}

static inline void machine_pointers_set(struct thread_registers *r, u64 to)
{
	r->tp = to;
}

static inline u64 machine_thread_word(void)
{
	u64 value;

	__asm__ volatile("ld %0, 8(tp)" : "=r"(value));
	return value;
}
