// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// One CPU's registers, and starting the others (SBI, hart state management), one
// after the other. One that does not come in time is named in the log and left
// out; should it come later, it stops.
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

enum start_state : u32 {
	START_AWAITED,
	START_ARRIVED,
	START_RELEASED,
	START_ABANDONED,
};

#define START_WAIT_US 3000000 // an emulator on a busy host takes its time
#define COUNTEREN_TIME 2

// What smp_start in start.S reads.
struct start_block {
	u64 satp, virtual, stack_top;
	struct cpu_area *area;
	u64 hart;
};
extern u64 smp_block; // physical address of the one last passed

void cpu_init(struct cpu_area *area, u64 stack_top)
{
	struct cpu *cpu = &area->cpu;

	static_assert(__builtin_offsetof(struct cpu_area, stack) ==
		      CPU_AREA_STACK);
	static_assert(sizeof(struct cpu_area) == CPU_AREA_BYTES);
	cpu->self = cpu;
	cpu->stack_top = stack_top;
	__asm__ volatile("mv tp, %0" : : "r"(cpu));
	csr_write("stvec", trap_entry);
	csr_write("sscratch", 0);
	// User memory is not to be touched from here (SUM), executable memory not
	// to be read by loads unless it is readable (MXR), no FPU.
	csr_clear("sstatus",
		  1ull << 18 | 1ull << 19 | SSTATUS_FS | SSTATUS_SIE);
	csr_write("scounteren", COUNTEREN_TIME);
}

// On the new CPU, on its stack, with the kernel's tables loaded.
[[noreturn, gnu::used]] void smp_entry(struct cpu_area *area)
{
	struct cpu *cpu = &area->cpu;
	u32 state = START_AWAITED;

	cpu_init(area, cpu->stack_top);
	cpu->arch.root = kernel_root;
	interrupts_init_cpu();
	if (__atomic_compare_exchange_n(&cpu->arch.start_state, &state,
					START_ARRIVED, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(&cpu->arch.start_state,
				       __ATOMIC_ACQUIRE) != START_RELEASED)
			arch_relax();
		kernel_start_cpu(cpu);
	}
	csr_write("sie", 0);
	for (;;)
		__asm__ volatile("wfi");
}

static bool start(struct cpu *cpu, struct start_block *block)
{
	u32 state = START_AWAITED;
	struct sbi_result result;

	__atomic_store_n(&smp_block, arch_physical(block).value,
			 __ATOMIC_SEQ_CST);
	result = sbi(SBI_HSM, 0, cpu->arch.hart, image_physical(smp_start),
		     arch_physical(block).value);
	if (result.error)
		return false;
	for (u32 us = 0; us < START_WAIT_US; us += 50) {
		if (__atomic_load_n(&cpu->arch.start_state, __ATOMIC_ACQUIRE) ==
		    START_ARRIVED)
			return true;
		clock_delay_us(50);
	}
	return !__atomic_compare_exchange_n(&cpu->arch.start_state, &state,
					    START_ABANDONED, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static struct cpu_area *area_alloc(struct start_block **block)
{
	struct paddr frame;
	u32 order = 0;

	while (((usize)PAGE_BYTES << order) < sizeof(struct cpu_area))
		order++;
	if (frame_alloc(order, &frame) != STATUS_OK)
		return nullptr;
	memset(arch_direct(frame), 0, sizeof(struct cpu_area));
	// In the area's own stack, which nothing uses yet.
	*block = (struct start_block *)((u8 *)arch_direct(frame) +
					CPU_AREA_STACK);
	return arch_direct(frame);
}

void arch_start_cpus(const struct boot_info *info)
{
	for (u32 i = 0; i < info->ncpus && cpu_count < CPU_MAX; i++) {
		u32 hart = info->cpu[i].hardware_id;
		struct start_block *block;
		struct cpu_area *area;
		struct cpu *cpu;

		if (hart == cpu_self()->arch.hart)
			continue;
		area = area_alloc(&block);
		if (!area) {
			klog("smp: no memory for hart %u", hart);
			return;
		}
		cpu = &area->cpu;
		cpu->self = cpu;
		cpu->number = cpu_count;
		cpu->arch.hart = hart;
		cpu->arch.index = i;
		cpu->stack_top = stack_top_of(i);
		paging_map_stack(cpu->stack_top);
		cpus[cpu->number] = cpu;
		*block = (struct start_block){satp_of(kernel_root),
					      (u64)smp_virtual, cpu->stack_top,
					      area, hart};
		if (!start(cpu, block)) {
			klog("smp: hart %u did not start: skipped", hart);
			cpus[cpu->number] = nullptr;
			continue;
		}
		cpu_count++;
		__atomic_store_n(&cpu->arch.start_state, START_RELEASED,
				 __ATOMIC_RELEASE);
		while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
			arch_relax();
	}
}

void arch_ipi(u32 cpu)
{
	(void)sbi(SBI_IPI, 0, 1, cpus[cpu]->arch.hart, 0);
}
