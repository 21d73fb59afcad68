// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Every sequence, up to a length, of what three threads do to the scheduler of two
// CPUs, on the kernel's own code: yield, wait on a notification with and without a
// deadline, signal another's, stop, start and destroy a thread, change its priority
// and the CPUs it may use; interrupts between CPUs, timers, time that passes. The
// idle CPU asks for work and the busy one gives it away as in the kernel, since a
// step is one entry into the kernel up to where it leaves.
//
// Then, from every state within a shorter length, each pair of steps of the two CPUs
// interleaved: the second one happens at any one atomic operation or lock of the
// first. Then random walks, long enough for the fair class's bound on waiting.
// Last, three threads that always run: each gets its weight's share. Search and walks
// are done again with all threads on one account of time.
//
// After each step:
// - a ready thread is in exactly one run queue, that of its CPU and its priority
//   or pass, or on its way (an inbox); a running one is a CPU's current and in none;
//   a blocked, stopped or destroyed one is in none
// - ready_mask, fair_mask and nready say what the queues hold
// - no ready thread is more urgent than the one that its CPU runs, and no CPU idles
//   over a queue of its own that is not empty
// - no thread is queued or runs where it may not, unless word of the change is on
//   its way to its CPU
// - who asked anything of a thread or a CPU has had it put into an inbox and the CPU
//   interrupted: no request is forgotten
// - the timer is set for the end of a slice that somebody waits for and not later
//   than the first deadline
// - with nothing on its way, no CPU idles over another's spare thread
// - while a thread of the fair class waits, no other one of it gets more than the
//   distance of the two passes, a bucket and a slice
// - on an account: together they have never had more than what was filled in, and what
//   the other CPU used before it noticed; who rests does so with a deadline
//
//   scheduler [length [length before the interleaved pair [walks]]]
#include "tests/fake_arch/fake.h"
#include "abi/constants.h"

struct cpu;
enum { THREADS = 3, CPUS = 2 };

// Part of the state: what the explorer knows.
static struct {
	bool deleted[THREADS];
	u8 changes, passed; // of threads' life and parameters; of time
	// Fair class: [i][j] what j has got on i's CPU since i began to wait
	// there, in units of pass; the distance i had when it began.
	bool waits[THREADS];
	u64 got[THREADS][THREADS], run_before[THREADS], distance[THREADS];
	const struct cpu *fair_on[THREADS]; // then: its CPU, if fair
} world;

#include "tests/fake_arch/own.h"
#include "tests/fake_arch/machine.h"
#include "tests/model/seen.h"
#include "gen/abi/syscall_nr.h"
#include "kernel/mm/frame.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cap.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/sched.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "lib/base/string.h"

int atoi(const char *text);
void *realloc(void *memory, usize size);

#define LENGTH_MAX 12
#define WALK_STEPS 400
#define BUCKET (1ull << 20) // sched.c
#define URGENT 5
#define BUDGET_US 2000
#define PERIOD_US 7000

enum { SELF_CNODE = 1, ASPACE, SCHED, THREAD_OF = 8, NOTE_OF = 12 };

static struct thread *thread[THREADS];
static struct notification *note[THREADS];
static struct cnode *cnode;
static u8 changes_max, passes_max;
static u64 limits = 10; // of all threads' sched
static struct sched *sched;

// ---- steps

enum kind : u8 {
	INTERRUPT, // the CPU takes another's request
	TIMER, // its timer has run out
	RUN, // its current thread does what
	TIME, // the clock moves to the next timer
	A_WHILE, // the clock moves a little, to no timer
	KINDS,
};

enum what : u8 {
	AGAIN, // a call that asked to be run again
	YIELD,
	WAIT,
	WAIT_TIMED,
	SIGNAL, // the next thread; of three: the one after it with SIGNAL + 1
	STOP = SIGNAL + 2, // and from here on thread what - STOP...
	START = STOP + THREADS,
	URGENCY = START + THREADS, // from one priority to the other
	PLACE = URGENCY + THREADS, // both CPUs, only 1, only 0
	DESTROY = PLACE + THREADS,
	WHATS = DESTROY + THREADS,
};

struct step {
	enum kind kind;
	u8 what, cpu;
	// The other CPU's, in the middle of it; place 0: none.
	enum kind other_kind;
	u8 other_what;
	u16 place;
};

static const char *const what_name[] = {"again", "yield", "wait",
					"wait with deadline",
					"signal the next", "signal the other"};
static const char *const whom_name[] = {"stop", "start", "urgency", "place",
					"destroy"};

static u32 number_of(const struct thread *t)
{
	for (u32 i = 0; i < THREADS; i++)
		if (thread[i] == t)
			return i;
	CHECK(!"an unknown thread");
	return 0;
}

static u32 whom_of(u8 what)
{
	return (u32)(what - STOP) % THREADS;
}

static bool possible(enum kind kind, u8 what, u32 cpu)
{
	const struct thread *current = cpus[cpu]->current;
	u64 next = ~0ull;

	switch (kind) {
	case INTERRUPT:
		return cpus[cpu]->arch.ipis;
	case TIMER:
		return cpus[cpu]->timer_set <= fake_counter;
	case RUN:
		if (!current)
			return false;
		if (current->regs.restarts || what == AGAIN)
			return current->regs.restarts && what == AGAIN;
		if (what < STOP)
			return what < SIGNAL ||
				!world.deleted[(number_of(current) + 1 + what -
						SIGNAL) %
					       THREADS];
		return world.changes < changes_max &&
			!world.deleted[whom_of(what)];
	default:
		for (u32 i = 0; i < CPUS; i++)
			if (cpus[i]->timer_set < next)
				next = cpus[i]->timer_set;
		if (cpu || world.passed >= passes_max || next <= fake_counter)
			return false;
		return kind == TIME ? next != ~0ull
				    : next > fake_counter + 1500000;
	}
}

static void arm(struct thread *t, u64 number, u64 cap)
{
	t->regs.info = number;
	t->regs.cap = cap;
	memset(t->regs.word, 0, sizeof t->regs.word);
}

static void change(struct thread *self, u8 what)
{
	u32 n = whom_of(what);
	u32 priority = thread[n]->priority;
	u64 allowed = thread[n]->allowed_cpus;

	world.changes++;
	if (what < START) {
		arm(self, SYS_THREAD_STOP, THREAD_OF + n);
	} else if (what < URGENCY) {
		arm(self, SYS_THREAD_START, THREAD_OF + n);
	} else if (what < DESTROY) {
		if (what < PLACE)
			priority = priority ? 0 : URGENT;
		else
			allowed = allowed == 3 ? 2 : allowed == 2 ? 1 : 3;
		arm(self, SYS_THREAD_SCHEDULE, THREAD_OF + n);
		self->regs.word[0] = SCHED;
		self->regs.word[1] = priority;
		self->regs.word[2] = thread[n]->weight;
		self->regs.word[3] = allowed;
	} else {
		world.deleted[n] = true;
		arm(self, SYS_CAP_DELETE, SELF_CNODE);
		self->regs.word[0] = THREAD_OF + n;
	}
}

static void prepare(enum kind kind, u8 what, u32 cpu)
{
	struct thread *self = cpus[cpu]->current;

	if (kind != RUN)
		return;
	u32 me = number_of(self);
	switch (what) {
	case AGAIN:
		self->regs.restarts = 0;
		break;
	case YIELD:
		arm(self, SYS_YIELD, 0);
		break;
	case WAIT:
	case WAIT_TIMED:
		arm(self, SYS_WAIT, NOTE_OF + me);
		self->regs.word[0] = 1;
		if (what == WAIT_TIMED)
			self->regs.word[1] = fake_counter + 2000000;
		break;
	case SIGNAL:
	case SIGNAL + 1:
		arm(self, SYS_SIGNAL,
		    NOTE_OF + (me + 1 + what - SIGNAL) % THREADS);
		break;
	default:
		change(self, what);
	}
}

// The thread that was current may have been taken off by an interrupt since: then
// this pair is impossible.
static bool stale;

static void system_call(void *data)
{
	if (cpu_self()->current == data)
		fake_syscall(data);
	else
		stale = true;
}

static void (*entry_of(enum kind kind))(void *)
{
	return kind == INTERRUPT ? fake_interrupt
		: kind == TIMER	 ? fake_timer
				 : system_call;
}

// False: impossible. *reached: the interleaved step had its place.
static bool take_step(const struct step *step, bool *reached)
{
	u32 cpu = step->cpu, other = 1 - cpu;
	u64 next = ~0ull;

	*reached = true;
	stale = false;
	if (step->kind >= TIME) {
		for (u32 i = 0; i < CPUS; i++)
			if (cpus[i]->timer_set < next)
				next = cpus[i]->timer_set;
		fake_counter = step->kind == TIME ? next
						  : fake_counter + 1500000;
		world.passed++;
		return true;
	}
	prepare(step->kind, step->what, cpu);
	if (!step->place)
		return fake_run(cpu, entry_of(step->kind), cpus[cpu]->current);
	prepare(step->other_kind, step->other_what, other);
	return fake_run_two(cpu, entry_of(step->kind), cpus[cpu]->current,
			    step->place, other, entry_of(step->other_kind),
			    cpus[other]->current, reached) &&
		!stale;
}

// ---- what must hold

// Not yet taken apart: its memory is the thread's.
static bool exists(u32 n)
{
	return !world.deleted[n] || (thread[n]->object.type == OBJECT_THREAD &&
				     thread[n]->object.pool);
}

static bool running_somewhere(const struct thread *t)
{
	return cpus[0]->current == t || cpus[1]->current == t;
}

// On its way to another CPU, or with a change of its parameters to be served.
static bool word_on_its_way(const struct thread *t)
{
	return t->requests & (REQUEST_RESCHEDULE | REQUEST_STOP) || t->leaves;
}

static void check_allowed(const struct cpu *cpu, const struct thread *t)
{
	CHECK(t->allowed_cpus >> cpu->number & 1 || word_on_its_way(t));
}

static void check_queued(const struct cpu *cpu, u32 q, const struct list *node)
{
	const struct thread *t = LIST_ENTRY(node, struct thread, run);
	u32 n = number_of(t);

	CHECK(node->next->prev == node && node->prev->next == node);
	CHECK(exists(n) && t->cpu == cpu && t->queued_at == q);
	CHECK(t->state == THREAD_READY && !t->stopped);
	CHECK(!running_somewhere(t));
	CHECK(!(t->requests & REQUEST_ARRIVE));
	check_allowed(cpu, t);
	if (q >= FAIR_BUCKETS) {
		CHECK(t->effective == q - FAIR_BUCKETS);
		return;
	}
	CHECK(!t->effective);
	// The calendar: nobody lags behind it or is more than a turn ahead.
	CHECK((t->pass / BUCKET) % FAIR_BUCKETS == q);
	CHECK(t->pass / BUCKET >= cpu->fair_pass / BUCKET);
	CHECK(t->pass / BUCKET < cpu->fair_pass / BUCKET + FAIR_BUCKETS);
}

static void check_queues(const struct cpu *cpu)
{
	u64 ready = 0, fair = 0;
	u32 count = 0;

	for (u32 q = 0; q < RUN_QUEUES; q++) {
		u32 here = 0;

		LIST_FOR_EACH(node, &cpu->queue[q]) {
			CHECK(++here <= THREADS);
			check_queued(cpu, q, node);
		}
		if (!here)
			continue;
		count += here;
		if (q < FAIR_BUCKETS)
			fair |= 1ull << q;
		ready |= 1ull << (q < FAIR_BUCKETS ? 0 : q - FAIR_BUCKETS);
	}
	CHECK(cpu->nready == count);
	CHECK(cpu->ready_mask == ready);
	CHECK(cpu->fair_mask == fair);
}

static bool in_inbox(const struct thread *t)
{
	u32 found = 0;

	for (const struct thread *i = t->cpu->inbox; i; i = i->inbox_next)
		found += i == t;
	CHECK(found <= 1);
	return found;
}

static void check_thread(u32 n)
{
	const struct thread *t = thread[n];
	u32 places = 0, queued = thread_queued(t);

	if (!exists(n))
		return;
	// Nothing is being done to a thread between two steps.
	CHECK(!(t->requests & REQUEST_BUSY) || t->requests & REQUEST_ARRIVE);
	CHECK(!!t->requests == in_inbox(t));
	places += queued;
	for (u32 i = 0; i < CPUS; i++)
		places += cpus[i]->current == t;
	if (t->state == THREAD_RUNNING) {
		CHECK(t->cpu->current == t && !queued && !t->stopped);
		check_allowed(t->cpu, t);
	}
	if (t->state == THREAD_READY && !places)
		CHECK(t->requests & (REQUEST_ARRIVE | REQUEST_WAKE |
				     REQUEST_RESCHEDULE));
	if (t->state == THREAD_WAITING) {
		CHECK(!queued);
		CHECK(note[n]->waiter == t || t->requests & REQUEST_WAKE);
	}
	if (t->state == THREAD_STOPPED || t->stopped)
		CHECK(!queued && !running_somewhere(t));
	CHECK(places <= 1);
	if (t->state == THREAD_RESTING)
		CHECK(limits > 63 && !queued && !running_somewhere(t) &&
		      (t->timeout.armed || t->requests));
	if (t->timeout.armed)
		CHECK(t->state == THREAD_WAITING || t->state == THREAD_RESTING);
	if (world.deleted[n])
		CHECK(t->object.dead || t->object.condemned);
}

static void check_cpu(const struct cpu *cpu)
{
	const struct thread *current = cpu->current;
	u64 first = ~0ull;

	check_queues(cpu);
	if (cpu->requests)
		CHECK(cpu->arch.ipis);
	if (cpu->inbox)
		CHECK(cpu->requests & CPU_REQUEST_INBOX);
	CHECK(!cpu->reschedule);
	if (current) {
		CHECK(current->state == THREAD_RUNNING && current->cpu == cpu);
		CHECK(cpu->ready_mask >> current->effective <= 1);
		if (cpu->nready || limits > 63)
			CHECK(cpu->timer_set <= current->slice_end ||
			      cpu->timer_set <= fake_counter);
	} else {
		CHECK(!cpu->nready);
	}
	for (u32 n = 0; n < THREADS; n++)
		if (exists(n) && thread[n]->cpu == cpu &&
		    thread[n]->timeout.armed &&
		    thread[n]->timeout.node.key < first)
			first = thread[n]->timeout.node.key;
	if (first != ~0ull)
		CHECK(cpu->timer_set <= first + 2 ||
		      cpu->requests & CPU_REQUEST_DEADLINES);
}

// What the others of the fair class get while one waits.
static const struct cpu *fair_on(u32 n)
{
	const struct thread *t = thread[n];

	return exists(n) && !t->effective && !t->priority ? t->cpu : nullptr;
}

static void check_share(u32 n)
{
	const struct thread *t = thread[n];
	bool waits = fair_on(n) && thread_queued(t);

	if (!waits || !world.waits[n] || fair_on(n) != world.fair_on[n]) {
		memset(world.got[n], 0, sizeof world.got[n]);
		world.waits[n] = waits;
		if (waits)
			world.distance[n] = t->pass - t->cpu->fair_pass;
		return;
	}
	for (u32 i = 0; i < THREADS; i++) {
		const struct thread *other = thread[i];
		u64 rate;

		if (i == n || fair_on(i) != t->cpu ||
		    world.fair_on[i] != t->cpu)
			continue;
		rate = 100000 / other->weight; // thousandths
		world.got[n][i] +=
			(other->run_time - world.run_before[i]) * rate / 1000;
		CHECK(world.got[n][i] <= world.distance[n] + BUCKET +
			      (TIME_SLICE_NS + 10) * rate / 1000);
	}
}

// With nothing on its way, no CPU idles while another runs one thread and has a
// second one that may run there, last in its queue.
static void check_balance(void)
{
	for (u32 i = 0; i < CPUS; i++)
		if (cpus[i]->arch.ipis || cpus[i]->requests)
			return;
	for (u32 i = 0; i < CPUS; i++) {
		const struct cpu *idle = cpus[i], *busy = cpus[1 - i];

		if (idle->current || !busy->current)
			continue;
		for (u32 q = 0; q < RUN_QUEUES; q++) {
			const struct list *queue = &busy->queue[q];

			CHECK(list_empty(queue) ||
			      !(LIST_ENTRY(queue->prev, struct thread, run)
						->allowed_cpus >> i & 1));
		}
	}
}

static void check_account(void)
{
	const i64 budget_ns = BUDGET_US * 1000;
	u64 periods = fake_counter / (PERIOD_US * 1000) + 1;
	i64 used = 0;

	if (limits < 64)
		return;
	for (u32 n = 0; n < THREADS; n++)
		used += exists(n) ? (i64)thread[n]->run_time : 0;
	CHECK(used <= (i64)(periods + 1) * budget_ns);
	CHECK(sched->left_ns <= budget_ns);
	CHECK(sched->left_ns >= -budget_ns - 10);
}

static void check_state(void)
{
	check_account();
	for (u32 i = 0; i < CPUS; i++)
		check_cpu(cpus[i]);
	check_balance();
	for (u32 n = 0; n < THREADS; n++)
		check_thread(n);
	for (u32 n = 0; n < THREADS; n++)
		check_share(n);
	for (u32 n = 0; n < THREADS; n++) {
		world.run_before[n] = exists(n) ? thread[n]->run_time : 0;
		world.fair_on[n] = fair_on(n);
	}
}

// ---- the world

static void need(enum status status)
{
	CHECK(status == STATUS_OK);
}

static struct cap_ref cap_of(u32 slot)
{
	return (struct cap_ref){.slot = &cnode->slots[slot],
				.word = cnode->slots[slot].word,
				.badge = cnode->slots[slot].badge};
}

static void make_thread(struct pool *pool, u32 n)
{
	struct thread *t;
	struct cap_ref cap;

	need(notification_create(pool, &note[n]));
	need(cnode_install(cnode, NOTE_OF + n, &note[n]->object, RIGHTS_ALL,
			   0));
	need(thread_create(pool, &t));
	thread[n] = t;
	need(cnode_install(cnode, THREAD_OF + n, &t->object, RIGHTS_ALL, 0));
	cap = cap_of(ASPACE);
	need(cap_refer(&t->aspace_slot, &cap));
	t->aspace = object_aspace(cap_object(&cap));
	cap = cap_of(SCHED);
	need(cap_refer(&t->sched_slot, &cap));
	cap = cap_of(SELF_CNODE);
	need(cap_refer(&t->cspace_slot, &cap));
	t->cspace = cnode;
	t->allowed_cpus = 3;
	t->cpu = cpus[0];
}

static void start_threads(void)
{
	for (u32 i = 0; i < THREADS; i++)
		thread_request(thread[i], REQUEST_START);
	for (u32 round = 0; round < 4; round++)
		for (u32 i = 0; i < CPUS; i++)
			CHECK(fake_run(i, fake_interrupt, nullptr));
}

static void set_up(void)
{
	struct aspace *aspace;
	struct pool *pool;

	fake_machine(24, CPUS);
	pool = pool_create_first(frames_free());
	need(clock_init(pool, &fake_info));
	for (u32 i = 0; i < CPUS; i++)
		sched_init(cpus[i]);
	need(cnode_create(pool, 4, &cnode));
	need(cnode_install(cnode, SELF_CNODE, &cnode->object, RIGHTS_ALL, 0));
	need(aspace_create(pool, ASPACE_PLAIN, nullptr, &aspace));
	need(cnode_install(cnode, ASPACE, &aspace->object, RIGHTS_ALL, 0));
	sched_limits = false;
	need(sched_create(pool, limits, 3, &sched));
	need(cnode_install(cnode, SCHED, &sched->object, RIGHTS_ALL, 0));
	for (u32 i = 0; i < THREADS; i++)
		make_thread(pool, i);
}

// ---- the search

struct path {
	struct step step[LENGTH_MAX];
};

static struct path *front, *next_front;
static u64 nfront, nnext, next_room;
static struct seen seen;
static u64 ntried, nimpossible;
static struct path *at_path;
static u32 at_length;
static struct step at_step;
static void *start_state, *here_state;

static void print_call(enum kind kind, u8 what)
{
	static const char *const kind_name[] = {"interrupt", "timer", "",
						"time to the next timer",
						"a while"};

	if (kind != RUN)
		printf("%s", kind_name[kind]);
	else if (what < STOP)
		printf("%s", what_name[what]);
	else
		printf("%s %u", whom_name[(what - STOP) / THREADS],
		       whom_of(what));
}

static void print_step(const struct step *s)
{
	printf("  cpu %u: ", s->cpu);
	print_call(s->kind, s->what);
	if (s->place) {
		printf(", at place %u cpu %u: ", s->place, 1 - s->cpu);
		print_call(s->other_kind, s->other_what);
	}
	printf("\n");
}

static void print_path(void)
{
	for (u32 i = 0; at_path && i < at_length; i++)
		print_step(&at_path->step[i]);
	print_step(&at_step);
	for (u32 i = 0; i < THREADS; i++)
		if (exists(i))
			printf("  thread %u: cpu %u, state %u, requests %u, "
			       "priority %u, allowed %lu%s\n",
			       i, thread[i]->cpu->number, thread[i]->state,
			       thread[i]->requests, thread[i]->effective,
			       thread[i]->allowed_cpus,
			       thread_queued(thread[i]) ? ", queued" : "");
}

// Bytes of CPUs, threads and notifications but for what only counts.
static u64 hash_state(void)
{
	static struct cpu cpu;
	static struct thread t;
	u64 hash = hash_bytes(&world, sizeof world, fake_counter);

	for (u32 i = 0; i < CPUS; i++) {
		memcpy(&cpu, cpus[i], sizeof cpu);
		cpu.timer_interrupts = 0;
		memset(cpu.asked, 0, sizeof cpu.asked);
		memset(cpu.answered, 0, sizeof cpu.answered);
		memset(cpu.held, 0, sizeof cpu.held);
		hash = hash_bytes(&cpu, OFFSET_OF(struct cpu, scratch), hash);
	}
	for (u32 i = 0; i < THREADS; i++) {
		hash = hash_bytes(note[i], sizeof *note[i], hash);
		if (!exists(i))
			continue;
		memcpy(&t, thread[i], sizeof t);
		memset(&t.regs, 0, sizeof t.regs);
		t.regs.restarts = thread[i]->regs.restarts;
		t.regs.info = thread[i]->regs.restarts ? thread[i]->regs.info
						       : 0;
		t.regs.word[0] = t.regs.restarts ? thread[i]->regs.word[0] : 0;
		t.regs.cap = t.regs.restarts ? thread[i]->regs.cap : 0;
		hash = hash_bytes(&t, sizeof t, hash);
	}
	hash = hash_bytes(&sched->left_ns, sizeof sched->left_ns, hash);
	return hash;
}

static void remember(u32 length)
{
	if (nnext == next_room) {
		next_room = next_room ? next_room * 2 : 1024;
		next_front =
			realloc(next_front, next_room * sizeof *next_front);
		CHECK(next_front);
	}
	next_front[nnext] = *at_path;
	next_front[nnext++].step[length] = at_step;
}

static bool try_step(struct step step, bool last, u32 *places)
{
	bool reached;

	ntried++;
	at_step = step;
	if (take_step(&step, &reached)) {
		*places = fake_places();
		if (reached) {
			check_state();
			if (see(&seen, hash_state()) && !last)
				remember(at_length);
		}
	} else {
		nimpossible++;
	}
	fake_restore(here_state);
	return reached;
}

static void try_two(struct step step, u32 places)
{
	u32 ignored;

	for (u8 k = INTERRUPT; k <= RUN; k++)
		for (u8 w = 0; w < (k == RUN ? WHATS : 1); w++) {
			if (!possible((enum kind)k, w, 1 - step.cpu))
				continue;
			step.other_kind = (enum kind)k;
			step.other_what = w;
			for (u32 p = 1; p <= places; p++) {
				step.place = (u16)p;
				if (!try_step(step, true, &ignored))
					break;
			}
		}
}

static void go_to(struct path *path, u32 length)
{
	bool reached;

	at_path = path;
	at_length = length;
	fake_restore(start_state);
	for (u32 i = 0; i < length; i++) {
		CHECK(take_step(&path->step[i], &reached));
		check_state(); // keeps the account of what each got
	}
	fake_save(here_state);
}

static void expand(struct path *path, u32 length, bool last, bool two)
{
	go_to(path, length);
	for (u8 cpu = 0; cpu < CPUS; cpu++)
		for (u8 k = 0; k < KINDS; k++)
			for (u8 w = 0; w < (k == RUN ? WHATS : 1); w++) {
				struct step step = {.kind = (enum kind)k,
						    .what = w,
						    .cpu = cpu};
				u32 places = 0;

				if (!possible(step.kind, w, cpu))
					continue;
				(void)try_step(step, last, &places);
				if (two && k < TIME)
					try_two(step, places);
			}
}

// Two: only after length steps, each pair, interleaved.
static void explore(u32 length, bool two)
{
	u32 lengths = two ? length + 1 : length;

	set_up();
	start_threads();
	start_state = malloc(fake_state_bytes());
	here_state = malloc(fake_state_bytes());
	check_state();
	fake_save(start_state);
	fake_panic_hook = print_path;
	seen_forget(&seen);
	ntried = nimpossible = 0;
	front = calloc(1, sizeof *front);
	nfront = 1;
	for (u32 n = 0; n < lengths; n++) {
		for (u64 i = 0; i < nfront; i++)
			expand(&front[i], n, n + 1 == lengths, two);
		free(front);
		front = next_front;
		nfront = nnext;
		next_front = nullptr;
		nnext = next_room = 0;
		if (!seeded_bug)
			printf("  length %u: %lu different states, %lu "
			       "transitions, %lu impossible\n",
			       n + 1, seen.count, ntried, nimpossible);
		fflush(nullptr);
	}
	free(front);
	free(start_state);
	free(here_state);
	fake_panic_hook = nullptr;
}

static void search(u32 length, bool two)
{
	changes_max = 3;
	passes_max = 3;
	if (!seeded_bug)
		printf("scheduler: %u CPUs, %u threads%s, up to %u steps%s, of "
		       "them %u changes of a thread and %u passages of time\n",
		       CPUS, THREADS,
		       limits > 63 ? " on an account of 2 ms in 7" : "", length,
		       two ? " and a pair interleaved at each atomic operation"
			   : "",
		       changes_max, passes_max);
	explore(length, two);
}

// ---- long runs

static const u32 weights[] = {100, 50, 400, 1024};

static void walk(u64 *seed)
{
	struct step step;
	bool reached;

	for (u32 n = 0; n < THREADS; n++)
		thread[n]->weight =
			weights[fake_random(seed) % ARRAY_COUNT(weights)];
	for (u32 n = 0; n < WALK_STEPS; n++) {
		u32 chance = fake_random(seed) % 8;

		// Mostly time and what the machine does.
		step = (struct step){
			.kind = chance < 3   ? TIME
				: chance < 4 ? A_WHILE
				: chance < 6 ? INTERRUPT
					     : RUN,
			.cpu = (u8)(fake_random(seed) % CPUS),
			.what = (u8)(fake_random(seed) % WHATS)};
		if (cpus[step.cpu]->timer_set <= fake_counter)
			step.kind = TIMER;
		if (step.kind >= TIME)
			step.cpu = 0;
		if (cpus[step.cpu]->current &&
		    cpus[step.cpu]->current->regs.restarts)
			step.what = AGAIN;
		if (step.what >= DESTROY ||
		    !possible(step.kind, step.what, step.cpu))
			continue;
		at_step = step;
		CHECK(take_step(&step, &reached));
		check_state();
		world.changes = world.passed = 0;
	}
}

static void walks(u32 count)
{
	u64 seed = 0x2545f4914f6cdd1d;

	set_up();
	start_threads();
	changes_max = passes_max = 255;
	start_state = malloc(fake_state_bytes());
	fake_save(start_state);
	at_path = nullptr;
	fake_panic_hook = print_path;
	for (u32 i = 0; i < count; i++) {
		fake_restore(start_state);
		walk(&seed);
	}
	free(start_state);
	fake_panic_hook = nullptr;
	if (!seeded_bug)
		printf("scheduler: %u random walks of %u steps%s\n", count,
		       WALK_STEPS, limits > 63 ? " on the account" : "");
}

// All on one CPU and never blocked: each has its weight's share of the time, give
// or take two slices.
static void shares(void)
{
	static const u32 weight[THREADS] = {100, 200, 400};
	u64 all = 0;

	set_up();
	for (u32 n = 0; n < THREADS; n++) {
		thread[n]->weight = weight[n];
		thread[n]->allowed_cpus = 1;
	}
	start_threads();
	for (u32 i = 0; i < 3000; i++) {
		fake_counter = cpus[0]->timer_set;
		CHECK(fake_run(0, fake_timer, nullptr));
		check_state();
	}
	for (u32 n = 0; n < THREADS; n++)
		all += thread[n]->run_time;
	for (u32 n = 0; n < THREADS; n++) {
		u64 due = all * weight[n] / 700, got = thread[n]->run_time;

		CHECK(got + 2 * TIME_SLICE_NS >= due &&
		      got <= due + 2 * TIME_SLICE_NS);
	}
	if (!seeded_bug)
		printf("scheduler: 3000 slices, shares of 100, 200, 400 within "
		       "two slices\n");
}

// What one account says over the periods.
static void fillings(void)
{
	const i64 budget = BUDGET_US * 1000;
	const u64 period = PERIOD_US * 1000;

	set_up();
	CHECK(sched_use(sched, 0, 5) == budget);
	CHECK(sched_use(sched, 700, 6) == budget - 700);
	CHECK(sched_use(sched, 0, period - 1) == budget - 700);
	CHECK(sched_use(sched, 0, period) == budget);
	CHECK(sched_use(sched, 0, period * 100) == budget); // nothing is saved
	CHECK(sched_use(sched, (u64)budget * 3, period * 100) == -2 * budget);
	CHECK(sched_use(sched, 0, period * 101) == -budget);
	CHECK(sched_use(sched, 0, period * 103) == budget);
	CHECK(sched_use(sched, 0, ~0ull) == budget);
}

static void on_account(u32 length, u32 before, u32 nwalks)
{
	limits = SCHED_LIMITS(10, BUDGET_US, PERIOD_US);
	fillings();
	search(length, false);
	search(before, true);
	walks(nwalks);
	limits = 10;
}

static void all_short(void)
{
	search(3, false);
	search(0, true);
	walks(25);
	shares();
	on_account(3, 0, 25);
}

int main(int argc, char **argv)
{
	static const struct {
		u32 number;
		const char *what;
	} bug[] = {
		{150, "ready_mask keeps the bit of an empty queue"},
		{151, "fair_mask keeps the bit of an empty bucket"},
		{152, "a queued thread's priority changes in its queue"},
		{153, "one step more urgent is not urgent enough"},
		{154, "a sleeper keeps its old pass"},
		{155, "time used does not count"},
		{156, "a thread that wakes is queued where it may not be"},
		{157, "work is given to a CPU that may not have it"},
		{158, "a stopped thread stays queued"},
		{160, "no timer for the end of the slice"},
		{161, "a thread is handed over while it runs"},
		{162, "what is asked of a held thread is forgotten"},
		{163, "a thread that arrives is not announced"},
		{164, "a deadline does not set the timer"},
		{165, "no work is given to an idle CPU"},
		{201, "a slice is longer than what is left"},
		{202, "time used is not paid for"},
		{203, "no timer for the end of an account"},
		{204, "what was not used adds up"},
		{205, "a resting thread is not woken by its deadline"},
	};
	u32 length = argc > 1 ? (u32)atoi(argv[1]) : 4;
	u32 before = argc > 2 ? (u32)atoi(argv[2]) : 0;
	bool caught = true;

	CHECK(length < LENGTH_MAX && before < LENGTH_MAX);
	search(length, false);
	search(before, true);
	walks(argc > 3 ? (u32)atoi(argv[3]) : 100);
	shares();
	on_account(length, before, argc > 3 ? (u32)atoi(argv[3]) : 100);
	for (u32 i = 0; i < ARRAY_COUNT(bug); i++)
		caught &= fake_bug_is_caught(bug[i].number, bug[i].what,
					     all_short);
	return caught ? 0 : 1;
}
