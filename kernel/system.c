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
	const u64 many[] = { // of each fact
		0, ~0ull, ~0ull, ~0ull, ~0ull, 16, boot->nranges, 2, boot->ncpus,
		~0ull, boot->serial.kind != 0, boot->npci_windows, 32 * 4};

	*out = (struct system_info_result){};
	if (what >= ARRAY_COUNT(many) || index >= many[what])
		return ERR_RANGE;
	switch (what) {
	case SYSTEM_INFO_CPUS:
		out->a = boot->ncpus;
		out->b = count_bits(cpus_online);
		out->c = cpu_self()->number;
		break;
	case SYSTEM_INFO_MEMORY:
		out->a = frames_total();
		out->b = frames_free();
		break;
	case SYSTEM_INFO_FRAMES:
		frames_walk(&out->a, &out->b, &out->c);
		break;
	case SYSTEM_INFO_RSDP:
		out->a = boot->acpi_rsdp;
		break;
	case SYSTEM_INFO_ECAM:
		out->a = boot->ecam;
		out->b = boot->ecam_first_bus;
		out->c = boot->ecam_last_bus;
		break;
	case SYSTEM_INFO_ISA_IRQ:
		out->a = boot->isa_irq[index].line;
		out->b = boot->isa_irq[index].flags;
		break;
	case SYSTEM_INFO_RANGE:
		out->a = boot->range[index].start;
		out->b = boot->range[index].size;
		out->c = boot->range[index].kind;
		break;
	case SYSTEM_INFO_TOPOLOGY:
		out->a = boot->cpu[index].socket;
		out->b = boot->cpu[index].core;
		out->c = boot->cpu[index].thread;
		out->d = boot->cpu[index].hardware_id |
			(u64)cpus[index]->state << 32;
		break;
	case SYSTEM_INFO_SERIAL:
		out->a = boot->serial.address;
		out->b = boot->serial.kind | boot->serial.stride << 8 |
			(u64)boot->serial.bytes << 16;
		out->c = boot->serial.line;
		out->d = boot->serial.flags;
		break;
	case SYSTEM_INFO_PCI_WINDOW:
		out->a = boot->pci_window[index].address;
		out->b = boot->pci_window[index].pci;
		out->c = boot->pci_window[index].size;
		out->d = boot->pci_window[index].wide;
		break;
	case SYSTEM_INFO_PCI_IRQ:
		out->a = boot->pci_irq[index / 4][index % 4].line;
		out->b = boot->pci_irq[index / 4][index % 4].flags;
		break;
	case SYSTEM_INFO_COUNTER:
		for (u32 i = 0; i < cpu_count; i++)
			out->a += index ? cpus[i]->timer_interrupts
					: cpus[i]->fast_calls;
	}
	return STATUS_OK;
}
