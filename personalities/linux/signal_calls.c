// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls about signals.
#include "lib/base/bits.h"
#include "lib/sys/component.h"
#include "personalities/linux/arch/registers.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"
#include "personalities/linux/time.h"

#define NOT_TO_BLOCK (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

i64 call_rt_sigaction(struct thread *thread, const u64 *a)
{
	struct linux_sigaction *slot, action;

	if (a[0] < 1 || a[0] > SIGNALS || a[3] != 8)
		return -EINVAL;
	if (a[1] && (a[0] == SIGKILL || a[0] == SIGSTOP))
		return -EINVAL;
	if (a[1] && guest_copy_in(&action, a[1], sizeof(action)))
		return -EFAULT;
	slot = &thread->process->actions->action[a[0] - 1];
	if (a[2] && guest_copy_out(a[2], slot, sizeof(*slot)))
		return -EFAULT;
	if (a[1]) {
		action.mask &= ~NOT_TO_BLOCK;
		*slot = action;
		if (action.handler == SIG_IGN) {
			thread->signals.pending &= ~SIGNAL_BIT(a[0]);
			thread->process->signals.pending &= ~SIGNAL_BIT(a[0]);
		}
	}
	return 0;
}

i64 call_rt_sigprocmask(struct thread *thread, const u64 *a)
{
	u64 set = 0, before = thread->blocked;

	if (a[3] != 8)
		return -EINVAL;
	if (a[1]) {
		if (guest_copy_in(&set, a[1], 8))
			return -EFAULT;
		set &= ~NOT_TO_BLOCK;
		if (a[0] == 0)
			thread->blocked |= set;
		else if (a[0] == 1)
			thread->blocked &= ~set;
		else if (a[0] == 2)
			thread->blocked = set;
		else
			return -EINVAL;
		signal_recompute(thread);
	}
	if (a[2] && guest_copy_out(a[2], &before, 8))
		return -EFAULT;
	return 0;
}

i64 call_rt_sigreturn(struct thread *thread, const u64 *a)
{
	(void)a;
	if (!frame_pop(thread))
		signal_force(thread, SIGSEGV, SI_KERNEL, 0, 0);
	return NO_RESULT;
}

i64 call_rt_sigpending(struct thread *thread, const u64 *a)
{
	u64 set = (thread->signals.pending | thread->process->signals.pending) &
		thread->blocked;

	if (a[1] > 8)
		return -EINVAL;
	return guest_copy_out(a[0], &set, a[1]);
}

// Wait until a signal is to be handled, with another mask meanwhile.
void signal_mask_for_now(struct thread *thread, u64 mask)
{
	thread->saved_mask = thread->blocked;
	thread->restore_mask = true;
	thread->blocked = mask & ~NOT_TO_BLOCK;
	signal_recompute(thread);
}

static i64 wait_for_signal(struct thread *thread)
{
	i64 result;

	do
		result = wait_sleep(thread, &thread->own, 0);
	while (result == 0);
	return -ERESTART_UNLESS_HANDLED;
}

i64 call_rt_sigsuspend(struct thread *thread, const u64 *a)
{
	u64 mask;

	if (a[1] != 8)
		return -EINVAL;
	if (guest_copy_in(&mask, a[0], 8))
		return -EFAULT;
	signal_mask_for_now(thread, mask);
	return wait_for_signal(thread);
}

i64 call_pause(struct thread *thread, const u64 *a)
{
	(void)a;
	return wait_for_signal(thread);
}

i64 call_rt_sigtimedwait(struct thread *thread, const u64 *a)
{
	struct linux_siginfo info = {};
	u64 set, deadline = 0;
	i64 result;

	if (a[3] != 8)
		return -EINVAL;
	if (guest_copy_in(&set, a[0], 8))
		return -EFAULT;
	set &= ~NOT_TO_BLOCK;
	if (a[2]) {
		result = time_deadline_in(a[2], &deadline);
		if (result)
			return result;
	}
	for (;;) {
		i32 signo = signal_take(thread, set, &info);

		if (signo) {
			if (a[1] && guest_copy_out(a[1], &info, sizeof(info)))
				return -EFAULT;
			return signo;
		}
		result = wait_sleep(thread, &thread->process->signalled,
				    deadline);
		if (result == -ETIMEDOUT)
			return -EAGAIN;
		// One of the set may be what interrupted: look at it first.
		if (result &&
		    !((thread->signals.pending |
		       thread->process->signals.pending) &
		      set))
			return -EINTR;
	}
}

i64 call_sigaltstack(struct thread *thread, const u64 *a)
{
	struct linux_stack wanted, before = thread->alternate;
	u64 sp = guest_sp(thread->carrier->state);
	bool inside = !(before.flags & SS_DISABLE) && sp > before.sp &&
		sp - before.sp <= before.size;

	if (a[0] && guest_copy_in(&wanted, a[0], sizeof(wanted)))
		return -EFAULT;
	if (inside)
		before.flags |= SS_ONSTACK;
	if (a[1] && guest_copy_out(a[1], &before, sizeof(before)))
		return -EFAULT;
	if (!a[0])
		return 0;
	if (inside)
		return -EPERM;
	wanted.flags &= ~SS_ONSTACK;
	if (wanted.flags & SS_DISABLE) {
		thread->alternate = (struct linux_stack){.flags = SS_DISABLE};
		return 0;
	}
	if (wanted.flags & 0x7fffffff)
		return -EINVAL;
	if (wanted.size < MINSIGSTKSZ)
		return -ENOMEM;
	wanted.flags = 0;
	thread->alternate = wanted;
	return 0;
}

static i64 kill_many(struct thread *thread, u32 pgid, i32 signo, bool all)
{
	struct linux_siginfo info =
		signal_info(signo, SI_USER, thread->process);
	i64 result = -ESRCH;

	LIST_FOR_EACH(node, &processes)
	{
		struct process *process =
			CONTAINER_OF(node, struct process, node);

		if (process == &init_process || process->zombie)
			continue;
		if (all ? process == thread->process : process->pgid != pgid)
			continue;
		result = 0;
		if (signo)
			signal_process(process, &info);
	}
	return result;
}

i64 call_kill(struct thread *thread, const u64 *a)
{
	i32 pid = (i32)a[0], signo = (i32)a[1];
	struct linux_siginfo info =
		signal_info(signo, SI_USER, thread->process);
	struct process *process;

	if (signo < 0 || signo > SIGNALS)
		return -EINVAL;
	if (pid == 0)
		return kill_many(thread, thread->process->pgid, signo, false);
	if (pid == -1)
		return kill_many(thread, 0, signo, true);
	if (pid < 0)
		return kill_many(thread, (u32)-pid, signo, false);
	process = process_find((u32)pid);
	if (!process)
		return -ESRCH;
	if (signo)
		signal_process(process, &info);
	return 0;
}

static i64 kill_thread(struct thread *thread, u32 tgid, i32 tid, i32 signo)
{
	struct linux_siginfo info =
		signal_info(signo, SI_TKILL, thread->process);
	struct thread *target;

	if (tid <= 0 || signo < 0 || signo > SIGNALS)
		return -EINVAL;
	target = thread_find((u32)tid);
	if (!target || (tgid && target->process->pid != tgid))
		return -ESRCH;
	if (signo)
		signal_thread(target, &info);
	return 0;
}

i64 call_tkill(struct thread *thread, const u64 *a)
{
	return kill_thread(thread, 0, (i32)a[0], (i32)a[1]);
}

i64 call_tgkill(struct thread *thread, const u64 *a)
{
	if ((i32)a[0] <= 0)
		return -EINVAL;
	return kill_thread(thread, (u32)a[0], (i32)a[1], (i32)a[2]);
}

static i64 queue_info(u64 from, i32 signo, struct linux_siginfo *info)
{
	if (signo < 1 || signo > SIGNALS)
		return -EINVAL;
	if (guest_copy_in(info, from, sizeof(*info)))
		return -EFAULT;
	if (info->code >= 0)
		return -EPERM; // only the system says those
	info->signo = signo;
	return 0;
}

i64 call_rt_sigqueueinfo(struct thread *thread, const u64 *a)
{
	struct linux_siginfo info;
	struct process *process = process_find((u32)a[0]);
	i64 error = queue_info(a[2], (i32)a[1], &info);

	(void)thread;
	if (error)
		return error;
	if (!process)
		return -ESRCH;
	signal_process(process, &info);
	return 0;
}

i64 call_rt_tgsigqueueinfo(struct thread *thread, const u64 *a)
{
	struct linux_siginfo info;
	struct thread *target = thread_find((u32)a[1]);
	i64 error = queue_info(a[3], (i32)a[2], &info);

	(void)thread;
	if (error)
		return error;
	if (!target || target->process->pid != (u32)a[0])
		return -ESRCH;
	signal_thread(target, &info);
	return 0;
}
