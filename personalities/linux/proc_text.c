// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the files of /proc say: proc(5). Figures that the personality does not
// have are 0.
#include "personalities/linux/proc.h"

#include <stdarg.h>

#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/container.h"
#include "personalities/linux/cpu.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"
#include "personalities/linux/time.h"
#include "personalities/linux/tty.h"

#define SECOND 1000000000ul
#define TEXT_RESERVE 0x40000ul
#define TICK (SECOND / CLOCK_TICKS)

void memory_totals(u64 *total_bytes, u64 *free_bytes);

usize proc_meminfo(char *to, usize size)
{
	u64 total, free;

	memory_totals(&total, &free);
	total /= 1024, free /= 1024;
	return format_text(
		to, size,
		"MemTotal:       %8lu kB\nMemFree:        %8lu kB\n"
		"MemAvailable:   %8lu kB\nBuffers:               0 kB\n"
		"Cached:                0 kB\nSwapCached:            0 kB\n"
		"SwapTotal:             0 kB\nSwapFree:              0 kB\n"
		"Shmem:                 0 kB\nSReclaimable:          0 kB\n",
		total, free, free);
}

usize proc_uptime(char *to, usize size)
{
	u64 now = clock_ns() / (SECOND / 100);

	return format_text(to, size, "%lu.%02lu %lu.%02lu\n", now / 100,
			   now % 100, now / 100, now % 100);
}

usize proc_loadavg(char *to, usize size)
{
	return format_text(to, size, "0.00 0.00 0.00 1/%u %u\n", nthreads,
			   nthreads);
}

usize proc_cpuinfo(char *to, usize size)
{
	usize length = 0;

	for (u64 left = machine_cpus(); left && length < size; left &= left - 1)
		length += cpu_text(to + length, size - length, lowest_bit(left),
				   count_bits(machine_cpus()));
	return length;
}

usize proc_stat(char *to, usize size)
{
	u64 run = 0, up = clock_ns() / TICK, cpus = machine_cpus();
	u32 alive = 0, ncpus = count_bits(cpus);
	usize length;

	LIST_FOR_EACH(node, &processes)
	{
		struct process *p = CONTAINER_OF(node, struct process, node);

		run += process_run_ns(p) / TICK;
		alive++;
	}
	// What ran is not known by CPU: it is shared out evenly.
	length = format_text(to, size, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", run,
			     up * ncpus - MIN(run, up * ncpus));
	for (; cpus && length < size; cpus &= cpus - 1)
		length += format_text(to + length, size - length,
				      "cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n",
				      lowest_bit(cpus), run / ncpus, up - MIN(run / ncpus, up));
	return length +
		format_text(to + length, size - length,
			    "intr 0\nctxt 0\nbtime %lu\nprocesses %u\n"
			    "procs_running 1\nprocs_blocked 0\n",
			    (realtime_now() - clock_ns()) / SECOND, alive);
}

usize proc_version(char *to, usize size)
{
	return format_text(to, size,
			   "Linux version " LINUX_RELEASE
			   " (kochab) #1 SMP Kochab\n");
}

usize proc_filesystems(char *to, usize size)
{
	return format_text(to, size,
			   "nodev\tproc\nnodev\tdevtmpfs\nnodev\tfs\n");
}

usize proc_osrelease(char *to, usize size)
{
	return format_text(to, size, LINUX_RELEASE "\n");
}

usize proc_ostype(char *to, usize size)
{
	return format_text(to, size, "Linux\n");
}

usize proc_hostname(char *to, usize size)
{
	return format_text(to, size, "kochab\n");
}

usize proc_pid_max(char *to, usize size)
{
	return format_text(to, size, "%u\n", PROCESSES_MAX);
}

usize proc_command_line(char *to, usize size)
{
	return format_text(to, size, "%s\n", startup->command_line);
}

// ---- of one process

static struct thread *first_thread(struct process *process)
{
	return list_empty(&process->threads)
		? nullptr
		: CONTAINER_OF(process->threads.next, struct thread, node);
}

const char *process_title(struct process *process)
{
	struct thread *thread = first_thread(process);

	if (process == &init_process)
		return "init";
	return thread ? thread->name : "exited";
}

static char state_letter(struct process *process)
{
	struct thread *thread = first_thread(process);
	u64 state = 0;

	if (process->zombie)
		return 'Z';
	if (process->stopped)
		return 'T';
	if (!thread)
		return 'S';
	state = carrier_state(thread->carrier);
	return state == THREAD_READY || state == THREAD_RUNNING ? 'R' : 'S';
}

static u32 count_threads(struct process *process)
{
	u32 count = 0;

	LIST_FOR_EACH(node, &process->threads)
	count += node != nullptr;
	return count;
}

static u64 ignored_or_caught(struct process *process, bool caught)
{
	u64 set = 0;

	for (u32 i = 0; process->actions && i < SIGNALS; i++) {
		u64 handler = process->actions->action[i].handler;

		if (caught ? handler > SIG_IGN : handler == SIG_IGN)
			set |= BIT(i);
	}
	return set;
}

usize proc_of_stat(struct process *process, char *to, usize size)
{
	struct thread *thread = first_thread(process);
	struct mm *mm = process->mm;

	return format_text(
		to, size,
		"%u (%s) %c %u %u %u %d %d 0 0 0 0 0 %lu 0 %lu 0 20 0 %u 0 %lu "
		"%lu "
		"%lu 18446744073709551615 0 0 %lu 0 0 %lu %lu %lu %lu 0 0 0 %d "
		"0 0 "
		"0 0 0 0 0 0 0 0 0 0 0 0 %d\n",
		process->pid, process_title(process), state_letter(process),
		process->ppid, process->pgid, process->sid,
		process->tty ? 0x501 : 0,
		process->tty ? (i32)process->tty->foreground : -1,
		process_run_ns(process) / TICK, process->children_run_ns / TICK,
		count_threads(process), process->start_ns / TICK,
		mm ? mm->bytes : 0, mm ? mm_resident(mm) / PAGE : 0,
		mm ? mm->stack_start : 0, process->signals.pending,
		thread ? thread->blocked : 0, ignored_or_caught(process, false),
		ignored_or_caught(process, true), process->exit_signal,
		process->exit_status);
}

usize proc_of_statm(struct process *process, char *to, usize size)
{
	struct mm *mm = process->mm;

	return format_text(
		to, size, "%lu %lu 0 0 0 %lu 0\n", mm ? mm->bytes / PAGE : 0,
		mm ? mm_resident(mm) / PAGE : 0, mm ? mm->bytes / PAGE : 0);
}

usize proc_of_status(struct process *p, char *to, usize size)
{
	struct mm *mm = p->mm;
	struct thread *thread = first_thread(p);
	char letter = state_letter(p);
	const char *word = letter == 'Z' ? "zombie"
		: letter == 'T'		 ? "stopped"
		: letter == 'R'		 ? "running"
					 : "sleeping";

	return format_text(
		to, size,
		"Name:\t%s\nUmask:\t%04o\nState:\t%c "
		"(%s)\nTgid:\t%u\nPid:\t%u\n"
		"PPid:\t%u\nTracerPid:\t0\nUid:\t%u\t%u\t%u\t%u\n"
		"Gid:\t%u\t%u\t%u\t%u\nVmSize:\t%8lu kB\nVmRSS:\t%8lu kB\n"
		"Threads:\t%u\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%"
		"016lx\n"
		"SigIgn:\t%016lx\nSigCgt:\t%016lx\n",
		process_title(p),
		thread && thread->directories ? thread->directories->umask
					      : 022,
		letter, word, p->pid, p->pid, p->ppid, p->uid, p->euid, p->suid,
		p->euid, p->gid, p->egid, p->sgid, p->egid,
		mm ? mm->bytes / 1024 : 0, mm ? mm_resident(mm) / 1024 : 0,
		count_threads(p), thread ? thread->signals.pending : 0,
		p->signals.pending, thread ? thread->blocked : 0,
		ignored_or_caught(p, false), ignored_or_caught(p, true));
}

static usize memory_text(struct mm *mm, u64 start, u64 end, char *to,
			 usize size)
{
	usize bytes = MIN(end - start, size);
	u64 total, free;

	// Reading a page that is not there takes one from the pool.
	memory_totals(&total, &free);
	if (!mm || end <= start || free < bytes + TEXT_RESERVE ||
	    mm_read(mm, start, to, bytes))
		return 0;
	return bytes;
}

usize proc_of_cmdline(struct process *process, char *to, usize size)
{
	struct mm *mm = process->mm;

	return mm ? memory_text(mm, mm->argument_start, mm->argument_end, to,
				size)
		  : 0;
}

usize proc_of_environ(struct process *process, char *to, usize size)
{
	struct mm *mm = process->mm;

	return mm ? memory_text(mm, mm->environment_start, mm->environment_end,
				to, size)
		  : 0;
}

usize proc_of_comm(struct process *process, char *to, usize size)
{
	return format_text(to, size, "%s\n", process_title(process));
}

usize proc_of_maps(struct process *process, char *to, usize size)
{
	usize length = 0;

	if (!process->mm)
		return 0;
	LIST_FOR_EACH(node, &process->mm->areas)
	{
		struct area *area = CONTAINER_OF(node, struct area, node);
		u32 p = area->protection;

		if (size - length < 512)
			break;
		length += format_text(
			to + length, size - length,
			"%08lx-%08lx %c%c%c%c %08lx 00:%02x %lu%s%s\n",
			area->start, area->end, p & PROT_READ ? 'r' : '-',
			p & PROT_WRITE ? 'w' : '-', p & PROT_EXEC ? 'x' : '-',
			area->shared ? 's' : 'p', area->file_offset,
			area->file_node ? 1 : 0, area->file_node,
			area->name ? " " : "", area->name ? area->name : "");
	}
	return MIN(length, size);
}

usize proc_of_syscall(struct process *process, char *to, usize size)
{
	struct thread *thread = first_thread(process);

	if (!thread)
		return 0;
	return format_text(to, size, "%lu\n", thread->current_call);
}

usize proc_of_mounts(struct process *process, char *to, usize size)
{
	(void)process;
	return mounts_text(to, size);
}
