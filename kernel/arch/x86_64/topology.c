// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Sockets, cores, threads: an APIC id is those three numbers side by side, and
// CPUID leaf 0Bh says how wide each is (Intel SDM volume 2A, CPUID; AMD64 manual
// volume 3, appendix E.4.7).
#include "kernel/arch/x86_64/x86.h"

// Bits of the APIC id below the next level; 0 when the CPU does not say.
static u32 width_below(u32 level)
{
	struct cpuid width;

	if (cpuid(0, 0).eax < 0xb)
		return 0;
	width = cpuid(0xb, level);
	return width.ebx ? width.eax & 31 : 0;
}

bool arch_cpu_insert(struct boot_cpu *cpu)
{
	u32 id = cpu->hardware_id, thread_bits = width_below(0), package_bits = width_below(1);

	if (package_bits < thread_bits)
		package_bits = thread_bits;
	cpu->thread = id & ((1u << thread_bits) - 1);
	cpu->core = (id & ((1u << package_bits) - 1)) >> thread_bits;
	cpu->socket = id >> package_bits;
	return true;
}

void topology_read(struct boot_info *info)
{
	for (u32 i = 0; i < info->ncpus; i++)
		(void)arch_cpu_insert(&info->cpu[i]);
}
