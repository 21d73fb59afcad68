// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// exit, and waiting for children.
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"
#include "personalities/linux/time.h"

i64 call_exit(struct thread *thread, const u64 *a)
{
	thread->killed = true;
	thread->process->exit_code = (u32)(a[0] & 0xff) << 8;
	__atomic_store_n(&thread->attention, 1, __ATOMIC_RELEASE);
	return 0;
}

i64 call_exit_group(struct thread *thread, const u64 *a)
{
	process_exit(thread->process, (i32)((a[0] & 0xff) << 8));
	return 0;
}

struct wish {
	u32 kind, id; // P_ALL, P_PID, P_PGID
	u32 options;
};

struct found {
	u32 pid, uid;
	i32 code, status; // as siginfo has them
	i32 wait_status; // as wait4 has it
	u64 run_ns;
};

static bool matches(const struct process *child, const struct wish *wish)
{
	if (wish->kind == P_PID && child->pid != wish->id)
		return false;
	return wish->kind != P_PGID || child->pgid == wish->id;
}

// Is there something to tell of this child?
static bool look(struct process *child, const struct wish *wish,
		 struct found *found)
{
	bool keep = wish->options & WNOWAIT;

	*found = (struct found){.pid = child->pid,
				.uid = child->uid,
				.run_ns =
					child->run_ns + child->children_run_ns};
	if (child->zombie && (wish->options & WEXITED)) {
		i32 status = child->exit_status;

		found->wait_status = status;
		found->code = status & 0x7f ? CLD_KILLED : CLD_EXITED;
		found->status = status & 0x7f ? status & 0x7f : status >> 8;
		if (!keep)
			process_put_zombie(child);
		return true;
	}
	if (child->zombie)
		return false;
	if (child->report_stop && (wish->options & WUNTRACED)) {
		child->report_stop = keep;
		found->code = CLD_STOPPED;
		found->status = child->stop_signal;
		found->wait_status = child->stop_signal << 8 | 0x7f;
		return true;
	}
	if (child->report_continue && (wish->options & WCONTINUED)) {
		child->report_continue = keep;
		found->code = CLD_CONTINUED;
		found->status = SIGCONT;
		found->wait_status = 0xffff;
		return true;
	}
	return false;
}

// 0 with WNOHANG and nothing to tell: found->pid is 0.
static i64 wait_for(struct thread *thread, const struct wish *wish,
		    struct found *found)
{
	struct process *process = thread->process;

	for (;;) {
		bool any = false;
		i64 error;

		LIST_FOR_EACH_SAFE(node, &process->children)
		{
			struct process *child =
				CONTAINER_OF(node, struct process, sibling);

			if (!matches(child, wish))
				continue;
			any = true;
			if (look(child, wish, found))
				return 0;
		}
		*found = (struct found){};
		if (!any)
			return -ECHILD;
		if (wish->options & WNOHANG)
			return 0;
		error = wait_sleep(thread, &process->children_changed, 0);
		if (error)
			return error;
	}
}

static i64 usage_out(u64 to, u64 run_ns)
{
	struct linux_rusage usage = {.utime = time_value(run_ns)};

	return to ? guest_copy_out(to, &usage, sizeof(usage)) : 0;
}

i64 call_wait4(struct thread *thread, const u64 *a)
{
	i32 pid = (i32)a[0];
	struct wish wish = {.options = (u32)a[2] | WEXITED};
	struct found found;
	i64 error;

	if ((u32)a[2] & ~(WNOHANG | WUNTRACED | WCONTINUED | 0xe0000000u))
		return -EINVAL;
	if (pid > 0)
		wish.kind = P_PID, wish.id = (u32)pid;
	else if (pid != -1)
		wish.kind = P_PGID,
		wish.id = pid ? (u32)-pid : thread->process->pgid;
	error = wait_for(thread, &wish, &found);
	if (error)
		return error;
	if (found.pid && a[1] && guest_copy_out(a[1], &found.wait_status, 4))
		return -EFAULT;
	if (found.pid && usage_out(a[3], found.run_ns))
		return -EFAULT;
	return found.pid;
}

i64 call_waitid(struct thread *thread, const u64 *a)
{
	struct wish wish = {(u32)a[0], (u32)a[1], (u32)a[3]};
	struct linux_siginfo info = {};
	struct found found;
	i64 error;

	if (a[0] > P_PGID ||
	    !(wish.options & (WEXITED | WUNTRACED | WCONTINUED)))
		return -EINVAL;
	if (wish.kind == P_PGID && !wish.id)
		wish.id = thread->process->pgid;
	error = wait_for(thread, &wish, &found);
	if (error)
		return error;
	if (found.pid) {
		info.signo = SIGCHLD;
		info.code = found.code;
		info.child.pid = (i32)found.pid;
		info.child.uid = found.uid;
		info.child.status = found.status;
	}
	if (a[2] && guest_copy_out(a[2], &info, sizeof(info)))
		return -EFAULT;
	if (usage_out(a[4], found.run_ns))
		return -EFAULT;
	return 0;
}
