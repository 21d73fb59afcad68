// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Starting the other CPUs, one after the other. One that does not come in time is
// named in the log and left out; should it come later, it halts.
#include "kernel/arch/x86_64/x86.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "lib/base/string.h"

extern const u8 trampoline_cr3[];

enum start_state : u32 {
	START_AWAITED,
	START_ARRIVED,
	START_RELEASED,
	START_ABANDONED,
};

#define START_TRIES 2
#define START_WAIT_US 1500000 // an emulator on a busy host takes its time

static void *trampoline_at(const u8 *symbol)
{
	return (u8 *)arch_direct((struct paddr){ TRAMPOLINE }) +
	       (symbol - trampoline_start);
}

// On the new CPU, on its stack, with trampoline_root loaded.
[[noreturn, gnu::used]] void smp_entry(struct cpu_area *area)
{
	struct cpu *cpu = &area->cpu;
	u32 state = START_AWAITED;

	write_cr(3, kernel_root);
	cpu_init(area, cpu->stack_top);
	apic_init_cpu();
	if (apic_id() == cpu->arch.apic_id &&
	    __atomic_compare_exchange_n(&cpu->arch.start_state, &state,
					START_ARRIVED, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(&cpu->arch.start_state,
				       __ATOMIC_ACQUIRE) != START_RELEASED)
			arch_relax();
		kernel_start_cpu(cpu);
	}
	for (;;)
		__asm__ volatile("cli; hlt");
}

static bool arrived(struct cpu *cpu)
{
	return __atomic_load_n(&cpu->arch.start_state, __ATOMIC_ACQUIRE) ==
	       START_ARRIVED;
}

static bool start(struct cpu *cpu)
{
	u32 state = START_AWAITED;

	apic_start_cpu(cpu->arch.apic_id, 0);
	clock_delay_us(10000); // MultiProcessor specification 1.4, B.4
	for (u32 try = 0; try < START_TRIES; try++) {
		apic_start_cpu(cpu->arch.apic_id, 1);
		for (u32 us = 0; us < START_WAIT_US && !arrived(cpu); us += 50)
			clock_delay_us(50);
		if (arrived(cpu))
			return true;
	}
	return !__atomic_compare_exchange_n(&cpu->arch.start_state, &state,
					    START_ABANDONED, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static struct cpu_area *area_alloc(void)
{
	struct paddr frame;
	u32 order = 0;

	while (((usize)PAGE_BYTES << order) < sizeof(struct cpu_area))
		order++;
	if (frame_alloc(order, &frame) != STATUS_OK)
		return nullptr;
	memset(arch_direct(frame), 0, sizeof(struct cpu_area));
	return arch_direct(frame);
}

void arch_start_cpus(const struct boot_info *info)
{
	memcpy(trampoline_at(trampoline_start), trampoline_start,
	       (usize)(trampoline_end - trampoline_start));
	*(u32 *)trampoline_at(trampoline_cr3) = (u32)trampoline_root;
	for (u32 i = 0; i < info->ncpus && cpu_count < CPU_MAX; i++) {
		u32 id = info->cpu[i].hardware_id;
		struct cpu_area *area;
		struct cpu *cpu;

		if (id == cpu_self()->arch.apic_id)
			continue;
		area = area_alloc();
		if (!area) {
			klog("smp: no memory for CPU with APIC id %u", id);
			return;
		}
		cpu = &area->cpu;
		cpu->self = cpu;
		cpu->number = cpu_count;
		cpu->arch.apic_id = id;
		cpu->stack_top = stack_top_of(i);
		paging_map_stack(cpu->stack_top);
		cpus[cpu->number] = cpu;
		__atomic_store_n((struct cpu_area **)trampoline_at(
					 trampoline_area),
				 area, __ATOMIC_RELEASE);
		if (!start(cpu)) {
			klog("smp: CPU with APIC id %u did not start: skipped",
			     id);
			cpus[cpu->number] = nullptr;
			continue;
		}
		cpu_count++;
		__atomic_store_n(&cpu->arch.start_state, START_RELEASED,
				 __ATOMIC_RELEASE);
	}
}
