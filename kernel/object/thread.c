// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// thread: life, waits and requests between CPUs.
//
// Requests. thread->requests collects bits from anyone. Who changes it from 0
// puts the thread into its home CPU's inbox. While the home CPU serves them the
// word holds REQUEST_BUSY, so that new bits are found by the loop that serves; who
// wants to move a blocked thread to another CPU does the same.
#include "kernel/object/thread.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cnode.h"
#include "kernel/object/guest.h"
#include "kernel/object/message.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/panic.h"
#include "kernel/sched/fpu.h"
#include "kernel/sched/sched.h"

static void thread_expire(struct timeout *timeout)
{
	struct thread *thread = CONTAINER_OF(timeout, struct thread, timeout);

	if (cpu_self()->accepts)
		thread_cancel(thread, ERR_TIMEOUT);
	else // moves on, due or not
		thread_request(thread, REQUEST_TIMEOUT);
}

enum status thread_create(struct pool *pool, struct thread **out)
{
	struct thread *thread;
	enum status status = POOL_NEW(pool, OBJECT_THREAD, &thread);

	if (status != STATUS_OK)
		return status;
	thread->cspace = &cnode_empty;
	thread->cpu = cpu_self();
	thread->state = THREAD_STOPPED;
	thread->stopped = true;
	thread->weight = 100;
	list_init(&thread->run);
	list_init(&thread->queue);
	thread->timeout.expire = thread_expire;
	slot_init(&thread->aspace_slot, thread, HOLDER_THREAD_ASPACE);
	slot_init(&thread->cspace_slot, thread, HOLDER_THREAD_CSPACE);
	slot_init(&thread->fault_slot, thread, HOLDER_THREAD_FAULT);
	slot_init(&thread->notification_slot, thread,
		  HOLDER_THREAD_NOTIFICATION);
	slot_init(&thread->sched_slot, thread, HOLDER_THREAD_SCHED);
	slot_init(&thread->message_pin.slot, thread, HOLDER_THREAD_MESSAGE);
	*out = thread;
	return STATUS_OK;
}

// ---- requests

static void inbox_push(struct thread *thread)
{
	struct cpu *cpu = atomic_load(&thread->cpu->served_by);

	do
		thread->inbox_next = atomic_load_relaxed(&cpu->inbox);
	while (!atomic_replace(&cpu->inbox, thread->inbox_next, thread));
	cpu_post(cpu, CPU_REQUEST_INBOX);
}

void thread_request(struct thread *thread, enum thread_request request)
{
	if (!atomic_or(&thread->requests, request))
		inbox_push(thread);
}

// Make a thread of this CPU ready, or stopped if that was asked meanwhile.
static void thread_ready(struct thread *thread)
{
	struct cpu *cpu = cpu_self();

	if (thread->timeout.armed)
		timeout_disarm(&cpu->timeouts, &thread->timeout);
	if (thread->stopped) {
		thread->state = THREAD_STOPPED;
		return;
	}
	thread->state = THREAD_READY;
	if (!(thread->allowed_cpus & cpu->accepts) && !BUG(156)) {
		thread_request(thread, REQUEST_RESCHEDULE); // moves it
		return;
	}
	if (thread == cpu->current)
		return; // its wait ended before the CPU turned away
	if (!thread_queued(thread))
		sched_enqueue(cpu, thread, false);
	if (!cpu->current || thread->effective > cpu->current->effective)
		cpu->reschedule = true;
}

static void thread_stop_here(struct thread *thread)
{
	struct cpu *cpu = cpu_self();

	thread->stopped = true;
	switch (thread->state) {
	case THREAD_STOPPED:
	case THREAD_FAULTED:
		thread->state = THREAD_STOPPED;
		break;
	case THREAD_READY:
	case THREAD_RUNNING:
		if (thread_queued(thread) && !BUG(158))
			sched_dequeue(cpu, thread);
		thread->state = THREAD_STOPPED;
		if (thread == cpu->current)
			cpu->reschedule = true;
		break;
	default:
		// If somebody else owns the wake-up, it ends in STOPPED too.
		thread_cancel(thread, ERR_CANCELED);
	}
}

// True: it is another CPU's now.
static bool thread_serve(struct thread *thread, u32 requests)
{
	struct cpu *cpu = cpu_self();

	if (requests & REQUEST_STOP)
		thread_stop_here(thread);
	if (requests & REQUEST_START && thread->state == THREAD_STOPPED &&
	    thread->aspace) {
		thread->stopped = false;
		thread_ready(thread);
	}
	if (requests & (REQUEST_WAKE | REQUEST_ARRIVE))
		thread_ready(thread);
	if (requests & REQUEST_KICK)
		thread_kick(thread);
	if (requests & REQUEST_RESCHEDULE && sched_changed(thread))
		return true;
	if (!(requests & REQUEST_TIMEOUT) || thread->state < THREAD_SENDING ||
	    thread->state > THREAD_RESTING)
		return false;
	if (!cpu->accepts) {
		sched_hand_over(thread, sched_place(thread->allowed_cpus),
				REQUEST_TIMEOUT);
		return true;
	}
	timeout_arm(&cpu->timeouts, &thread->timeout, thread->timeout.node.key);
	return false;
}

// Serve until no request is left, or it is not ours to serve any more: thread->cpu
// does not tell, it may be back already.
static void thread_serve_all(struct thread *thread)
{
	u32 requests;

	for (;;) {
		requests = atomic_swap(&thread->requests, REQUEST_BUSY);
		if (thread_serve(thread, requests))
			return;
		if (atomic_replace(&thread->requests, REQUEST_BUSY, 0))
			return;
	}
}

void thread_serve_inbox(void)
{
	struct cpu *cpu = cpu_self();
	struct thread *list = atomic_swap(&cpu->inbox, nullptr);

	while (list) {
		struct thread *thread = list;

		list = thread->inbox_next;
		thread->cpu = cpu; // or its own is off
		thread_serve_all(thread);
	}
}

static bool is_ours_alone(const struct thread *thread)
{
	return thread->cpu == cpu_self() && !atomic_load(&thread->requests);
}

void thread_wake(struct thread *thread)
{
	if (is_ours_alone(thread))
		thread_ready(thread);
	else
		thread_request(thread, REQUEST_WAKE);
}

void sched_hand_over(struct thread *thread, struct cpu *to, u32 requests)
{
	// Others keep adding bits; the new home serves them.
	atomic_or(&thread->requests, REQUEST_BUSY | requests);
	fpu_save(thread);
	thread->cpu = to;
	BUG(163) ? (void)0 : inbox_push(thread);
}

bool thread_pull(struct thread *thread)
{
	struct cpu *cpu = cpu_self();

	if (is_ours_alone(thread)) {
		timeout_disarm(&cpu->timeouts, &thread->timeout);
	} else if (!sched_can_pull(thread, cpu) || !thread_seize(thread)) {
		return false;
	} else {
		thread->cpu = cpu;
		if (atomic_and(&thread->requests, ~(u32)REQUEST_BUSY) !=
		    REQUEST_BUSY) {
			// Asked meanwhile: serve it, then wake it normally.
			atomic_or(&thread->requests, REQUEST_WAKE);
			thread_serve_all(thread);
			return true;
		}
	}
	if (thread->stopped)
		thread->state = THREAD_STOPPED;
	else
		thread_ready(thread);
	return true;
}

static bool is_still(const struct thread *thread)
{
	if (thread->state != THREAD_STOPPED && thread->state != THREAD_FAULTED)
		return false;
	for (u32 i = 0; i < cpu_count; i++)
		if (atomic_load(&cpus[i]->current) == thread)
			return false;
	return true;
}

enum status thread_hold(const struct cap_ref *cap)
{
	struct thread *thread = object_thread(cap_object(cap));
	bool held;

	if (cap_lock(cap) != STATUS_OK)
		return ERR_DEAD;
	held = thread_seize(thread);
	lock_drop(&thread->object.lock);
	return held ? STATUS_OK : STATUS_RESTART;
}

enum status thread_claim(const struct cap_ref *cap)
{
	struct thread *thread = object_thread(cap_object(cap));
	enum status status = thread_hold(cap);

	if (status == STATUS_OK && !is_still(thread)) {
		thread_release(thread);
		status = ERR_STATE;
	}
	return status;
}

enum status thread_ask(const struct cap_ref *cap, enum thread_request request)
{
	struct thread *thread = object_thread(cap_object(cap));

	if (cap_lock(cap) != STATUS_OK)
		return ERR_DEAD;
	thread_request(thread, request);
	lock_drop(&thread->object.lock);
	return STATUS_OK;
}

void thread_release(struct thread *thread)
{
	if (atomic_and(&thread->requests, ~(u32)REQUEST_BUSY) != REQUEST_BUSY &&
	    !BUG(162))
		inbox_push(thread); // asked for meanwhile
}

// ---- waits

void thread_block(struct thread *thread, u32 state, u64 deadline_ns)
{
	struct cpu *cpu = cpu_self();

	thread->state = state;
	if (deadline_ns)
		timeout_arm(&cpu->timeouts, &thread->timeout, deadline_ns);
	cpu->reschedule = true;
}

void thread_halt_current(u32 state)
{
	struct cpu *cpu = cpu_self();

	cpu->current->stopped = true;
	cpu->current->state = state;
	cpu->reschedule = true;
}

// Own the end of a wait for a reply: the embedded one or a saved one.
static bool take_reply_wait(struct thread *thread)
{
	struct thread *server;
	bool won = false;

	lock_take(&thread->object.lock);
	server = atomic_load(&thread->reply_server);
	if (server) {
		won = atomic_replace(&server->reply_caller, thread, nullptr);
		if (won)
			thread->reply_server = nullptr;
	} else if (thread->reply_slot) {
		message_forget_reply_locked(thread);
		won = true;
	}
	lock_drop(&thread->object.lock);
	return won;
}

// Own the end of a wait in the queue of an object.
static bool take_queue_wait(struct thread *thread)
{
	struct object *object = atomic_load(&thread->wait_on);
	bool won;

	if (!object)
		return false;
	lock_take(&object->lock);
	won = thread->wait_on == object;
	if (won && object->type == OBJECT_NOTIFICATION)
		((struct notification *)object)->waiter = nullptr;
	if (won)
		leave_queue_locked(thread);
	lock_drop(&object->lock);
	return won;
}

bool thread_cancel(struct thread *thread, enum status status)
{
	switch (thread->state) {
	case THREAD_RESTING:
		BUG(205) ? (void)0 : thread_ready(thread);
		return true;
	case THREAD_SENDING:
	case THREAD_RECEIVING:
	case THREAD_WAITING:
	case THREAD_PAGING:
	case THREAD_REPLY:
		break;
	default:
		return false;
	}
	if (!take_queue_wait(thread) && !take_reply_wait(thread))
		return false;
	if (thread->state == THREAD_PAGING) {
		// A stop ends the wait: the access is done again on start.
		if (status == ERR_TIMEOUT) {
			thread_ready(thread);
			thread_fault_later(thread, FAULT_PAGER);
			return true;
		}
	} else if (!thread->faulted) {
		arch_ipc_result(thread, status, 0);
	}
	thread->faulted = false;
	thread_ready(thread);
	return true;
}

void thread_reply_lost_locked(struct thread *thread)
{
	if (!thread->reply_slot)
		return;
	thread->reply_slot = nullptr;
	message_peer_died(thread);
}

void thread_kick(struct thread *thread)
{
	struct notification *bound = thread->bound;

	if (thread->state == THREAD_RECEIVING && bound &&
	    atomic_load(&bound->bits))
		thread_cancel(thread, ERR_INTERRUPTED);
	else if (thread->running_guest &&
		 (thread->state == THREAD_READY ||
		  thread->state == THREAD_RUNNING ||
		  thread->state == THREAD_RESTING))
		guest_kick(thread);
}

// ---- faults

void thread_fault(struct thread *thread, u64 kind, u64 address, u64 code)
{
	arch_fault_words(thread, thread->fault);
	thread->fault[0] = kind;
	thread->fault[1] = address;
	thread->fault[3] = code;
	thread->faulted = true;
	if (!message_send_fault(thread)) {
		thread->faulted = false;
		thread_halt_current(THREAD_FAULTED);
	}
}

void thread_fault_later(struct thread *thread, u64 kind)
{
	// The thread is not current: its next run starts with the delivery.
	thread->fault[0] = kind;
	thread->fault_pending = true;
}

// ---- end

void thread_slot_lost(struct thread *thread, struct slot *slot)
{
	switch (slot->holder) {
	case HOLDER_THREAD_NOTIFICATION:
		thread->bound = nullptr;
		break;
	case HOLDER_THREAD_CSPACE:
		thread->cspace = &cnode_empty;
		break;
	case HOLDER_THREAD_SCHED: // the right to be among the more urgent
		thread->priority = 0;
		thread_request(thread, REQUEST_RESCHEDULE);
		break;
	case HOLDER_THREAD_MESSAGE:
		atomic_store(&thread->message, nullptr);
		break;
	case HOLDER_THREAD_ASPACE:
		// It cannot run any more; the home CPU takes it off. In this
		// order: cpu->published, arch_switch().
		atomic_store(&thread->roots.guest, 0);
		atomic_store(&thread->roots.full, 0);
		atomic_store(&thread->aspace, nullptr);
		thread_request(thread, REQUEST_STOP);
		break;
	default:
		break;
	}
}

// Callers whose message this thread had received will get no answer.
static void release_caller(struct thread *thread)
{
	struct thread *caller = atomic_swap(&thread->reply_caller, nullptr);

	if (!caller)
		return;
	caller->reply_server = nullptr;
	message_peer_died(caller);
}

// Off its CPU for good. Nobody can start it: no capability is left. But a start
// may be on its way, or another CPU about to pull it: not while we hold it.
static bool stopped_for_good(struct thread *thread)
{
	struct cpu *self = cpu_self();
	bool still;

	if (!thread_seize(thread)) {
		thread_request(thread, REQUEST_STOP);
		return false;
	}
	if (thread->cpu == self) {
		thread_stop_here(thread);
		if (thread == self->current) {
			// Its own end: nothing to return to.
			self->current = nullptr;
			self->reschedule = true;
		}
	} else if (thread->state != THREAD_STOPPED) {
		thread_request(thread, REQUEST_STOP); // pushed on release
	}
	// Somebody else may own its wake-up, or a CPU still turn away from it.
	still = is_still(thread);
	thread_release(thread);
	return still;
}

// A thread whose requests are not 0 is in an inbox, or somebody is at work on it.
// Everybody who posts requests does so under the lock of something that refers to
// the thread; so when it is stopped and no reference is left, requests that are 0
// stay 0.
bool thread_destroy_step(struct thread *thread)
{
	if (!stopped_for_good(thread))
		return false;
	guest_abandon(thread);
	release_caller(thread);
	notification_unbind(thread);
	slot_drop(&thread->aspace_slot);
	slot_drop(&thread->cspace_slot);
	slot_drop(&thread->fault_slot);
	slot_drop(&thread->notification_slot);
	slot_drop(&thread->sched_slot);
	message_page_drop(thread);
	// The state once more, after the requests: another CPU may have served a
	// start between the first look and here.
	if (atomic_load(&thread->requests) || !is_still(thread))
		return false;
	fpu_drop(thread);
	return true;
}
