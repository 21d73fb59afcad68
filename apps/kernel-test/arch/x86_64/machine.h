// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// x86-64: see arch/machine.h.
#pragma once

#define MACHINE_FLAGS 0x202
#define MACHINE_STEP_BIT 8
#define MACHINE_SYSCALL_BYTES 2
#define MACHINE_INVALID_BYTES 2
#define MACHINE_MEMORY 0x100000
#define MACHINE_DEVICE 0xfebff000ull
#define MACHINE_KERNEL_DEVICES 0xfec00000ull, 0xfee00000ull
#define MACHINE_PORTS true
#define MACHINE_NO_ADDRESS GUEST_EXCEPTION

static inline struct machine_registers
machine_registers(struct thread_registers *r)
{
	return (struct machine_registers){.pc = &r->rip,
					  .sp = &r->rsp,
					  .flags = &r->rflags,
					  .thread_pointer = &r->fs_base,
					  .argument = &r->rdi,
					  .number = &r->rax,
					  .guest = &r->rbp,
					  .gate = &r->rsp,
					  .a = &r->rax,
					  .b = &r->rbx};
}

static inline void machine_pointers_set(struct thread_registers *r, u64 to)
{
	r->fs_base = r->gs_base = to;
}

static inline u64 machine_thread_word(void)
{
	u64 value;

	__asm__ volatile("movq %%fs:8, %0" : "=r"(value));
	return value;
}
