// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The system object: authority over the machine. Power, the log, facts.
#include "kernel/system.h"
#include "abi/constants.h"
#include "boot/boot_info.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/arch/arch.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cap.h"
#include "kernel/object/pool.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "kernel/sched/cpu.h"
#include "kernel/start/cpus.h"
#include "lib/base/bits.h"

#define LOG_BYTES 256

static const struct boot_info *boot;

enum status system_create(struct pool *pool, const struct boot_info *info,
			  struct object **out)
{
	boot = info;
	return pool_object_alloc(pool, OBJECT_SYSTEM, sizeof(struct object),
				 out);
}

enum status sysk_system_log(struct thread *self, struct cap_ref *,
			    struct uaddr text, u32 length)
{
	char *scratch = (char *)cpu_self()->scratch;
	enum status status;

	if (length > LOG_BYTES)
		return ERR_ARGUMENT;
	status = aspace_read(self->aspace, text.value, scratch, length);
	if (status != STATUS_OK)
		return status;
	for (u32 i = 0; i < length; i++)
		if ((u8)scratch[i] < ' ' && scratch[i] != '\n' &&
		    scratch[i] != '\t')
			scratch[i] = '?'; // no control sequences from below
	log_bytes(scratch, length);
	return STATUS_OK;
}

enum status sysk_system_log_read(struct thread *self, struct cap_ref *,
				 struct uaddr buffer, u32 length, u64 position,
				 struct system_log_read_result *out)
{
	struct cpu *cpu = cpu_self();

	out->done = log_read((char *)cpu->scratch, MIN(length, SCRATCH_BYTES),
			     position, &out->next);
	return aspace_write(self->aspace, buffer.value, cpu->scratch,
			    out->done);
}

enum status sysk_system_control(struct thread *, struct cap_ref *, u32 action,
				u64 value)
{
	switch (action) {
	case SYSTEM_OFF:
	case SYSTEM_REBOOT:
		arch_power(action);
	case SYSTEM_PANIC:
		panic("asked for by system_control");
	case CPU_OFFLINE:
	case CPU_ONLINE:
	case CPU_INSERT:
		return cpu_control(action, value);
	default:
		return ERR_ARGUMENT;
	}
}

enum status sysk_system_info(struct thread *, struct cap_ref *, u32 what,
			     u64 index, struct system_info_result *out)
{
	*out = (struct system_info_result){};
	switch (what) {
	case SYSTEM_INFO_CPUS:
		out->a = boot->ncpus;
		out->b = count_bits(cpus_online);
		out->c = cpu_self()->number;
		return STATUS_OK;
	case SYSTEM_INFO_MEMORY:
		out->a = frames_total();
		out->b = frames_free();
		return STATUS_OK;
	case SYSTEM_INFO_FRAMES:
		frames_walk(&out->a, &out->b, &out->c);
		return STATUS_OK;
	case SYSTEM_INFO_TOPOLOGY:
		if (index >= boot->ncpus)
			return ERR_RANGE;
		out->a = boot->cpu[index].socket;
		out->b = boot->cpu[index].core;
		out->c = boot->cpu[index].thread;
		out->d = boot->cpu[index].hardware_id |
			(u64)cpus[index]->state << 32;
		return STATUS_OK;
	case SYSTEM_INFO_COUNTER:
		if (index > 1)
			return ERR_RANGE;
		for (u32 i = 0; i < cpu_count; i++)
			out->a += index ? cpus[i]->timer_interrupts
					: cpus[i]->fast_calls;
		return STATUS_OK;
	}
	for (u32 i = 0; i < boot->nfacts; i++) {
		const struct boot_fact *fact = &boot->fact[i];

		if (fact->what == what && fact->index == index) {
			*out = (struct system_info_result){fact->a, fact->b,
							   fact->c, fact->d};
			return STATUS_OK;
		}
	}
	return ERR_RANGE;
}
