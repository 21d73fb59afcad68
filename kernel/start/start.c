// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// From the architecture's entry to the first process: frames, the first pool, the
// clock, the other CPUs, root.
#include "kernel/start/start.h"
#include "boot/boot_info.h"
#include "kernel/arch/arch.h"
#include "kernel/debug/shell.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/object/pool.h"
#include "kernel/panic.h"
#include "kernel/sched/sched.h"
#include "kernel/start/cpus.h"
#include "kernel/time/clock.h"

// What the first programs need at the least, checked before they fail half-way.
#define MEMORY_MIN_FRAMES (40ul * 1024 * 1024 / PAGE_BYTES)

static void check_memory(void)
{
	u64 total = frames_total() / 256;

	klog("memory: %lu MiB usable, %lu MiB free", total, frames_free() / 256);
	if (frames_total() < MEMORY_MIN_FRAMES) {
		klog("Kochab needs %lu MiB of usable memory, this machine has "
		     "%lu MiB: %lu MiB are missing. Give it more (--mem 64M).",
		     MEMORY_MIN_FRAMES / 256, total,
		     MEMORY_MIN_FRAMES / 256 - total);
		arch_power(SYSTEM_OFF);
	}
}

void kernel_start(const struct boot_info *info)
{
	struct pool *pool;
	enum status status;

	klog("Kochab: %u CPUs found, command line: %s", info->ncpus,
	     info->command_line);
	for (u32 i = 0; i < info->ncpus && info->ncpus > 1; i++) {
		const struct boot_cpu *cpu = &info->cpu[i];

		klog("cpu %u: socket %u core %u thread %u", i, cpu->socket,
		     cpu->core, cpu->thread);
	}
	if (info->warnings[0])
		klog("boot: %s", info->warnings);
	frame_init(info);
	check_memory();
	pool = pool_create_first(frames_free());
	status = clock_init(pool, info);
	if (status != STATUS_OK)
		panic("no clock: %s", status_text(status));
	cpus_start();
	start_root(pool, info);
	shell_start(pool);
	kernel_leave();
}
