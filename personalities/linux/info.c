// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls about the system and limits: uname, sysinfo, prlimit, scheduling,
// prctl, random numbers, and the ways to end everything.
#include "abi/time_page.h"
#include "abi/constants.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"

#define NAME_BYTES 65

static char host_name[NAME_BYTES] = "kochab";
static char domain_name[NAME_BYTES] = "(none)";

i64 call_uname(struct thread *thread, const u64 *a)
{
	struct {
		char system[NAME_BYTES], node[NAME_BYTES], release[NAME_BYTES],
			version[NAME_BYTES], machine[NAME_BYTES],
			domain[NAME_BYTES];
	} names = {"Linux",	    "",		  LINUX_RELEASE,
		   "#1 SMP Kochab", MACHINE_NAME, ""};

	(void)thread;
	memcpy(names.node, host_name, NAME_BYTES);
	memcpy(names.domain, domain_name, NAME_BYTES);
	return guest_copy_out(a[0], &names, sizeof(names));
}

static i64 set_name(struct thread *thread, char *name, const u64 *a)
{
	char text[NAME_BYTES] = {};

	if (thread->process->euid)
		return -EPERM;
	if (a[1] >= NAME_BYTES)
		return -EINVAL;
	if (guest_copy_in(text, a[0], a[1]))
		return -EFAULT;
	memcpy(name, text, NAME_BYTES);
	return 0;
}

i64 call_sethostname(struct thread *thread, const u64 *a)
{
	return set_name(thread, host_name, a);
}

i64 call_setdomainname(struct thread *thread, const u64 *a)
{
	return set_name(thread, domain_name, a);
}

void memory_totals(u64 *total_bytes, u64 *free_bytes)
{
	u64 limit = 0, used = 0, frames = 0;

	(void)!sys_pool_info(guest_pool, &limit, &used, nullptr, nullptr,
			     &frames);
	*total_bytes = limit * PAGE;
	*free_bytes = MIN(limit - MIN(used, limit), frames) * PAGE;
}

i64 call_sysinfo(struct thread *thread, const u64 *a)
{
	struct {
		i64 uptime;
		u64 loads[3], total, free, shared, buffers, total_swap,
			free_swap;
		u16 processes, padding;
		u32 padding2;
		u64 total_high, free_high;
		u32 unit, padding3;
	} info = {.uptime = (i64)(clock_ns() / 1000000000), .unit = 1};

	(void)thread;
	static_assert(sizeof(info) == 112);
	memory_totals(&info.total, &info.free);
	info.processes = (u16)MIN(nthreads, 65535u);
	return guest_copy_out(a[0], &info, sizeof(info));
}

i64 call_getrandom(struct thread *thread, const u64 *a)
{
	u64 total = MIN(a[1], 0x1ffffffull), left = total, at = a[0];

	(void)thread;
	if (a[2] & ~7ull)
		return -EINVAL;
	while (left) {
		u8 bytes[256];
		usize part = MIN(left, sizeof(bytes));

		random_bytes(bytes, part);
		if (guest_copy_out(at, bytes, part))
			return -EFAULT;
		at += part;
		left -= part;
	}
	return (i64)total;
}

// ---- limits

static i64 limit_change(struct process *process, u64 which, u64 new, u64 old)
{
	u64 value[2];

	if (which >= ARRAY_COUNT(process->limit))
		return -EINVAL;
	if (new && guest_copy_in(value, new, sizeof(value)))
		return -EFAULT;
	if (new && value[0] > value[1])
		return -EINVAL;
	if (new && value[1] > process->limit[which].hard && process->euid)
		return -EPERM;
	if (old && guest_copy_out(old, &process->limit[which], 16))
		return -EFAULT;
	if (new) {
		process->limit[which].soft = value[0];
		process->limit[which].hard = value[1];
	}
	return 0;
}

i64 call_prlimit64(struct thread *thread, const u64 *a)
{
	struct process *process =
		a[0] ? process_find((u32)a[0]) : thread->process;

	return process ? limit_change(process, a[1], a[2], a[3]) : -ESRCH;
}

i64 call_getrlimit(struct thread *thread, const u64 *a)
{
	return limit_change(thread->process, a[0], 0, a[1]);
}

i64 call_setrlimit(struct thread *thread, const u64 *a)
{
	return limit_change(thread->process, a[0], a[1], 0);
}

// ---- scheduling: one class, equal weights

u64 machine_cpus(void)
{
	const volatile struct time_page *page =
		(const volatile struct time_page *)startup->time_page;

	return page && page->cpus_online ? page->cpus_online : 1;
}

i64 call_sched_yield(struct thread *thread, const u64 *a)
{
	(void)thread, (void)a;
	(void)!sys_yield();
	return 0;
}

i64 call_sched_getaffinity(struct thread *thread, const u64 *a)
{
	u64 mask = machine_cpus();

	(void)thread;
	if (a[1] < 8 || a[1] % 8)
		return -EINVAL;
	return guest_copy_out(a[2], &mask, 8) ? -EFAULT : 8;
}

i64 call_sched_setaffinity(struct thread *thread, const u64 *a)
{
	u64 mask = 0;

	(void)thread;
	if (guest_copy_in(&mask, a[2], MIN(a[1], 8ull)))
		return -EFAULT;
	return mask & machine_cpus() ? 0 : -EINVAL;
}

i64 call_getcpu(struct thread *thread, const u64 *a)
{
	u64 cpu = 0;

	(void)!sys_thread_info(thread->carrier->thread, nullptr, nullptr, &cpu,
			       nullptr, nullptr);
	if (a[0] && guest_copy_out(a[0], &cpu, 4))
		return -EFAULT;
	cpu = 0;
	return a[1] && guest_copy_out(a[1], &cpu, 4) ? -EFAULT : 0;
}

i64 call_sched_getscheduler(struct thread *thread, const u64 *a)
{
	(void)thread, (void)a;
	return 0; // SCHED_OTHER
}

i64 call_sched_setscheduler(struct thread *thread, const u64 *a)
{
	(void)thread;
	return a[1] == 0 || a[1] == 3 ? 0 : -EPERM;
}

i64 call_sched_getparam(struct thread *thread, const u64 *a)
{
	u32 zero = 0;

	(void)thread;
	return guest_copy_out(a[1], &zero, 4);
}

i64 call_sched_setparam(struct thread *thread, const u64 *a)
{
	u32 value;

	(void)thread;
	if (guest_copy_in(&value, a[1], 4))
		return -EFAULT;
	return value ? -EINVAL : 0;
}

i64 call_sched_get_priority_max(struct thread *thread, const u64 *a)
{
	(void)thread;
	return a[0] == 1 || a[0] == 2 ? 99 : a[0] <= 5 ? 0 : -EINVAL;
}

i64 call_sched_get_priority_min(struct thread *thread, const u64 *a)
{
	(void)thread;
	return a[0] == 1 || a[0] == 2 ? 1 : a[0] <= 5 ? 0 : -EINVAL;
}

i64 call_getpriority(struct thread *thread, const u64 *a)
{
	(void)thread;
	return a[0] <= 2 ? 20 : -EINVAL;
}

i64 call_setpriority(struct thread *thread, const u64 *a)
{
	(void)thread;
	return a[0] <= 2 ? 0 : -EINVAL;
}

i64 call_personality(struct thread *thread, const u64 *a)
{
	(void)thread;
	return (u32)a[0] == 0xffffffff || (u32)a[0] == 0 ? 0 : -EINVAL;
}

// Every call is a full barrier on its CPU; other CPUs see ours through their own.
i64 call_membarrier(struct thread *thread, const u64 *a)
{
	(void)thread;
	return a[0] == 0 ? 0
			 : -EINVAL; // MEMBARRIER_CMD_QUERY: none is supported
}

// ---- prctl

#define PR_SET_PDEATHSIG 1
#define PR_GET_PDEATHSIG 2
#define PR_GET_DUMPABLE 3
#define PR_SET_DUMPABLE 4
#define PR_SET_NAME 15
#define PR_GET_NAME 16
#define PR_CAPBSET_READ 23
#define PR_SET_CHILD_SUBREAPER 36
#define PR_GET_CHILD_SUBREAPER 37
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39

i64 call_prctl(struct thread *thread, const u64 *a)
{
	struct process *process = thread->process;

	switch (a[0]) {
	case PR_SET_PDEATHSIG:
		if (a[1] > SIGNALS)
			return -EINVAL;
		process->death_signal = (u32)a[1];
		return 0;
	case PR_GET_PDEATHSIG:
		return guest_copy_out(a[1], &process->death_signal, 4);
	case PR_GET_DUMPABLE:
		return process->dumpable;
	case PR_SET_DUMPABLE:
		process->dumpable = a[1];
		return 0;
	case PR_SET_NAME: {
		char name[THREAD_NAME];
		i64 result = guest_text_in(name, a[1], sizeof(name));

		if (result == -EFAULT)
			return result;
		name[THREAD_NAME - 1] = 0;
		memcpy(thread->name, name, sizeof(name));
		return 0;
	}
	case PR_GET_NAME:
		return guest_copy_out(a[1], thread->name, THREAD_NAME);
	case PR_CAPBSET_READ:
		return a[1] <= 40 ? 1 : -EINVAL;
	case PR_SET_CHILD_SUBREAPER:
		process->reaps_orphans = a[1];
		return 0;
	case PR_GET_CHILD_SUBREAPER: {
		u32 value = process->reaps_orphans;

		return guest_copy_out(a[1], &value, 4);
	}
	case PR_SET_NO_NEW_PRIVS:
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return 0;
	default:
		return -EINVAL;
	}
}

i64 call_reboot(struct thread *thread, const u64 *a)
{
	const char *command = (u32)a[2] == 0x1234567 ? "reboot" : "poweroff";
	usize length;
	char *text;

	if (thread->process->euid)
		return -EPERM;
	if (a[0] != 0xfee1dead)
		return -EINVAL;
	if ((u32)a[2] == 0 || (u32)a[2] == 0x89abcdef) // CAD off, on
		return 0;
	mutex_unlock(&container_lock);
	if (engine_command(command, strlen(command), &text, &length) >= 0)
		object_free(text);
	mutex_lock(&container_lock);
	return 0;
}
