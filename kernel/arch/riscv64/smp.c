// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// One CPU's registers; how another comes in and goes off, by SBI's hart state
// management.
#include "kernel/arch/riscv64/riscv.h"
#include "lib/base/bits.h"

#define COUNTEREN_TIME 2

// What smp_start in start.S reads.
struct start_block {
	u64 satp, virtual, stack_top;
	struct cpu_area *area;
	u64 hart;
};
extern u64 smp_block; // physical address of the one last passed

const usize arch_cpu_bytes = sizeof(struct cpu_area);

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

	cpu_init(area, cpu->stack_top);
	cpu->arch.root = kernel_root;
	interrupts_init_cpu();
	if (cpu_arrived(cpu))
		kernel_start_cpu(cpu);
	arch_cpu_off();
}

void arch_cpu_off(void)
{
	csr_write("sie", 0);
	(void)sbi(SBI_HSM, 1, 0, 0, 0);
	for (;;) // it cannot be
		__asm__ volatile("wfi");
}

bool arch_cpu_insert(struct boot_cpu *)
{
	return false; // the firmware names all there can be
}

bool arch_cpu_start(struct cpu *cpu)
{
	struct cpu_area *area = (struct cpu_area *)cpu;
	// In the stack for fatal traps, at the end that is used last.
	struct start_block *block = (struct start_block *)area->stack;

	*block = (struct start_block){satp_of(kernel_root), (u64)smp_virtual,
				      cpu->stack_top, area, cpu->hardware_id};
	__atomic_store_n(&smp_block, arch_physical(block).value,
			 __ATOMIC_SEQ_CST);
	return !sbi(SBI_HSM, 0, cpu->hardware_id, image_physical(smp_start),
		    arch_physical(block).value)
			.error;
}

void arch_ipi(u32 cpu)
{
	(void)sbi(SBI_IPI, 0, 1, cpus[cpu]->hardware_id, 0);
}
