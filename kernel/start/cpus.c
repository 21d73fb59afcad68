// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The machine's CPUs: starting them, taking them out, bringing them back. A CPU's
// number is its place in boot_info.cpu, the boot CPU's is 0; the number and the
// memory are its own for good. One that does not come in time is named in the log,
// the rest go on without it; should it come later, it turns itself off again.
//
// A CPU that leaves gives away its ready threads and all timeouts; threads that wait
// without one stay its own. While it is off CPU 0, which never leaves, serves what
// others post to it. A thread all of whose CPUs are off waits until one is back.
#include "kernel/start/cpus.h"
#include "boot/boot_info.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/object/thread.h"
#include "kernel/sched/fpu.h"
#include "kernel/sched/sched.h"
#include "kernel/start/space.h"
#include "kernel/time/clock.h"
#include "lib/base/string.h"

#define START_WAIT_NS 3000000000ull // an emulator on a busy host takes its time

static struct boot_info *info;
static struct lock control_lock; // taken with no other held: no rank

static_assert(BOOT_CPUS <= CPU_MAX);

void cpus_boot(struct boot_info *boot, u32 hardware_id)
{
	struct boot_cpu first = boot->cpu[0];

	for (u32 i = 1; i < boot->ncpus; i++)
		if (boot->cpu[i].hardware_id == hardware_id) {
			boot->cpu[0] = boot->cpu[i];
			boot->cpu[i] = first;
		}
	boot->ncpus += !boot->ncpus; // the firmware may tell of none
	boot->cpu[0].hardware_id = cpu_self()->hardware_id = hardware_id;
	info = boot;
}

static enum status cpu_add(u32 number)
{
	struct paddr frame;
	enum status status;
	struct cpu *cpu;
	u32 order = 0;

	while (((usize)PAGE_BYTES << order) < arch_cpu_bytes)
		order++;
	status = frame_alloc(order, &frame);
	if (status != STATUS_OK)
		return status;
	cpu = arch_direct(frame);
	memset(cpu, 0, arch_cpu_bytes);
	cpu->self = cpu;
	cpu->number = number;
	cpu->hardware_id = info->cpu[number].hardware_id;
	cpu->served_by = cpus[0];
	cpu->stack_top = space_stack(number);
	if (!cpu->stack_top) {
		frame_free(frame, order);
		return ERR_MEMORY;
	}
	cpus[number] = cpu;
	atomic_store(&cpu_count, number + 1);
	return STATUS_OK;
}

// ---- in
bool cpu_arrived(struct cpu *cpu)
{
	return atomic_replace(&cpu->state, CPU_STATE_STARTING,
			      CPU_STATE_ARRIVED);
}

// CPU 0 may just be serving what this CPU will from now on: it does not run threads
// before that is over.
static void enter(struct cpu *cpu)
{
	u64 bit = 1ull << cpu->number;

	sched_init(cpu);
	atomic_store_ordered(&cpu->served_by, cpu);
	__atomic_fetch_or(&cpus_online, bit, __ATOMIC_SEQ_CST);
	cpu_quiesce_all();
	arch_irq_take(bit);
	atomic_store_ordered(&cpu->accepts, bit);
	cpu_post(cpus[0], CPU_REQUEST_CHANGED);
	cpu_quiesce_all();
	atomic_store(&cpu->state, CPU_STATE_ON);
}

void kernel_start_cpu(struct cpu *cpu)
{
	enter(cpu);
	kernel_leave();
}

static enum status online(struct cpu *cpu)
{
	for (u32 i = 0; i < cpu_count; i++)
		if (cpus[i]->state == CPU_STATE_STARTING)
			return ERR_STATE; // one at a time
	if (!atomic_replace(&cpu->state, CPU_STATE_OFF, CPU_STATE_STARTING))
		return ERR_STATE;
	if (arch_cpu_start(cpu))
		return STATUS_OK;
	cpu->state = CPU_STATE_OFF; // not quite off, or the firmware refuses
	return ERR_STATE;
}

static bool start(struct cpu *cpu)
{
	u64 end = arch_now_ns() + START_WAIT_NS;

	if (online(cpu) != STATUS_OK)
		return false;
	while (atomic_load(&cpu->state) != CPU_STATE_ON) {
		cpu_serve();
		arch_relax();
		if (arch_now_ns() > end &&
		    atomic_replace(&cpu->state, CPU_STATE_STARTING,
				   CPU_STATE_OFF))
			return false;
	}
	return true;
}

void cpus_start(void)
{
	enter(cpu_self());
	for (u32 i = 1; i < info->ncpus; i++) {
		if (cpu_add(i) != STATUS_OK) {
			klog("smp: no memory for CPU %u", i);
			info->ncpus = i;
		} else if (!start(cpus[i])) {
			klog("smp: CPU %u (%x) did not start: skipped", i,
			     cpus[i]->hardware_id);
		}
	}
}

// On CPU 0: the device interrupts of those that are off are for it.
void cpus_serve_changed(void)
{
	struct list *stranded = &cpus[0]->queue[STRANDED];
	u64 mask = 1;

	for (u32 i = 1; i < cpu_count; i++)
		if (!atomic_load(&cpus[i]->accepts))
			mask |= 1ull << i;
	arch_irq_take(mask);
	for (struct list *at = stranded->next; at != stranded; at = at->next)
		thread_request(LIST_ENTRY(at, struct thread, run),
			       REQUEST_RESCHEDULE);
	clock_tell_cpus(cpus_online);
}

// ---- out
// Each step ends where this CPU serves requests.
void cpu_leave_step(struct cpu *cpu)
{
	if (sched_evict(cpu))
		return;
	if (atomic_replace(&cpu->state, CPU_STATE_LEAVING, CPU_STATE_LEFT)) {
		cpu_post(cpus[0], CPU_REQUEST_CHANGED);
		cpu_quiesce_all(); // the devices' interrupts go elsewhere
	} else if (cpu->served_by == cpu) {
		if (arch_irq_pending())
			arch_idle(); // and comes back here
		fpu_save(cpu->fpu_owner);
		atomic_store_ordered(&cpu->served_by, cpus[0]);
		cpu_quiesce_all(); // nothing new is put into the inboxes
	} else {
		__atomic_fetch_and(&cpus_online, ~(1ull << cpu->number),
				   __ATOMIC_SEQ_CST);
		cpu_post(cpus[0], CPU_REQUEST_CHANGED);
		cpu_quiesce_all();
		cpu_serve(); // who counted on this CPU has asked by now
		atomic_store(&cpu->state, CPU_STATE_OFF);
		arch_cpu_off();
	}
}

// ---- asked for
static enum status insert(u32 hardware_id)
{
	struct boot_cpu *cpu = &info->cpu[cpu_count];
	enum status status;

	for (u32 i = 0; i < cpu_count; i++)
		if (cpus[i]->hardware_id == hardware_id)
			return ERR_OCCUPIED;
	if (cpu_count == BOOT_CPUS)
		return ERR_RANGE;
	*cpu = (struct boot_cpu){.hardware_id = hardware_id};
	if (!arch_cpu_insert(cpu))
		return ERR_UNSUPPORTED;
	status = cpu_add(cpu_count);
	info->ncpus = cpu_count;
	return status;
}

static enum status control(u32 action, u64 value)
{
	struct cpu *cpu = value < cpu_count ? cpus[value] : nullptr;

	if (action == CPU_INSERT)
		return value >> 32 ? ERR_ARGUMENT : insert((u32)value);
	if (!cpu)
		return ERR_RANGE;
	if (action == CPU_ONLINE)
		return online(cpu);
	if (!value)
		return ERR_UNSUPPORTED;
	if (atomic_replace(&cpu->state, CPU_STATE_STARTING, CPU_STATE_OFF))
		return STATUS_OK; // given up
	if (!atomic_replace(&cpu->state, CPU_STATE_ON, CPU_STATE_LEAVING))
		return ERR_STATE;
	cpu_post(cpu, CPU_REQUEST_LEAVE);
	return STATUS_OK;
}

enum status cpu_control(u32 action, u64 value)
{
	enum status status;

	lock_take(&control_lock);
	status = control(action, value);
	lock_drop(&control_lock);
	return status;
}
