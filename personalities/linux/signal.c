// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Signals: sending, choosing a thread, default actions, and what a thread does
// about them before its guest runs again. Frames are in signal_frame.c, the
// calls in signal_calls.c. Real-time signals are not queued: one of each number.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/arch/registers.h"
#include "personalities/linux/container.h"
#include "personalities/linux/process.h"

#define IGNORED_BY_DEFAULT                                                     \
	(SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH) |     \
	 SIGNAL_BIT(SIGCONT))
#define STOPS_BY_DEFAULT                                                       \
	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) |     \
	 SIGNAL_BIT(SIGTTOU))
#define DUMPS_BY_DEFAULT                                                       \
	(SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |      \
	 SIGNAL_BIT(SIGABRT) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) |       \
	 SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGXCPU) | SIGNAL_BIT(SIGXFSZ) |     \
	 SIGNAL_BIT(SIGSYS))
#define NOT_TO_BLOCK (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

struct linux_siginfo signal_info(i32 signo, i32 code, struct process *sender)
{
	struct linux_siginfo info = {.signo = signo, .code = code};

	if (sender) {
		info.sender.pid = (i32)sender->pid;
		info.sender.uid = sender->uid;
	}
	return info;
}

static void attention(struct thread *thread)
{
	__atomic_store_n(&thread->attention, 1, __ATOMIC_RELEASE);
	carrier_wake(thread->carrier);
}

bool thread_interrupted(struct thread *thread)
{
	return __atomic_load_n(&thread->attention, __ATOMIC_ACQUIRE);
}

bool thread_dying(struct thread *thread)
{
	return thread->killed ||
		((thread->signals.pending | thread->process->signals.pending) &
		 SIGNAL_BIT(SIGKILL));
}

void signal_recompute(struct thread *thread)
{
	u64 pending =
		thread->signals.pending | thread->process->signals.pending;

	if (pending & ~thread->blocked)
		__atomic_store_n(&thread->attention, 1, __ATOMIC_RELEASE);
}

static void set_add(struct signal_set *set, const struct linux_siginfo *info)
{
	if (set->pending & SIGNAL_BIT(info->signo))
		return;
	set->pending |= SIGNAL_BIT(info->signo);
	if (info->signo < (i32)ARRAY_COUNT(set->info))
		set->info[info->signo] = *info;
}

static void discard_everywhere(struct process *process, u64 signals)
{
	process->signals.pending &= ~signals;
	LIST_FOR_EACH(node, &process->threads)
	CONTAINER_OF(node, struct thread, node)->signals.pending &= ~signals;
}

static bool is_ignored(struct process *process, i32 signo)
{
	u64 handler = process->actions->action[signo - 1].handler;

	return handler == SIG_IGN ||
		(handler == SIG_DFL &&
		 (IGNORED_BY_DEFAULT & SIGNAL_BIT(signo)));
}

// What a signal does at once, whether or not it is ever delivered. False: drop it.
static bool prepare(struct process *process, i32 signo, u64 blocked)
{
	if (process->zombie || process == &init_process)
		return false;
	if (signo == SIGCONT || signo == SIGKILL) {
		discard_everywhere(process, STOPS_BY_DEFAULT);
		process_continue(process);
	} else if (STOPS_BY_DEFAULT & SIGNAL_BIT(signo)) {
		discard_everywhere(process, SIGNAL_BIT(SIGCONT));
	}
	return !is_ignored(process, signo) || (blocked & SIGNAL_BIT(signo));
}

void signal_thread(struct thread *thread, const struct linux_siginfo *info)
{
	if (!prepare(thread->process, info->signo, thread->blocked))
		return;
	if (info->signo == SIGSTOP && !thread->process->exiting) {
		process_stop(thread->process, SIGSTOP);
		return;
	}
	set_add(&thread->signals, info);
	wait_wake(&thread->process->signalled);
	if (!(thread->blocked & SIGNAL_BIT(info->signo)))
		attention(thread);
}

void signal_process(struct process *process, const struct linux_siginfo *info)
{
	u64 blocked = ~0ull;

	if (list_empty(&process->threads))
		return;
	LIST_FOR_EACH(node, &process->threads)
	blocked &= CONTAINER_OF(node, struct thread, node)->blocked;
	if (!prepare(process, info->signo, blocked))
		return;
	// Nothing can be done about it: whoever looks next sees it stopped.
	if (info->signo == SIGSTOP && !process->exiting) {
		process_stop(process, SIGSTOP);
		return;
	}
	set_add(&process->signals, info);
	wait_wake(&process->signalled);
	LIST_FOR_EACH(node, &process->threads)
	{
		struct thread *thread = CONTAINER_OF(node, struct thread, node);

		if (thread->blocked & SIGNAL_BIT(info->signo))
			continue;
		attention(thread);
		if (info->signo != SIGKILL)
			return;
	}
}

void signal_group(u32 pgid, i32 signo)
{
	struct linux_siginfo info = signal_info(signo, SI_KERNEL, nullptr);

	LIST_FOR_EACH(node, &processes)
	{
		struct process *process =
			CONTAINER_OF(node, struct process, node);

		if (process->pgid == pgid)
			signal_process(process, &info);
	}
}

void signal_force(struct thread *thread, i32 signo, i32 code, u64 address,
		  u64 error)
{
	struct linux_sigaction *action =
		&thread->process->actions->action[signo - 1];
	struct linux_siginfo info = {.signo = signo, .code = code};

	info.address = address;
	thread->fault.address = address;
	thread->fault.code = error;
	if (action->handler == SIG_IGN || (thread->blocked & SIGNAL_BIT(signo)))
		action->handler = SIG_DFL;
	thread->blocked &= ~SIGNAL_BIT(signo);
	set_add(&thread->signals, &info);
	__atomic_store_n(&thread->attention, 1, __ATOMIC_RELEASE);
}

static i32 take_from(struct signal_set *set, u64 wanted,
		     struct linux_siginfo *info)
{
	u64 found = set->pending & wanted;
	i32 signo;

	if (!found)
		return 0;
	// Faults first: their frame must show the faulting instruction.
	if (found & DUMPS_BY_DEFAULT)
		found &= DUMPS_BY_DEFAULT;
	signo = (i32)lowest_bit(found) + 1;
	set->pending &= ~SIGNAL_BIT(signo);
	if (signo < (i32)ARRAY_COUNT(set->info))
		*info = set->info[signo];
	else
		*info = signal_info(signo, SI_USER, nullptr);
	return signo;
}

i32 signal_take(struct thread *thread, u64 set, struct linux_siginfo *info)
{
	i32 signo = take_from(&thread->signals, set, info);

	return signo ? signo : take_from(&thread->process->signals, set, info);
}

void process_stop(struct process *process, i32 signo)
{
	if (process->stopped)
		return;
	process->stopped = true;
	process->stop_signal = signo;
	process->report_stop = true;
	process->report_continue = false;
	LIST_FOR_EACH(node, &process->threads)
	attention(CONTAINER_OF(node, struct thread, node));
	parent_notify(process, CLD_STOPPED, signo);
}

void process_continue(struct process *process)
{
	if (!process->stopped)
		return;
	process->stopped = false;
	process->report_stop = false;
	process->report_continue = true;
	LIST_FOR_EACH(node, &process->threads)
	carrier_wake(CONTAINER_OF(node, struct thread, node)->carrier);
	parent_notify(process, CLD_CONTINUED, SIGCONT);
}

// Nobody outside the group, in its session, could continue it.
bool group_is_orphaned(u32 pgid)
{
	LIST_FOR_EACH(node, &processes)
	{
		struct process *process =
			CONTAINER_OF(node, struct process, node);

		if (process->pgid == pgid && !process->zombie &&
		    process->parent != &init_process &&
		    process->parent->pgid != pgid &&
		    process->parent->sid == process->sid)
			return false;
	}
	return true;
}

static void default_action(struct thread *thread, i32 signo)
{
	struct process *process = thread->process;

	if (IGNORED_BY_DEFAULT & SIGNAL_BIT(signo))
		return;
	if (STOPS_BY_DEFAULT & SIGNAL_BIT(signo)) {
		if (signo == SIGSTOP || !group_is_orphaned(process->pgid))
			process_stop(process, signo);
		return;
	}
	process_exit(process,
		     signo | (DUMPS_BY_DEFAULT & SIGNAL_BIT(signo) ? 0 : 0));
}

// The call that a handler interrupts ends or is repeated, as its kind asks.
static void finish_call(struct thread *thread,
			const struct linux_sigaction *action)
{
	struct guest_state *state = thread->carrier->state;
	i64 result = (i64)guest_result(state);

	if (thread->call_number == ~0ull)
		return;
	if (action &&
	    (result == -ERESTART_UNLESS_HANDLED ||
	     !(action->flags & SA_RESTART))) {
		guest_set_result(state, (u64)-EINTR);
		thread->sleep_deadline = 0;
	} else {
		guest_call_again(state, thread->call_number,
				 thread->call_first);
	}
	thread->call_number = ~0ull;
}

static void deliver(struct thread *thread, i32 signo,
		    const struct linux_siginfo *info)
{
	struct linux_sigaction *slot =
		&thread->process->actions->action[signo - 1];
	struct linux_sigaction action = *slot;
	u64 mask = thread->restore_mask ? thread->saved_mask : thread->blocked;

	finish_call(thread, &action);
	thread->restore_mask = false;
	if (!frame_push(thread, signo, &action, info, mask)) {
		process_exit(thread->process, SIGSEGV);
		return;
	}
	if (action.flags & SA_RESETHAND)
		slot->handler = SIG_DFL;
	thread->blocked |= action.mask;
	if (!(action.flags & SA_NODEFER))
		thread->blocked |= SIGNAL_BIT(signo);
	thread->blocked &= ~NOT_TO_BLOCK;
}

bool signals_attend(struct thread *thread)
{
	struct process *process = thread->process;
	struct linux_siginfo info;

	__atomic_store_n(&thread->attention, 0, __ATOMIC_RELEASE);
	while (!thread->killed) {
		u64 handler;
		i32 signo;

		if (process->stopped) {
			(void)!wait_park(0);
			continue;
		}
		signo = signal_take(thread, ~thread->blocked, &info);
		if (!signo)
			break;
		handler = process->actions->action[signo - 1].handler;
		if (handler == SIG_DFL)
			default_action(thread, signo);
		else if (handler != SIG_IGN)
			deliver(thread, signo, &info);
	}
	if (thread->killed)
		return false;
	finish_call(thread, nullptr);
	if (thread->restore_mask) {
		thread->blocked = thread->saved_mask;
		thread->restore_mask = false;
		signal_recompute(thread);
	}
	return true;
}

void actions_put(struct actions *actions)
{
	if (actions && --actions->references == 0)
		object_free(actions);
}

void signals_exec(struct thread *thread)
{
	struct actions *actions = thread->process->actions;

	for (u32 i = 0; i < SIGNALS; i++) {
		struct linux_sigaction *action = &actions->action[i];

		*action = (struct linux_sigaction){
			.handler =
				action->handler == SIG_IGN ? SIG_IGN : SIG_DFL};
	}
	thread->alternate = (struct linux_stack){.flags = SS_DISABLE};
	thread->restore_mask = false;
}
