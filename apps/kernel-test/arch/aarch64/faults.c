// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AArch64: faults and registers.
#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"

void machine_invalid(void)
{
	__asm__ volatile("udf #0");
}

static void breakpoint(void)
{
	__asm__ volatile("brk #0");
}

static void system_register(void)
{
	u64 value;

	__asm__ volatile("mrs %0, sctlr_el1" : "=r"(value));
}

// QEMU 7.2 does not check that the stack pointer is aligned.
static void unaligned_exclusive(void)
{
	static u64 pair[2];
	u64 value;

	__asm__ volatile("ldxr %0, [%1]"
			 : "=r"(value)
			 : "r"((u64)pair + 4)
			 : "memory");
}

const struct machine_fault machine_faults[] = {
	{"breakpoint", breakpoint, FAULT_BREAKPOINT},
	{"invalid", machine_invalid, FAULT_INSTRUCTION},
	{"system register", system_register, FAULT_INSTRUCTION},
	{"unaligned exclusive", unaligned_exclusive, FAULT_ALIGNMENT},
};
const u32 machine_faults_count = ARRAY_COUNT(machine_faults);

// x1 holds 1, x0 the flag; all others, but those that a C function must keep, twice
// their number and 0x1000.
const char *machine_pattern_check(const struct thread_registers *r, u64 flag)
{
	if (r->x[0] != flag)
		return "x0";
	if (r->x[1] != 1)
		return "x1";
	for (u32 i = 2; i < 31; i++)
		if (r->x[i] != 0x1000 + 2 * i)
			return "x2 to x30";
	return nullptr;
}

u64 *machine_pattern_stop(struct thread_registers *r)
{
	return &r->x[1];
}

// Mode, masks, single steps
bool machine_flags_ok(u64 flags)
{
	return !(flags & 0x3ff) && !(flags & 0x300000);
}

// Pieces of guest_code.S, classes of ESR_EL1
const struct machine_exception machine_exceptions[] = {
	{2, 0}, {4, 0x3c}, {6, 0}, {7, 0}, {11, 0x24}};
const u32 machine_exceptions_count = ARRAY_COUNT(machine_exceptions);
const u64 machine_syscall_changes = 0;
const u32 machine_general_first = 0, machine_general_count = 32;
