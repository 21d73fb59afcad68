// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// One CPU: what it must be able to do, and its system registers. Arm ARM (DDI
// 0487), D17.
#include "kernel/arch/aarch64/aarch64.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"

#define COUNTER_FOR_USERS 2 // CNTKCTL_EL1: the virtual counter, no timer

static u64 field(u64 value, u32 shift)
{
	return value >> shift & 15;
}

static void need(bool present, const char *name)
{
	if (!present)
		panic("this CPU lacks %s, which Kochab needs", name);
}

void cpu_check_features(void)
{
	u64 memory = read_system(id_aa64mmfr0_el1);
	u64 granule = field(memory, 28);

	need(granule == 0 || granule == 1, "pages of 4 KiB");
	need(field(read_system(id_aa64isar0_el1), 20) >= 2,
	     "atomic instructions (ARMv8.1)");
	need(field(read_system(id_aa64mmfr1_el1), 20) >= 1,
	     "privileged access never (ARMv8.1)");
	need(field(read_system(id_aa64pfr0_el1), 24) >= 1,
	     "a GICv3 CPU interface");
	need(field(read_system(id_aa64pfr0_el1), 16) != 15, "floating point");
}

void cpu_init(struct cpu_area *area, u64 stack_top)
{
	struct cpu *cpu = &area->cpu;

	cpu->self = cpu;
	cpu->stack_top = stack_top;
	cpu->arch.fatal_stack = (u64)(area->fatal_stack + FATAL_STACK_BYTES);
	write_system(tpidr_el1, cpu);
	write_system(tpidr_el0, 0);
	write_system(tpidrro_el0, 0);
	write_system(vbar_el1, trap_vectors);
	write_system(sctlr_el1, SCTLR_BITS | SCTLR_WXN);
	write_system(cpacr_el1, 1ull << 20); // floating point traps users
	write_system(cntkctl_el1, COUNTER_FOR_USERS);
	write_system(mdscr_el1, 0);
	__asm__ volatile("msr pan, #1");
	load_root(empty_root);
}
