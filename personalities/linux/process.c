// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Processes and threads as records: numbers, birth, end. A number is in use while
// a thread, a process, a group or a session has it.
#include "personalities/linux/process.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/tty.h"

struct list processes = {&processes, &processes};
struct process init_process;
u32 nthreads;
u32 threads_max = 64;

static struct thread *threads_by_tid[PROCESSES_MAX];
static struct process *processes_by_pid[PROCESSES_MAX];
static u32 last_number = 1;

static bool number_in_use(u32 number)
{
	if (threads_by_tid[number] || processes_by_pid[number])
		return true;
	LIST_FOR_EACH(node, &processes)
	{
		struct process *process =
			CONTAINER_OF(node, struct process, node);

		if (process->pgid == number || process->sid == number)
			return true;
	}
	return false;
}

u32 number_take(void)
{
	for (u32 tries = 0; tries < PROCESSES_MAX; tries++) {
		if (++last_number >= PROCESSES_MAX)
			last_number = 300;
		if (!threads_by_tid[last_number] &&
		    !processes_by_pid[last_number] &&
		    !number_in_use(last_number))
			return last_number;
	}
	return 0;
}

struct process *process_find(u32 pid)
{
	return pid < PROCESSES_MAX ? processes_by_pid[pid] : nullptr;
}

struct thread *thread_find(u32 tid)
{
	return tid < PROCESSES_MAX ? threads_by_tid[tid] : nullptr;
}

static void process_prepare(struct process *process)
{
	list_init(&process->threads);
	list_init(&process->children);
	list_init(&process->sibling);
	wait_queue_init(&process->children_changed);
	wait_queue_init(&process->signalled);
	wait_queue_init(&process->vfork_done);
}

void processes_init(void)
{
	static const u64 stack_limit = STACK_BYTES;

	process_prepare(&init_process);
	init_process.pid = init_process.pgid = init_process.sid = 1;
	init_process.parent = &init_process;
	init_process.start_ns = clock_ns();
	for (u32 i = 0; i < ARRAY_COUNT(init_process.limit); i++)
		init_process.limit[i].soft = init_process.limit[i].hard = ~0ull;
	init_process.limit[3].soft = stack_limit; // RLIMIT_STACK
	init_process.limit[4].soft = 0; // RLIMIT_CORE: none are written
	init_process.limit[6].soft = threads_max; // RLIMIT_NPROC
	init_process.limit[6].hard = threads_max;
	init_process.limit[7].soft = FILES_MAX; // RLIMIT_NOFILE
	init_process.limit[7].hard = FILES_MAX;
	list_add_last(&processes, &init_process.node);
	processes_by_pid[1] = &init_process;
}

// Zeroed but for the information about signals, which says nothing as long as none is
// pending: it is most of these records.
static void *record_new(usize bytes, usize to_zero)
{
	void *record = buffer_alloc(bytes);

	if (record)
		memset(record, 0, to_zero);
	return record;
}

struct process *process_new(struct process *parent)
{
	struct process *process = record_new(
		sizeof(*process), OFFSET_OF(struct process, signals.info));

	if (!process)
		return nullptr;
	process_prepare(process);
	process->parent = parent;
	process->ppid = parent->pid;
	process->pgid = parent->pgid;
	process->sid = parent->sid;
	process->tty = parent->tty;
	process->uid = parent->uid;
	process->euid = parent->euid;
	process->suid = parent->suid;
	process->gid = parent->gid;
	process->egid = parent->egid;
	process->sgid = parent->sgid;
	process->ngroups = parent->ngroups;
	memcpy(process->groups, parent->groups, sizeof(process->groups));
	memcpy(process->limit, parent->limit, sizeof(process->limit));
	process->exit_signal = SIGCHLD;
	process->dumpable = true;
	process->start_ns = clock_ns();
	return process;
}

struct thread *thread_new(struct process *process)
{
	struct thread *thread = record_new(
		sizeof(*thread), OFFSET_OF(struct thread, signals.info));

	if (!thread)
		return nullptr;
	thread->tid = number_take();
	if (!thread->tid) {
		object_free(thread);
		return nullptr;
	}
	thread->process = process;
	thread->call_number = thread->current_call = ~0ull;
	thread->alternate.flags = SS_DISABLE;
	wait_queue_init(&thread->own);
	list_init(&thread->futex_node);
	if (!process->pid) {
		process->pid = thread->tid;
		processes_by_pid[process->pid] = process;
		list_add_last(&processes, &process->node);
		list_add_last(&process->parent->children, &process->sibling);
	}
	threads_by_tid[thread->tid] = thread;
	list_add_last(&process->threads, &thread->node);
	nthreads++;
	return thread;
}

void thread_free(struct thread *thread)
{
	threads_by_tid[thread->tid] = nullptr;
	list_remove(&thread->node);
	nthreads--;
	object_free(thread->fpu);
	object_free(thread);
}

void thread_renumber(struct thread *thread, u32 tid)
{
	threads_by_tid[thread->tid] = nullptr;
	thread->tid = tid;
	threads_by_tid[tid] = thread;
}

u64 process_run_ns(struct process *process)
{
	u64 run_ns = process->run_ns;

	LIST_FOR_EACH(node, &process->threads)
	{
		struct thread *thread = CONTAINER_OF(node, struct thread, node);

		run_ns += carrier_run_ns(thread->carrier) - thread->run_base_ns;
	}
	return run_ns;
}

void process_exit(struct process *process, i32 status)
{
	if (!process->exiting) {
		process->exiting = true;
		process->exit_status = status;
	}
	process->stopped = false;
	LIST_FOR_EACH(node, &process->threads)
	{
		struct thread *thread = CONTAINER_OF(node, struct thread, node);

		thread->killed = true;
		__atomic_store_n(&thread->attention, 1, __ATOMIC_RELEASE);
		carrier_wake(thread->carrier);
	}
}

void parent_notify(struct process *process, i32 code, i32 status)
{
	struct process *parent = process->parent;
	struct linux_siginfo info = signal_info(SIGCHLD, code, process);
	bool ended =
		code == CLD_EXITED || code == CLD_KILLED || code == CLD_DUMPED;
	const struct linux_sigaction *action;

	wait_wake(&parent->children_changed);
	if (parent == &init_process || !parent->actions)
		return;
	action = &parent->actions->action[SIGCHLD - 1];
	if (!ended && (action->flags & SA_NOCLDSTOP))
		return;
	info.signo = ended ? process->exit_signal : SIGCHLD;
	info.child.status = status;
	info.child.utime = (i64)(process->run_ns / (1000000000 / CLOCK_TICKS));
	if (info.signo)
		signal_process(parent, &info);
}

// Nobody will ask: the parent ignores its children, or it is init.
static bool reaps_itself(const struct process *process)
{
	const struct process *parent = process->parent;
	const struct linux_sigaction *action;

	if (parent == &init_process)
		return true;
	if (!parent->actions || process->exit_signal != SIGCHLD)
		return false;
	action = &parent->actions->action[SIGCHLD - 1];
	return action->handler == SIG_IGN || (action->flags & SA_NOCLDWAIT);
}

// Who gets the children of a process that ends.
static struct process *reaper_of(struct process *process)
{
	struct process *above = process->parent;

	while (above != &init_process &&
	       (!above->reaps_orphans || above->exiting))
		above = above->parent;
	return above;
}

void process_reparent_children(struct process *process)
{
	struct process *reaper = reaper_of(process);

	while (!list_empty(&process->children)) {
		struct process *child = CONTAINER_OF(process->children.next,
						     struct process, sibling);

		list_remove(&child->sibling);
		list_add_last(&reaper->children, &child->sibling);
		child->parent = reaper;
		child->ppid = reaper->pid;
		if (child->death_signal && !child->zombie) {
			struct linux_siginfo info = signal_info(
				(i32)child->death_signal, SI_KERNEL, nullptr);

			signal_process(child, &info);
		}
		if (child->zombie && reaper == &init_process)
			process_put_zombie(child);
		else if (child->zombie)
			parent_notify(child, CLD_EXITED, child->exit_status);
	}
}

void process_put_zombie(struct process *process)
{
	process->parent->children_run_ns +=
		process->run_ns + process->children_run_ns;
	processes_by_pid[process->pid] = nullptr;
	list_remove(&process->node);
	list_remove(&process->sibling);
	object_free(process);
}

void vfork_release(struct process *process)
{
	if (!process->vfork_parent)
		return;
	process->vfork_parent = nullptr;
	wait_wake(&process->vfork_done);
}

// A group that just lost its last link to the rest of the session is told, if
// members of it are stopped: nobody could continue them (POSIX, _exit).
static void hang_up_if_orphaned(u32 pgid)
{
	bool stopped = false;

	LIST_FOR_EACH(node, &processes)
	{
		struct process *other =
			CONTAINER_OF(node, struct process, node);

		if (other->pgid == pgid && other->stopped)
			stopped = true;
	}
	if (!stopped || !group_is_orphaned(pgid))
		return;
	signal_group(pgid, SIGHUP);
	signal_group(pgid, SIGCONT);
}

static void hang_up_orphans(struct process *process)
{
	struct process *parent = process->parent;

	if (parent != &init_process && parent->pgid != process->pgid &&
	    parent->sid == process->sid)
		hang_up_if_orphaned(process->pgid);
	LIST_FOR_EACH(node, &init_process.children)
	{
		struct process *child =
			CONTAINER_OF(node, struct process, sibling);

		if (child->stopped && child->pgid != process->pgid &&
		    child->sid == process->sid)
			hang_up_if_orphaned(child->pgid);
	}
}

static void process_finish(struct process *process)
{
	i32 status = process->exit_status;

	process->real_timer.deadline_ns = 0;
	if (process->tty && process->sid == process->pid)
		tty_session_ends(process);
	process->tty = nullptr;
	mm_put(process->mm);
	process->mm = nullptr;
	actions_put(process->actions);
	process->actions = nullptr;
	vfork_release(process);
	process->zombie = true;
	process_reparent_children(process);
	hang_up_orphans(process);
	parent_notify(process, status & 0x7f ? CLD_KILLED : CLD_EXITED,
		      status & 0x7f ? status & 0x7f : status >> 8 & 0xff);
	if (reaps_itself(process)) {
		bool first = process->parent == &init_process;
		u32 pid = process->pid;

		if (first)
			container_process_ended(pid, status);
		process_put_zombie(process);
	}
}

// The thread's last act, on its carrier. Its memory is still there.
void thread_exit(struct thread *thread, i32 status)
{
	struct process *process = thread->process;
	u32 zero = 0;

	if (thread->clear_child_tid && process->mm) {
		if (guest_copy_out(thread->clear_child_tid, &zero, 4) == 0)
			futex_wake(process->mm, thread->clear_child_tid, 1,
				   ~0u);
	}
	futex_thread_exit(thread);
	files_put(thread->files);
	directories_put(thread->directories);
	thread->files = nullptr;
	thread->directories = nullptr;
	process->run_ns +=
		carrier_run_ns(thread->carrier) - thread->run_base_ns;
	thread_free(thread);
	wait_wake(&process->signalled); // exec waits for the last but one
	if (list_empty(&process->threads)) {
		if (!process->exiting)
			process->exit_status = status;
		process_finish(process);
	}
}

struct directories *directories_copy(struct directories *from)
{
	struct directories *copy = object_alloc(sizeof(*copy));

	if (!copy)
		return nullptr;
	*copy = *from;
	copy->references = 1;
	directory_get(copy->root);
	directory_get(copy->current);
	return copy;
}

void directories_put(struct directories *directories)
{
	if (!directories || --directories->references)
		return;
	directory_put(directories->root);
	directory_put(directories->current);
	object_free(directories);
}
