// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// clone, clone3, fork and vfork: everything that may fail comes first, then the
// child starts on a carrier of its own with a copy of the registers.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/arch/registers.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"

struct birth {
	u64 flags, stack, parent_tid, child_tid, tls;
	i32 exit_signal;
	bool has_stack;
};

static i64 share_or_copy_files(struct thread *parent, struct thread *child,
			       u64 flags)
{
	if (flags & CLONE_FILES) {
		child->files = parent->files;
		child->files->references++;
	} else {
		child->files = files_copy(parent->files);
	}
	if (flags & CLONE_FS) {
		child->directories = parent->directories;
		child->directories->references++;
	} else {
		child->directories = directories_copy(parent->directories);
	}
	return child->files && child->directories ? 0 : -ENOMEM;
}

static i64 new_process(struct thread *parent, const struct birth *birth,
		       struct process **out)
{
	struct process *from = parent->process;
	struct process *process =
		process_new(birth->flags & CLONE_PARENT ? from->parent : from);
	i64 error = -ENOMEM;

	if (!process)
		return error;
	if (birth->flags & CLONE_VM) {
		process->mm = from->mm;
		mm_get(process->mm);
	} else {
		error = mm_copy(from->mm, &process->mm);
		if (error) {
			object_free(process);
			return error;
		}
	}
	if (birth->flags & CLONE_SIGHAND) {
		process->actions = from->actions;
		process->actions->references++;
	} else {
		process->actions = buffer_alloc(sizeof(*process->actions));
		if (!process->actions) {
			mm_put(process->mm);
			object_free(process);
			return -ENOMEM;
		}
		*process->actions = *from->actions;
		process->actions->references = 1;
	}
	process->exit_signal = birth->exit_signal;
	*out = process;
	return 0;
}

// Undo what clone did so far; the process is not in any list yet, or is.
static void abandon(struct thread *child, struct process *process, bool is_new)
{
	if (child) {
		files_put(child->files);
		directories_put(child->directories);
		thread_free(child);
	}
	if (!is_new)
		return;
	mm_put(process->mm);
	actions_put(process->actions);
	if (process->pid)
		process_put_zombie(process);
	else
		object_free(process);
}

static i64 save_fpu(struct thread *child)
{
	u8 *area;

	child->fpu = buffer_alloc(FPU_BYTES + 64);
	if (!child->fpu)
		return -ENOMEM;
	area = (u8 *)align_up((u64)child->fpu, 64);
	fpu_save(area);
	return 0;
}

static void set_registers(struct thread *parent, struct thread *child,
			  const struct birth *birth)
{
	struct guest_state *state = child->carrier->state;

	*state = *parent->carrier->state;
	guest_set_result(state, 0);
	if (birth->has_stack)
		guest_set_sp(state, birth->stack);
	if (birth->flags & CLONE_SETTLS)
		guest_set_thread_pointer(state, birth->tls);
}

static i64 wait_for_vfork(struct thread *thread, struct process *child)
{
	u32 pid = child->pid;

	// Not to be interrupted but by death: the memory is lent.
	while (process_find(pid) == child && child->vfork_parent &&
	       !thread_dying(thread)) {
		struct wait_entry entry;

		wait_enter(&child->vfork_done, &entry);
		(void)!wait_park(0);
		if (process_find(pid) == child)
			wait_leave(&entry);
		else
			list_init(&entry.node);
	}
	return pid;
}

static i64 make(struct thread *parent, const struct birth *birth)
{
	struct process *process = parent->process;
	bool is_new = !(birth->flags & CLONE_THREAD);
	struct thread *child;
	i64 error;
	u32 tid;

	// Before memory runs out: to find that out is slow, and a program that
	// forks without end would find it out all the time.
	if (nthreads >= threads_max)
		return -EAGAIN;
	if (is_new) {
		error = new_process(parent, birth, &process);
		if (error)
			return error;
	}
	child = thread_new(process);
	if (!child) {
		abandon(nullptr, process, is_new);
		return -EAGAIN;
	}
	tid = child->tid;
	child->mm = process->mm;
	child->blocked = parent->blocked;
	memcpy(child->name, parent->name, sizeof(child->name));
	if (!(birth->flags & CLONE_VM) || (birth->flags & CLONE_VFORK))
		child->alternate = parent->alternate;
	error = share_or_copy_files(parent, child, birth->flags);
	if (!error)
		error = save_fpu(child);
	if (!error && (birth->flags & CLONE_PARENT_SETTID))
		error = guest_copy_out(birth->parent_tid, &tid, 4);
	if (!error)
		child->carrier = carrier_claim(process->mm->aspace);
	if (!error && !child->carrier)
		error = -EAGAIN;
	if (error) {
		abandon(child, process, is_new);
		return error;
	}
	child->run_base_ns = carrier_run_ns(child->carrier);
	set_registers(parent, child, birth);
	if (birth->flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = birth->child_tid;
	if (birth->flags & CLONE_CHILD_SETTID)
		child->set_child_tid = birth->child_tid;
	if (birth->flags & CLONE_VFORK)
		process->vfork_parent = parent->process;
	carrier_start(child->carrier, thread_work, child);
	if ((birth->flags & CLONE_VFORK) && is_new)
		return wait_for_vfork(parent, process);
	return tid;
}

static i64 check(const struct birth *birth)
{
	u64 flags = birth->flags;

	if (flags & CLONE_NAMESPACES)
		return -EINVAL;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_SETTLS) && birth->tls >= GUEST_END)
		return -EPERM;
	return 0;
}

i64 call_clone(struct thread *thread, const u64 *a)
{
	struct birth birth = {.flags = a[0] & ~0xffull,
			      .exit_signal = (i32)(a[0] & 0xff),
			      .stack = a[1],
			      .has_stack = a[1] != 0,
			      .parent_tid = a[2],
			      .child_tid = a[CLONE_CHILD_TID],
			      .tls = a[CLONE_TLS]};
	i64 error = check(&birth);

	return error ? error : make(thread, &birth);
}

i64 call_clone3(struct thread *thread, const u64 *a)
{
	struct {
		u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack,
			stack_size, tls, set_tid, set_tid_size, cgroup;
	} args = {};
	struct birth birth;
	i64 error;

	if (a[1] < 64)
		return -EINVAL;
	if (a[1] > sizeof(args))
		return -E2BIG;
	if (guest_copy_in(&args, a[0], a[1]))
		return -EFAULT;
	if (args.set_tid_size || args.exit_signal > SIGNALS ||
	    (args.flags & 0x1000)) // CLONE_PIDFD
		return -EINVAL;
	birth = (struct birth){.flags = args.flags,
			       .exit_signal = (i32)args.exit_signal,
			       .stack = args.stack + args.stack_size,
			       .has_stack = args.stack != 0,
			       .parent_tid = args.parent_tid,
			       .child_tid = args.child_tid,
			       .tls = args.tls};
	error = check(&birth);
	return error ? error : make(thread, &birth);
}

i64 call_fork(struct thread *thread, const u64 *a)
{
	struct birth birth = {.exit_signal = SIGCHLD};

	(void)a;
	return make(thread, &birth);
}

i64 call_vfork(struct thread *thread, const u64 *a)
{
	struct birth birth = {.flags = CLONE_VM | CLONE_VFORK,
			      .exit_signal = SIGCHLD};

	(void)a;
	return make(thread, &birth);
}
