// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls about who a process is: numbers, groups, sessions, users.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"

#define UNCHANGED 0xffffffffu

i64 call_getpid(struct thread *thread, const u64 *a)
{
	(void)a;
	return thread->process->pid;
}

i64 call_gettid(struct thread *thread, const u64 *a)
{
	(void)a;
	return thread->tid;
}

i64 call_getppid(struct thread *thread, const u64 *a)
{
	(void)a;
	return thread->process->ppid;
}

i64 call_getpgrp(struct thread *thread, const u64 *a)
{
	(void)a;
	return thread->process->pgid;
}

i64 call_getuid(struct thread *thread, const u64 *a)
{
	(void)a;
	return thread->process->uid;
}

i64 call_geteuid(struct thread *thread, const u64 *a)
{
	(void)a;
	return thread->process->euid;
}

i64 call_getgid(struct thread *thread, const u64 *a)
{
	(void)a;
	return thread->process->gid;
}

i64 call_getegid(struct thread *thread, const u64 *a)
{
	(void)a;
	return thread->process->egid;
}

i64 call_set_tid_address(struct thread *thread, const u64 *a)
{
	thread->clear_child_tid = a[0];
	return thread->tid;
}

static struct process *named(struct thread *thread, u64 pid)
{
	return (u32)pid ? process_find((u32)pid) : thread->process;
}

bool group_exists(u32 pgid, u32 sid)
{
	LIST_FOR_EACH(node, &processes)
	{
		struct process *process =
			CONTAINER_OF(node, struct process, node);

		if (process->pgid == pgid && process->sid == sid)
			return true;
	}
	return false;
}

i64 call_getpgid(struct thread *thread, const u64 *a)
{
	struct process *process = named(thread, a[0]);

	return process ? (i64)process->pgid : -ESRCH;
}

i64 call_getsid(struct thread *thread, const u64 *a)
{
	struct process *process = named(thread, a[0]);

	return process ? (i64)process->sid : -ESRCH;
}

i64 call_setpgid(struct thread *thread, const u64 *a)
{
	struct process *process = named(thread, a[0]);
	u32 pgid = (u32)a[1];

	if ((i32)a[1] < 0)
		return -EINVAL;
	if (!process ||
	    (process != thread->process && process->parent != thread->process))
		return -ESRCH;
	if (process != thread->process && process->did_exec)
		return -EACCES;
	if (process->sid != thread->process->sid ||
	    process->pid == process->sid)
		return -EPERM;
	if (!pgid)
		pgid = process->pid;
	if (pgid != process->pid && !group_exists(pgid, process->sid))
		return -EPERM;
	process->pgid = pgid;
	return 0;
}

i64 call_setsid(struct thread *thread, const u64 *a)
{
	struct process *process = thread->process;

	(void)a;
	LIST_FOR_EACH(node, &processes)
	if (CONTAINER_OF(node, struct process, node)->pgid == process->pid)
		return -EPERM;
	process->pgid = process->sid = process->pid;
	process->tty = nullptr;
	return process->pid;
}

// ---- users. Root may become anybody; others only who they are already.

static bool may_be(const struct process *p, u32 id, bool group)
{
	if (p->euid == 0 || id == UNCHANGED)
		return true;
	return group ? id == p->gid || id == p->egid || id == p->sgid
		     : id == p->uid || id == p->euid || id == p->suid;
}

i64 call_setuid(struct thread *thread, const u64 *a)
{
	struct process *p = thread->process;
	u32 id = (u32)a[0];

	if (id == UNCHANGED)
		return -EINVAL;
	if (!may_be(p, id, false))
		return -EPERM;
	if (p->euid == 0)
		p->uid = p->suid = id;
	p->euid = id;
	return 0;
}

i64 call_setgid(struct thread *thread, const u64 *a)
{
	struct process *p = thread->process;
	u32 id = (u32)a[0];

	if (id == UNCHANGED)
		return -EINVAL;
	if (!may_be(p, id, true))
		return -EPERM;
	if (p->euid == 0)
		p->gid = p->sgid = id;
	p->egid = id;
	return 0;
}

i64 call_setresuid(struct thread *thread, const u64 *a)
{
	struct process *p = thread->process;
	u32 *slot[3] = {&p->uid, &p->euid, &p->suid};

	for (u32 i = 0; i < 3; i++)
		if (!may_be(p, (u32)a[i], false))
			return -EPERM;
	for (u32 i = 0; i < 3; i++)
		if ((u32)a[i] != UNCHANGED)
			*slot[i] = (u32)a[i];
	return 0;
}

i64 call_setresgid(struct thread *thread, const u64 *a)
{
	struct process *p = thread->process;
	u32 *slot[3] = {&p->gid, &p->egid, &p->sgid};

	for (u32 i = 0; i < 3; i++)
		if (!may_be(p, (u32)a[i], true))
			return -EPERM;
	for (u32 i = 0; i < 3; i++)
		if ((u32)a[i] != UNCHANGED)
			*slot[i] = (u32)a[i];
	return 0;
}

i64 call_setreuid(struct thread *thread, const u64 *a)
{
	u64 b[3] = {a[0], a[1], (u32)a[1]};

	if ((u32)a[1] == UNCHANGED)
		b[2] = UNCHANGED;
	return call_setresuid(thread, b);
}

i64 call_setregid(struct thread *thread, const u64 *a)
{
	u64 b[3] = {a[0], a[1], (u32)a[1]};

	return call_setresgid(thread, b);
}

i64 call_getresuid(struct thread *thread, const u64 *a)
{
	struct process *p = thread->process;

	return guest_copy_out(a[0], &p->uid, 4) ||
			guest_copy_out(a[1], &p->euid, 4) ||
			guest_copy_out(a[2], &p->suid, 4)
		? -EFAULT
		: 0;
}

i64 call_getresgid(struct thread *thread, const u64 *a)
{
	struct process *p = thread->process;

	return guest_copy_out(a[0], &p->gid, 4) ||
			guest_copy_out(a[1], &p->egid, 4) ||
			guest_copy_out(a[2], &p->sgid, 4)
		? -EFAULT
		: 0;
}

i64 call_setfsuid(struct thread *thread, const u64 *a)
{
	(void)a;
	return thread->process->euid;
}

i64 call_setfsgid(struct thread *thread, const u64 *a)
{
	(void)a;
	return thread->process->egid;
}

i64 call_getgroups(struct thread *thread, const u64 *a)
{
	struct process *p = thread->process;

	if ((i32)a[0] < 0)
		return -EINVAL;
	if (!a[0])
		return p->ngroups;
	if (a[0] < p->ngroups)
		return -EINVAL;
	return guest_copy_out(a[1], p->groups, p->ngroups * 4ul) ? -EFAULT
								 : p->ngroups;
}

i64 call_setgroups(struct thread *thread, const u64 *a)
{
	struct process *p = thread->process;

	if (p->euid)
		return -EPERM;
	if (a[0] > ARRAY_COUNT(p->groups))
		return -EINVAL;
	if (guest_copy_in(p->groups, a[1], a[0] * 4))
		return -EFAULT;
	p->ngroups = (u32)a[0];
	return 0;
}

// Capabilities of Linux: root has them all.
i64 call_capget(struct thread *thread, const u64 *a)
{
	struct {
		u32 version;
		i32 pid;
	} head;
	u32 all = thread->process->euid ? 0 : ~0u;
	u32 data[6] = {all, all, 0, all >> 23, all >> 23, 0};

	if (guest_copy_in(&head, a[0], sizeof(head)))
		return -EFAULT;
	if (head.version != 0x20080522 && head.version != 0x20071026) {
		head.version = 0x20080522;
		(void)!guest_copy_out(a[0], &head, sizeof(head));
		return a[1] ? -EINVAL : 0;
	}
	return a[1] ? guest_copy_out(a[1], data, sizeof(data)) : 0;
}

i64 call_capset(struct thread *thread, const u64 *a)
{
	(void)a;
	return thread->process->euid ? -EPERM : 0;
}
