// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// One CPU: what it must be able to do, its control registers, descriptor tables
// and system-call registers. AMD64 manual volume 2, chapters 3, 4, 6.
#include "kernel/arch/x86_64/x86.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

struct cpu_features cpu_features;

#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX 0xc0000103

// PAE, machine checks, global pages, FXSR, SIMD exceptions, FSGSBASE, XSAVE, SMEP,
// SMAP
#define CR4_BITS                                                               \
	(BIT(5) | BIT(6) | BIT(7) | BIT(9) | BIT(10) | BIT(16) | BIT(18) |     \
	 BIT(20) | BIT(21))
#define CR4_UMIP BIT(11)
// protection, coprocessor present, native errors, write protection, alignment
#define CR0_BITS                                                               \
	(BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(16) | BIT(18) | BIT(31))
// trap, interrupt, direction, I/O level, nested task, alignment check
#define ENTRY_CLEARS_FLAGS 0x47700

static void need(u32 word, u32 bit, const char *name)
{
	if (!(word >> bit & 1))
		panic("this CPU lacks %s, which Kochab needs", name);
}

void cpu_check_features(void)
{
	struct cpuid basic = cpuid(1, 0), more = cpuid(7, 0);
	struct cpuid extended = cpuid(0x80000001, 0);

	need(basic.edx, 9, "a local APIC");
	need(basic.edx, 13, "global pages");
	need(basic.ecx, 26, "XSAVE");
	need(basic.edx, 26, "SSE2");
	need(more.ebx, 0, "FSGSBASE");
	need(more.ebx, 7, "SMEP");
	need(more.ebx, 20, "SMAP");
	need(extended.edx, 11, "SYSCALL");
	need(extended.edx, 20, "no-execute pages");
	cpu_features.umip = more.ecx >> 2 & 1;
	cpu_features.x2apic = basic.ecx >> 21 & 1;
	cpu_features.tsc_deadline = basic.ecx >> 24 & 1;
	cpu_features.gigabyte_pages = extended.edx >> 26 & 1;
	// Floating point: x87, SSE, and AVX when present. The save area is 512
	// bytes, a header of 64, and AVX's part, at a fixed place.
	cpu_features.fpu_mask = cpuid(0xd, 0).eax & 7;
}

static void load_tables(struct cpu_area *area, u64 stack_top)
{
	struct arch_cpu *arch = &area->cpu.arch;
	struct table_pointer pointer = {sizeof(arch->gdt) - 1, (u64)arch->gdt};
	u64 tss = (u64)&arch->tss;

	arch->gdt[SELECTOR_KERNEL_CODE / 8] = 0x00af9b000000ffff;
	arch->gdt[SELECTOR_KERNEL_DATA / 8] = 0x00cf93000000ffff;
	arch->gdt[SELECTOR_USER_DATA / 8] = 0x00cff3000000ffff;
	arch->gdt[SELECTOR_USER_CODE / 8] = 0x00affb000000ffff;
	arch->gdt[SELECTOR_TSS / 8] = (sizeof(arch->tss) - 1) |
		(tss & 0xffffff) << 16 | 0x89ull << 40 |
		(tss >> 24 & 0xff) << 56;
	arch->gdt[SELECTOR_TSS / 8 + 1] = tss >> 32;
	arch->tss.rsp[0] = stack_top;
	arch->tss.io_bitmap = sizeof(arch->tss); // none
	for (u32 i = 0; i < 3; i++) {
		u64 *last = (u64 *)(area->ist[i] + IST_STACK_BYTES) - 1;

		*last = (u64)area; // for trap_fatal_ist
		arch->tss.ist[i] = (u64)(last - 1);
	}
	__asm__ volatile("lgdt %0\n"
			 "pushq %1\n"
			 "leaq 1f(%%rip), %%rax\n"
			 "pushq %%rax\n"
			 "lretq\n"
			 "1: movl %2, %%ss\n"
			 "movl %3, %%ds\n"
			 "movl %3, %%es\n"
			 "movl %3, %%fs\n"
			 "movl %3, %%gs\n"
			 "ltr %4\n"
			 "lldt %w3\n"
			 :
			 : "m"(pointer), "i"(SELECTOR_KERNEL_CODE),
			   "r"(SELECTOR_KERNEL_DATA), "r"(0),
			   "r"((u16)SELECTOR_TSS)
			 : "rax", "memory");
}

void cpu_init(struct cpu_area *area, u64 stack_top)
{
	struct cpu *cpu = &area->cpu;
	write_cr(0, CR0_BITS | CR0_TASK_SWITCHED);
	write_cr(4, CR4_BITS | (cpu_features.umip ? CR4_UMIP : 0));
	__asm__ volatile("xsetbv"
			 :
			 : "c"(0), "a"(cpu_features.fpu_mask), "d"(0));
	cpu->self = cpu;
	cpu->stack_top = stack_top;
	load_tables(area, stack_top);
	trap_load();
	write_msr(MSR_GS_BASE, (u64)cpu);
	write_msr(MSR_KERNEL_GS_BASE, 0);
	write_msr(MSR_EFER, read_msr(MSR_EFER) | 1 /* syscall */);
	// sysretq takes cs from these bits + 16 and ss from them + 8
	write_msr(MSR_STAR,
		  (u64)(SELECTOR_USER_DATA - 8) << 48 |
			  (u64)SELECTOR_KERNEL_CODE << 32);
	write_msr(MSR_LSTAR, (u64)syscall_entry);
	write_msr(MSR_FMASK, ENTRY_CLEARS_FLAGS);
	if (cpuid(0x80000001, 0).edx >> 27 & 1)
		write_msr(MSR_TSC_AUX, cpu->number); // rdtscp: getcpu
}
