// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Futexes: threads wait by (address space, address); words in shared mappings
// of several processes by (memory object, offset). Robust lists at a thread's end.
#include "lib/base/bits.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"
#include "personalities/linux/time.h"

#define BUCKETS 64u
#define ROBUST_MAX 2048u

static struct list bucket[BUCKETS];

struct key {
	void *space; // mm or backing
	u64 address;
};

static struct key key_of(struct mm *mm, u64 address)
{
	struct area *area = area_find(mm, address);

	if (area && area->shared)
		return (struct key){area->backing,
				    address - area->start + area->offset};
	return (struct key){mm, address};
}

static struct list *bucket_of(struct key key)
{
	struct list *head =
		&bucket[(key.address >> 2 ^ (u64)key.space >> 4) % BUCKETS];

	if (!head->next)
		list_init(head);
	return head;
}

static bool waits_for(const struct thread *thread, struct key key, u32 mask)
{
	return thread->futex_space == key.space &&
		thread->futex_address == key.address &&
		(thread->futex_mask & mask);
}

static void release(struct thread *thread)
{
	list_remove(&thread->futex_node);
	thread->futex_waiting = false;
	carrier_wake(thread->carrier);
}

static i64 wake(struct key key, u32 count, u32 mask)
{
	i64 woken = 0;

	LIST_FOR_EACH_SAFE(node, bucket_of(key))
	{
		struct thread *thread =
			CONTAINER_OF(node, struct thread, futex_node);

		if (woken >= count)
			break;
		if (!waits_for(thread, key, mask))
			continue;
		release(thread);
		woken++;
	}
	return woken;
}

i64 futex_wake(struct mm *mm, u64 address, u32 count, u32 mask)
{
	return wake(key_of(mm, address), count, mask);
}

static i64 futex_wait(struct thread *thread, u64 address, u32 expected,
		      u64 deadline_ns, u32 mask)
{
	struct key key = key_of(thread->process->mm, address);
	u32 value;

	if (guest_load_u32(address, &value))
		return -EFAULT;
	if (value != expected)
		return -EAGAIN;
	thread->futex_space = key.space;
	thread->futex_address = key.address;
	thread->futex_mask = mask;
	thread->futex_waiting = true;
	list_add_last(bucket_of(key), &thread->futex_node);
	for (;;) {
		enum status status;

		if (!thread->futex_waiting)
			return 0;
		if (thread_interrupted(thread)) {
			list_remove(&thread->futex_node);
			thread->futex_waiting = false;
			return deadline_ns ? -EINTR : -ERESTART_IF_ASKED;
		}
		status = wait_park(deadline_ns);
		if (status == ERR_TIMEOUT && thread->futex_waiting) {
			list_remove(&thread->futex_node);
			thread->futex_waiting = false;
			return -ETIMEDOUT;
		}
	}
}

static i64 requeue(struct thread *thread, u64 from, u32 wake_count,
		   u32 move_count, u64 to)
{
	struct key old = key_of(thread->process->mm, from);
	struct key new = key_of(thread->process->mm, to);
	i64 done = wake(old, wake_count, ~0u);
	u32 moved = 0;

	LIST_FOR_EACH_SAFE(node, bucket_of(old))
	{
		struct thread *waiter =
			CONTAINER_OF(node, struct thread, futex_node);

		if (moved >= move_count)
			break;
		if (!waits_for(waiter, old, ~0u))
			continue;
		waiter->futex_space = new.space;
		waiter->futex_address = new.address;
		list_remove(node);
		list_add_last(bucket_of(new), node);
		moved++;
	}
	return done + moved;
}

// FUTEX_WAKE_OP: change one word, wake at both.
static i64 wake_operation(struct thread *thread, const u64 *a)
{
	u32 code = (u32)a[5], operation = code >> 28 & 7,
	    compare = code >> 24 & 15;
	u32 operand = code >> 12 & 0xfff, other = code & 0xfff, old, seen,
	    wanted;
	bool also;
	i64 woken;

	if (code >> 31)
		operand = 1u << (operand & 31);
	if (guest_load_u32(a[4], &old))
		return -EFAULT;
	for (;;) {
		switch (operation) {
		case 0:
			wanted = operand;
			break;
		case 1:
			wanted = old + operand;
			break;
		case 2:
			wanted = old | operand;
			break;
		case 3:
			wanted = old & ~operand;
			break;
		case 4:
			wanted = old ^ operand;
			break;
		default:
			return -ENOSYS;
		}
		if (guest_exchange_u32(a[4], old, wanted, &seen))
			return -EFAULT;
		if (seen == old)
			break;
		old = seen;
	}
	switch (compare) {
	case 0:
		also = old == other;
		break;
	case 1:
		also = old != other;
		break;
	case 2:
		also = (i32)old < (i32)other;
		break;
	case 3:
		also = (i32)old <= (i32)other;
		break;
	case 4:
		also = (i32)old > (i32)other;
		break;
	case 5:
		also = (i32)old >= (i32)other;
		break;
	default:
		return -ENOSYS;
	}
	woken = futex_wake(thread->process->mm, a[0], (u32)a[2], ~0u);
	if (also)
		woken += futex_wake(thread->process->mm, a[4], (u32)a[3], ~0u);
	return woken;
}

static i64 wait_deadline(const u64 *a, u32 operation, u64 *deadline)
{
	i64 ns, error;

	*deadline = 0;
	if (!a[3])
		return 0;
	error = timespec_in(a[3], &ns);
	if (error)
		return error;
	if (operation == FUTEX_WAIT)
		return time_deadline(ns, deadline);
	if (a[1] & FUTEX_CLOCK_REALTIME)
		ns -= (i64)(realtime_now() - time_now());
	*deadline = ns > 0 ? (u64)ns : 1;
	return 0;
}

i64 call_futex(struct thread *thread, const u64 *a)
{
	u32 operation =
		(u32)a[1] & ~(u32)(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
	u64 deadline;
	u32 value;
	i64 error;

	if (a[0] % 4)
		return -EINVAL;
	switch (operation) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		error = wait_deadline(a, operation, &deadline);
		if (error)
			return error;
		if (operation == FUTEX_WAIT_BITSET && !(u32)a[5])
			return -EINVAL;
		return futex_wait(thread, a[0], (u32)a[2], deadline,
				  operation == FUTEX_WAIT ? ~0u : (u32)a[5]);
	case FUTEX_WAKE:
		return futex_wake(thread->process->mm, a[0], (u32)a[2], ~0u);
	case FUTEX_WAKE_BITSET:
		return (u32)a[5] ? futex_wake(thread->process->mm, a[0],
					      (u32)a[2], (u32)a[5])
				 : -EINVAL;
	case FUTEX_CMP_REQUEUE:
		if (guest_load_u32(a[0], &value))
			return -EFAULT;
		if (value != (u32)a[5])
			return -EAGAIN;
		return requeue(thread, a[0], (u32)a[2], (u32)a[3], a[4]);
	case FUTEX_REQUEUE:
		return requeue(thread, a[0], (u32)a[2], (u32)a[3], a[4]);
	case FUTEX_WAKE_OP:
		return wake_operation(thread, a);
	default:
		return -ENOSYS;
	}
}

i64 call_set_robust_list(struct thread *thread, const u64 *a)
{
	if (a[1] != 24)
		return -EINVAL;
	thread->robust_list = a[0];
	return 0;
}

i64 call_get_robust_list(struct thread *thread, const u64 *a)
{
	struct thread *target = a[0] ? thread_find((u32)a[0]) : thread;
	u64 size = 24;

	if (!target)
		return -ESRCH;
	if (guest_copy_out(a[1], &target->robust_list, 8) ||
	    guest_copy_out(a[2], &size, 8))
		return -EFAULT;
	return 0;
}

// The owner of this lock is dead: say so in the word and wake one waiter.
static void abandon(struct thread *thread, u64 word)
{
	u32 old, seen;

	if (word % 4 || guest_load_u32(word, &old))
		return;
	while ((old & FUTEX_TID_MASK) == thread->tid) {
		if (guest_exchange_u32(word, old,
				       (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED,
				       &seen))
			return;
		if (seen == old) {
			if (old & FUTEX_WAITERS)
				futex_wake(thread->process->mm, word, 1, ~0u);
			return;
		}
		old = seen;
	}
}

void futex_thread_exit(struct thread *thread)
{
	struct {
		u64 next, offset, pending;
	} head;
	u64 at;

	if (!thread->robust_list || !thread->process->mm ||
	    guest_copy_in(&head, thread->robust_list, sizeof(head)))
		return;
	at = head.next;
	for (u32 i = 0; i < ROBUST_MAX && (at & ~1ull) != thread->robust_list;
	     i++) {
		u64 next;

		if (guest_copy_in(&next, at & ~1ull, 8))
			break;
		if (at != head.pending)
			abandon(thread, (at & ~1ull) + head.offset);
		at = next;
	}
	if (head.pending)
		abandon(thread, (head.pending & ~1ull) + head.offset);
}
