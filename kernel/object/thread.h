// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// thread: registers, address space, capability space, scheduling parameters,
// fault endpoint, bound notification, one embedded reply.
//
// A thread's run state is written only by its home CPU (thread->cpu). A thread
// that waits on an object is in that object's queue, guarded by its lock; who
// takes it out of the queue (or wins the compare-and-swap on the reply) owns the
// wake-up: writes the result into the registers and calls thread_wake(), which
// posts to the home CPU. Others post requests: thread_request().
// Legend: [I] immutable, [h] home CPU only, [o] lock of the object waited on,
// [a] atomic, [l] the thread's object lock.
#ifndef KERNEL_OBJECT_THREAD_H
#define KERNEL_OBJECT_THREAD_H
#include "abi/constants.h"
#include "kernel/arch/arch.h"
#include "kernel/object/memory.h"
#include "kernel/object/object.h"
#include "kernel/sched/timeout.h"
#include "lib/base/list.h"
#include "lib/base/status.h"

struct cap_ref;
struct cpu;
struct cnode;
struct aspace;
struct guest;
struct notification;

// Bits of thread->requests, set by anyone, served by the home CPU.
enum thread_request : u32 {
	REQUEST_WAKE = 1, // the wait is over, registers hold the result
	REQUEST_STOP = 2,
	REQUEST_START = 4,
	REQUEST_TIMEOUT = 8, // its deadline is to be armed, or moves on with it
	REQUEST_KICK = 32, // the bound notification has bits: look
	REQUEST_RESCHEDULE = 64, // parameters changed
	REQUEST_ARRIVE = 128, // handed over by another CPU, ready to run
	REQUEST_BUSY = 256, // being served, or being pulled: nobody else may
};

struct thread {
	// Offsets of this group are known to entry.S (arch/*/offsets.c).
	struct arch_regs regs; // first: saved user registers
	struct cnode *cspace; // [h] cnode_empty when it has none
	struct arch_roots roots; // page-table roots to load
	struct cpu *cpu; // home; changes only by the home CPU or the claimer
	struct guest *running_guest; // [h] in guest_run now
	struct aspace *aspace; // [h] NULL when it has none
	bool resume_syscall; // [h] exit by the system-call return path

	// Grouped for the IPC fast path.
	u32 state; // [h] THREAD_*
	u8 priority; // [h] own, 0: fair class
	u8 effective; // [h] with donation
	u8 layer; // [I] while started
	u8 donation_depth;
	struct list queue; // [o] of what it waits on (notification: in none)
	struct tree *senders; // [o] of an endpoint it is queued in as sender
	struct object *wait_on; // [o] object whose queue holds it
	struct thread *reply_caller; // [a] who waits for this thread's reply
	struct thread *reply_server; // [a] caller side: whose reply it awaits
	u64 reply_sequence; // [a] caller side: counts its calls
	struct notification *bound; // [h] bound notification

	struct object object; // not first: the hot fields are
	u32 requests; // [a] enum thread_request
	struct thread *inbox_next; // [a] home CPU's inbox
	bool stopped; // [h] stop requested and in force
	bool sends_call; // [o] queued sender: a call, not a send
	bool faulted; // [h] the wait is the delivery of fault[]
	bool broke; // [a] its account was empty: it is to pass through schedule()
	bool fault_pending; // [h] fault[] is to be delivered before it runs
	struct slot *reply_slot; // [l] where the right to reply to it is saved

	// Waiting
	struct tree_node sender; // [o] in senders
	u64 wait_mask; // notification
	u64 wait_page; // paged memory: index
	u64 fault[5]; // kind, address, pc, code, sp of the fault being delivered
	struct timeout timeout; // [h] deadline of the wait

	// Scheduling
	struct list run; // [h] run queue
	bool leaves; // [h] to be handed to another CPU once it is off this one
	u8 queued_at; // [h] which queue
	u64 slice_end; // [h] counter value when the time slice ends
	u64 run_time; // [h] counter ticks used
	u64 run_since;
	u64 pass; // [h] fair class: virtual time
	u32 weight; // fair class: 1 to 1024, normal 100
	u64 allowed_cpus;

	struct fpu_area *fpu; // [h] saved FPU state, allocated on first use

	// References
	struct slot aspace_slot, cspace_slot, fault_slot, notification_slot,
		sched_slot;
	u64 fault_vector; // [I] while started
	u64 *message; // [a] page for long messages, NULL: none
	struct pin message_pin; // of that page; frame 0: there was none
};

static inline struct thread *object_thread(struct object *object)
{
	return CONTAINER_OF(object, struct thread, object);
}

// The first that waits in the queue of an object; NULL: nobody.
static inline struct thread *first_waiter(const struct list *queue)
{
	return list_empty(queue) ? nullptr
				 : LIST_ENTRY(queue->next, struct thread, queue);
}

// Take a waiting thread out of it; the object's lock is held.
static inline void leave_queue_locked(struct thread *thread)
{
	if (thread->senders) {
		tree_remove(thread->senders, &thread->sender);
		thread->senders = nullptr;
	} else {
		list_remove(&thread->queue);
	}
	atomic_store(&thread->wait_on, nullptr);
}

// In a run queue?
static inline bool thread_queued(const struct thread *thread)
{
	return !list_empty(&thread->run);
}

[[nodiscard]] enum status thread_create(struct pool *pool,
					struct thread **out);
bool thread_destroy_step(struct thread *thread);

// The wait is over and regs hold the result: make it runnable on its home CPU.
// The caller owns the wake-up (see above); no lock needed, locks may be held.
void thread_wake(struct thread *thread);

// Hold off everybody who serves, claims or moves it, if nothing is asked of it now.
static inline bool thread_seize(struct thread *thread)
{
	return atomic_replace(&thread->requests, 0, REQUEST_BUSY);
}

// Ask the home CPU to do something about the thread. The caller owns its wake-up or
// holds the lock of an object that refers to it, or that it refers to: else it may
// be gone.
void thread_request(struct thread *thread, enum thread_request request);

// Claim a stopped thread, off its CPU and with nothing asked of it, so that its
// registers and references can be changed: nobody else can start or claim it
// until thread_release(). STATE when it runs, RESTART when requests for it have
// still to be served.
[[nodiscard]] enum status thread_claim(const struct cap_ref *thread);
// The same for a thread in any state: nobody serves requests for it, and it is
// not destroyed, until thread_release(). DEAD, RESTART.
[[nodiscard]] enum status thread_hold(const struct cap_ref *thread);
void thread_release(struct thread *thread);
// thread_request() by capability. DEAD.
[[nodiscard]] enum status thread_ask(const struct cap_ref *thread,
				     enum thread_request request);

// Block the current thread: state and queue are set by the caller; arms the
// deadline (0: none). The kernel then leaves through schedule().
void thread_block(struct thread *thread, u32 state, u64 deadline_ns);

// Home CPU: end whatever wait the thread is in with this status, unless somebody
// else owns its wake-up already. True if this call ended it.
bool thread_cancel(struct thread *thread, enum status status);

// Home CPU: the bound notification has bits: end recv and guest_run.
void thread_kick(struct thread *thread);

// The slot that held the right to reply to this thread was cleared.
void thread_reply_lost_locked(struct thread *thread);

// Stop for good: nothing else runs, the registers stay readable.
void thread_halt_current(u32 state);

// Run this blocked thread, owned by the caller, on this CPU from now on if that
// is allowed; else wake it where it lives. It is not queued when true.
bool thread_pull(struct thread *thread);

// Deliver a fault of the current thread to its fault endpoint, or stop it.
void thread_fault(struct thread *thread, u64 kind, u64 address, u64 code);

// Deliver a fault before the thread runs the next time.
void thread_fault_later(struct thread *thread, u64 kind);

// It has no message page any more. A claimed thread, the current one, or a dead one.
void message_page_drop(struct thread *thread);

// Embedded references lost their object.
void thread_slot_lost(struct thread *thread, struct slot *slot);
#endif
