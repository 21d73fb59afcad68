// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AArch64: see arch/machine.h. Addresses are those of QEMU's board virt.
#pragma once

#define MACHINE_FLAGS 0
#define MACHINE_STEP_BIT 64 // a user cannot have it
#define MACHINE_SYSCALL_BYTES 4
#define MACHINE_INVALID_BYTES 4
#define MACHINE_MEMORY 0x40100000
#define MACHINE_DEVICE 0x9010000ull // its clock
#define MACHINE_KERNEL_DEVICES 0x8000000ull, 0x80a0000ull
#define MACHINE_PORTS false
#define MACHINE_NO_ADDRESS GUEST_FAULT

static inline struct machine_registers
machine_registers(struct thread_registers *r)
{
	return (struct machine_registers){
		.pc = &r->pc,
		.sp = &r->sp,
		.flags = &r->pstate,
		.thread_pointer = &r->tpidr,
		.argument = &r->x[0],
		.number = &r->x[8],
		.guest = &r->x[29],
		.gate = &r->sp,
		.a = &r->x[9],
		.b = &r->x[19],
	};
}

static inline void machine_pointers_set(struct thread_registers *r, u64 to)
{
	r->tpidr = to;
}

static inline u64 machine_thread_word(void)
{
	const u64 *pointer;

	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(pointer));
	return *(const volatile u64 *)(pointer + 1);
}

void machine_vector_set(u64 value); // code.S
u64 machine_vector(u32 which);
