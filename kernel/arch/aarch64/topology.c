// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Sockets, cores, threads: the device tree's cpu-map, read by boot/fdt.
#include "kernel/arch/aarch64/aarch64.h"

static const struct boot_info *boot;

void topology_init(const struct boot_info *info)
{
	boot = info;
}

void arch_topology(u32 hardware_id, u64 *socket, u64 *core, u64 *thread)
{
	*socket = *core = *thread = 0;
	for (u32 i = 0; i < boot->ncpus; i++) {
		if (boot->cpu[i].hardware_id != hardware_id)
			continue;
		*socket = boot->cpu[i].socket;
		*core = boot->cpu[i].core;
		*thread = boot->cpu[i].thread;
	}
}
