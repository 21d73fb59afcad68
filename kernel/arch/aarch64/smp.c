// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Starting the other CPUs by PSCI, one after the other. One that does not come in
// time is named in the log and left out; should it come later, it halts.
#include "kernel/arch/aarch64/aarch64.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "lib/base/string.h"

enum start_state : u32 {
	START_AWAITED,
	START_ARRIVED,
	START_RELEASED,
	START_ABANDONED,
};

#define START_WAIT_NS 3000000000ull // an emulator on a busy host takes its time

// What boot.S reads with the MMU off.
struct cpu_boot {
	u64 low_root, high_root;
	struct cpu_area *area;
};

[[noreturn, gnu::used]] void smp_entry(struct cpu_area *area)
{
	struct cpu *cpu = &area->cpu;
	u64 expected = cpu->arch.mpidr;
	u32 state = START_AWAITED;

	cpu_init(area, cpu->stack_top);
	if (cpu->arch.mpidr == expected &&
	    __atomic_compare_exchange_n(&cpu->arch.start_state, &state,
					START_ARRIVED, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(&cpu->arch.start_state,
				       __ATOMIC_ACQUIRE) != START_RELEASED)
			arch_relax();
		gic_init_cpu();
		counter_init_cpu();
		its_init_cpu();
		kernel_start_cpu(cpu);
	}
	for (;;)
		__asm__ volatile("msr daifset, #15; wfi");
}

static bool arrived(struct cpu *cpu)
{
	return __atomic_load_n(&cpu->arch.start_state, __ATOMIC_ACQUIRE) ==
		START_ARRIVED;
}

// The CPU reads without caches.
static void clean(const void *start, u64 bytes)
{
	for (u64 i = 0; i < bytes; i += 16)
		__asm__ volatile("dc cvac, %0"
				 :
				 : "r"((const u8 *)start + i)
				 : "memory");
	barrier_data(sy);
}

static bool start(struct cpu *cpu, struct cpu_boot *boot)
{
	u32 state = START_AWAITED;
	i64 answer;

	clean(boot, sizeof(*boot));
	clean(cpu, sizeof(*cpu));
	answer = psci_call(PSCI_CPU_ON, cpu->arch.mpidr,
			   paging_image_physical((const void *)cpu_entry),
			   arch_physical(boot).value);
	if (answer != 0)
		return false;
	for (u64 end = arch_now_ns() + START_WAIT_NS;
	     !arrived(cpu) && arch_now_ns() < end;)
		arch_relax();
	return arrived(cpu) ||
		!__atomic_compare_exchange_n(&cpu->arch.start_state, &state,
					     START_ABANDONED, false,
					     __ATOMIC_ACQ_REL,
					     __ATOMIC_ACQUIRE);
}

#define AREA_ORDER 2
static_assert(sizeof(struct cpu_area) + sizeof(struct cpu_boot) <=
	      PAGE_BYTES << AREA_ORDER);

void arch_start_cpus(const struct boot_info *info)
{
	its_init(info);
	its_init_cpu();
	for (u32 i = 0; i < info->ncpus && cpu_count < CPU_MAX; i++) {
		u64 id = info->cpu[i].hardware_id;
		u64 mpidr = (id & 0xffffff) | (id >> 24) << 32;
		struct cpu_area *area;
		struct cpu_boot *boot;
		struct paddr frame;
		struct cpu *cpu;

		if (mpidr == cpu_self()->arch.mpidr)
			continue;
		if (frame_alloc(AREA_ORDER, &frame) != STATUS_OK) {
			klog("smp: no memory for CPU %lx", mpidr);
			return;
		}
		area = arch_direct(frame);
		memset(area, 0, PAGE_BYTES << AREA_ORDER);
		boot = (struct cpu_boot *)(area + 1);
		*boot = (struct cpu_boot){entry_root, kernel_root, area};
		cpu = &area->cpu;
		cpu->self = cpu;
		cpu->number = cpu_count;
		cpu->arch.mpidr = mpidr;
		cpu->stack_top = stack_top_of(i);
		paging_map_stack(cpu->stack_top);
		cpus[cpu->number] = cpu;
		if (!start(cpu, boot)) {
			klog("smp: CPU %lx did not start: skipped", mpidr);
			cpus[cpu->number] = nullptr;
			continue;
		}
		cpu_count++;
		__atomic_store_n(&cpu->arch.start_state, START_RELEASED,
				 __ATOMIC_RELEASE);
	}
}
