// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V: faults and registers.
#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"

u64 machine_no_flags;

// A write to the cycle counter, which can only be read.
void machine_invalid(void)
{
	__asm__ volatile(".4byte 0xc0001073");
}

static void breakpoint(void)
{
	__asm__ volatile("ebreak");
}

static void wait_for_interrupt(void)
{
	__asm__ volatile("wfi");
}

static void control_register(void)
{
	u64 value;

	__asm__ volatile("csrr %0, sstatus" : "=r"(value));
}

// Ordinary accesses may lie anywhere, atomic ones may not.
static void unaligned_atomic(void)
{
	static u64 pair[2];
	u64 value;

	__asm__ volatile("amoadd.d %0, zero, (%1)"
			 : "=r"(value)
			 : "r"((u64)pair + 4)
			 : "memory");
}

const struct machine_fault machine_faults[] = {
	{"breakpoint", breakpoint, FAULT_BREAKPOINT},
	{"invalid", machine_invalid, FAULT_INSTRUCTION},
	{"wfi", wait_for_interrupt, FAULT_INSTRUCTION},
	{"control register", control_register, FAULT_INSTRUCTION},
	{"unaligned atomic", unaligned_atomic, FAULT_ALIGNMENT},
};
const u32 machine_faults_count = ARRAY_COUNT(machine_faults);

// a7 holds 1, a0 the flag; all others but sp 0x100 and their number.
void machine_pattern(volatile u64 *flag)
{
	register volatile u64 *a0 __asm__("a0") = flag;

	__asm__ volatile("addi sp, sp, -32\n\tsd s0, 0(sp)\n\tsd tp, 8(sp)\n\t"
			 "sd gp, 16(sp)\n\t"
			 "li ra, 0x101\n\tli gp, 0x103\n\tli tp, 0x104\n\t"
			 "li t0, 0x105\n\tli t1, 0x106\n\tli t2, 0x107\n\t"
			 "li s0, 0x108\n\tli s1, 0x109\n\tli a1, 0x10b\n\t"
			 "li a2, 0x10c\n\tli a3, 0x10d\n\tli a4, 0x10e\n\t"
			 "li a5, 0x10f\n\tli a6, 0x110\n\tli s2, 0x112\n\t"
			 "li s3, 0x113\n\tli s4, 0x114\n\tli s5, 0x115\n\t"
			 "li s6, 0x116\n\tli s7, 0x117\n\tli s8, 0x118\n\t"
			 "li s9, 0x119\n\tli s10, 0x11a\n\tli s11, 0x11b\n\t"
			 "li t3, 0x11c\n\tli t4, 0x11d\n\tli t5, 0x11e\n\t"
			 "li t6, 0x11f\n\tli a7, 1\n\tsd a7, 0(a0)\n"
			 "1:\tbnez a7, 1b\n\t"
			 "ld s0, 0(sp)\n\tld tp, 8(sp)\n\tld gp, 16(sp)\n\t"
			 "addi sp, sp, 32"
			 :
			 : "r"(a0)
			 : "ra", "t0", "t1", "t2", "s1", "a1", "a2", "a3", "a4",
			   "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7",
			   "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
			   "memory");
}

const char *machine_pattern_check(const struct thread_registers *r, u64 flag)
{
	const u64 *x = (const u64 *)r;

	if (r->a0 != flag)
		return "a0";
	if (r->a7 != 1)
		return "a7";
	for (u32 i = 1; i < 32; i++)
		if (i != 2 && i != 10 && i != 17 && x[i] != 0x100 + i)
			return "x1 to x31";
	return nullptr;
}

u64 *machine_pattern_stop(struct thread_registers *r)
{
	return &r->a7;
}

bool machine_flags_ok(u64)
{
	return true;
}

void machine_vector_set(u64 value)
{
	__asm__ volatile(".option push\n\t.option arch, +d\n\t"
			 "fmv.d.x f1, %0\n\tfmv.d.x f31, %0\n\t.option pop"
			 :
			 : "r"(value));
}

u64 machine_vector(u32 which)
{
	u64 value;

	if (which)
		__asm__ volatile(".option push\n\t.option arch, +d\n\t"
				 "fmv.x.d %0, f31\n\t.option pop"
				 : "=r"(value));
	else
		__asm__ volatile(".option push\n\t.option arch, +d\n\t"
				 "fmv.x.d %0, f1\n\t.option pop"
				 : "=r"(value));
	return value;
}

// Pieces of guest_code.S, numbers of scause
const struct machine_exception machine_exceptions[] = {
	{2, 2}, {4, 3}, {6, 2}, {7, 2}, {11, 2}};
const u32 machine_exceptions_count = ARRAY_COUNT(machine_exceptions);
const u64 machine_syscall_changes = 0;
const u32 machine_general_first = 1, machine_general_count = 31;
