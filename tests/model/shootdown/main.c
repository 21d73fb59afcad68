// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// TLB shoot-down, the protocol of loaded roots (cpu->publishing, cpu->published)
// and grace periods, on the kernel's own code with two CPUs that really interleave:
// each has a stack of its own and may lose its turn before any atomic operation,
// lock or change of root. The machine around it is a model: a TLB per CPU that is
// filled by walks of the loaded root's page tables in memory, and a store buffer
// per CPU (total store order: what is stored atomically may reach memory as late as
// the next read-modify-write, fence, loading of a root or way out of the kernel).
//
// Each scenario is two short programs of system calls and user accesses. All its
// schedules with up to a number of *deviations* are run: a deviation is a turn
// lost where the CPU could have gone on, or a store that is delayed. (Turns lost
// because a CPU waits or is done are free.)
//
// All this for machines where each CPU is asked, and for those that broadcast.
//
// What must hold:
// - once unmap, protect or revoke has returned, no CPU uses the old translation
// - no translation in a TLB and no root that is loaded leads to a free frame
// - a call that looked an object up never acts on what took its memory
// - what another CPU has taken out of page tables and not flushed yet is not relied on
// - two CPUs that ask each other for flushes both get on; nobody waits for ever
// - whatever a call does with an object that is destroyed meanwhile: afterwards no
//   slot of it is left in another's forest, and no page of its pool is in use
//
// load_root() stands for change_root() and arch_switch() of kernel/arch/*/; its
// steps are theirs: publish the next, read the root, load it (which empties store
// buffer and TLB), publish that alone; for idle, load none first.
//
//   shootdown [deviations]
#include "tests/fake_arch/own.h"
#include "tests/fake_arch/fake.h"
#include "tests/fake_arch/machine.h"
#include "abi/constants.h"
#include "gen/abi/syscall_nr.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/pagetable.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cap.h"
#include "kernel/object/dma.h"
#include "kernel/object/irq.h"
#include "kernel/object/memory.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/sched.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "lib/base/string.h"
#include <setjmp.h>
#include <ucontext.h>

int atoi(const char *text);

#define CPUS 2
#define PAGES 2 // user pages looked at
#define PAGE(i) (first_page + (i) * PAGE_BYTES)
#define STACK_BYTES (256 * 1024)
#define PROGRAM_MAX 6
#define POINTS_MAX 20000 // choices in one run
#define DEVIATIONS_MAX 4
#define STORES_MAX 64
#define WAITS_MAX 400 // looks in vain
#define TURN_MAX 1000

enum {
	SELF_CNODE = 1,
	SPACE,
	SPACE_2,
	SCHED,
	MEMORY,
	POOL,
	NOTE,
	NEW,
	FOREIGN,
	OLD, // what is destroyed while it is used
	PAGED, // memory that has a pager
};

// Threads 0 (of CPU 0) and 1 share an address space; 2 and 3 (of CPU 0) another.
#define THREADS 4
static struct thread *thread[THREADS];
static struct cnode *cnode;
static struct aspace *aspace[2];
static struct aspace
	*lives_in; // threads 0 and 1: aspace[0], or one that shows it
static u64 first_page;
static struct memory *memory;
static struct notification *note;

// ---- programs

#include "tests/model/shootdown/scenarios.h"

// ---- schedules

struct deviation {
	u32 point, choice;
};

static struct deviation plan[DEVIATIONS_MAX];
static u32 nplan;
static u32 npoints;
static u8 choices[POINTS_MAX]; // at each point: how many there were
static u64 nruns, npoints_max;

static u32 choose(u32 count)
{
	u32 point = npoints++;

	if (count < 2) {
		npoints--;
		return 0;
	}
	CHECK(point < POINTS_MAX);
	choices[point] = (u8)count;
	for (u32 i = 0; i < nplan; i++)
		if (plan[i].point == point)
			return plan[i].choice;
	return 0;
}

// ---- the CPUs as coroutines

struct coroutine {
	jmp_buf at, bottom;
	u8 *stack;
	const enum action *next;
	bool in_kernel;
	bool calls; // a call may be made again
	u32 nstores;
	struct {
		u64 value;
		void *at;
		u32 bytes;
	} store[STORES_MAX];
	// TLB: leaf entries
	u64 root;
	u64 entry[PAGES];
};

static struct coroutine co[CPUS];
static bool interleaves; // else a CPU runs its entry alone
static jmp_buf main_at;
static u32 waits; // looks in vain of all CPUs in a row
static u32 turn; // places passed since the other had its turn
static bool ended; // scenario->ends has returned

static struct coroutine *self(void)
{
	return &co[fake_cpu_number];
}

static bool can_run(u32 cpu)
{
	return co[cpu].in_kernel || co[cpu].calls || *co[cpu].next ||
		cpus[cpu]->arch.ipis;
}

static void switch_to(u32 cpu)
{
	struct coroutine *from = self();

	if (cpu == fake_cpu_number)
		return;
	turn = 0;
	if (!setjmp(from->at)) {
		fake_cpu_number = cpu;
		longjmp(co[cpu].at, 1);
	}
}

static bool frame_is_used(u64 address)
{
	return frame_of((struct paddr){address})->state == FRAME_USED;
}

static void check_frames(void)
{
	for (u32 i = 0; i < CPUS; i++) {
		CHECK(!co[i].root || frame_is_used(co[i].root));
		for (u32 p = 0; p < PAGES; p++)
			CHECK(!co[i].entry[p] ||
			      frame_is_used(
				      arch_pte_frame(co[i].entry[p]).value));
	}
}

static void place(void)
{
	u32 other = 1 - fake_cpu_number;

	if (!interleaves)
		return;
	check_frames();
	if (!can_run(other))
		return;
	// A CPU with nothing to run but something to destroy goes round and round
	// until the other has let go of it.
	if (++turn > TURN_MAX || choose(2))
		switch_to(other);
}

// ---- store buffers

void buffer_drain(void)
{
	struct coroutine *c = self();

	for (u32 i = 0; i < c->nstores; i++)
		memcpy(c->store[i].at, &c->store[i].value, c->store[i].bytes);
	c->nstores = 0;
	waits = 0;
}

// Stores whose delay is worth a choice: to the CPUs' records and to memory (page
// tables). Others only stay behind those.
static bool may_delay(const void *at)
{
	for (u32 i = 0; i < CPUS; i++)
		if ((u64)at - (u64)cpus[i] < sizeof(struct cpu))
			return true;
	return (u64)at - (u64)arch_direct((struct paddr){FAKE_BASE}) <
		fake_memory_bytes() &&
		*(const u64 *)((u64)at & ~7ull) & PTE_PRESENT;
}

bool buffer_store(void *at, const void *value, unsigned bytes)
{
	struct coroutine *c = self();

	if (!interleaves)
		return false;
	waits = 0;
	if (!c->nstores && !(may_delay(at) && choose(2)))
		return false;
	if (c->nstores == STORES_MAX) {
		buffer_drain();
		return false;
	}
	c->store[c->nstores].at = at;
	c->store[c->nstores].bytes = bytes;
	memcpy(&c->store[c->nstores++].value, value, bytes);
	return true;
}

void buffer_load(const void *at, void *value, unsigned bytes)
{
	struct coroutine *c = self();

	for (u32 i = 0; interleaves && i < c->nstores; i++)
		if (c->store[i].at == at)
			memcpy(value, &c->store[i].value, bytes);
}

// ---- the memory management unit

static u64 walk(u64 root, u64 address)
{
	const u64 *table = arch_direct((struct paddr){root});

	for (u32 level = PT_LEVELS - 1; level > 0; level--) {
		u64 entry = table[address >> (PAGE_BITS + 9 * level) &
				  (PT_ENTRIES - 1)];

		if (!arch_pte_present(entry))
			return 0;
		table = arch_direct(arch_pte_frame(entry));
	}
	return table[address >> PAGE_BITS & (PT_ENTRIES - 1)];
}

static void fill(struct coroutine *c, u32 page)
{
	if (c->root && !c->entry[page])
		c->entry[page] = walk(c->root, PAGE(page));
}

static bool broadcasts; // as AArch64 does

static void flush_tlb(struct coroutine *c, u64 address)
{
	for (u32 p = 0; p < PAGES; p++)
		if (address == ~0ul || address == PAGE(p))
			c->entry[p] = 0;
	for (u32 p = 0; scenario && scenario->eager && p < PAGES; p++)
		fill(c, p);
}

static void flush(unsigned long address)
{
	flush_tlb(self(), address);
}

// Waits, as the instruction does, for what this CPU has written before.
static bool flush_everywhere(void)
{
	if (!broadcasts)
		return false;
	buffer_drain();
	for (u32 i = 0; i < CPUS; i++)
		flush_tlb(&co[i], ~0ul);
	place();
	return true;
}

static void set_root(u64 root)
{
	buffer_drain();
	self()->root = root;
	flush(~0ul);
}

static void load_root(struct cpu *cpu, struct thread *to)
{
	struct aspace *next;

	if (!to) {
		set_root(0);
		__atomic_store_n(&cpu->publishing, nullptr, __ATOMIC_RELEASE);
		__atomic_store_n(&cpu->published, nullptr, __ATOMIC_RELEASE);
		return;
	}
	if (self()->root == to->roots.full &&
	    __atomic_load_n(&cpu->published, __ATOMIC_RELAXED) == to->aspace)
		return;
	next = __atomic_load_n(&to->aspace, __ATOMIC_ACQUIRE);
	if (!BUG(181))
		__atomic_store_n(&cpu->publishing, next, __ATOMIC_RELEASE);
	set_root(__atomic_load_n(&to->roots.full, __ATOMIC_ACQUIRE));
	place();
	__atomic_store_n(&cpu->published, next, __ATOMIC_RELEASE);
}

// ---- waiting

static void relax(void)
{
	u32 other = 1 - fake_cpu_number;

	CHECK(interleaves); // or it would wait for ever
	// Stores do not stay in a buffer for ever.
	if (self()->nstores)
		buffer_drain();
	if (++waits > WAITS_MAX) {
		printf("nobody gets on\n");
		CHECK(waits <= WAITS_MAX);
	}
	if (can_run(other))
		switch_to(other);
}

// ---- user mode

static void access(enum action action)
{
	struct coroutine *c = self();
	u32 page = action == WRITE ? 0 : action - READ;
	u64 entry;

	place();
	if (!cpu_self()->current)
		return;
	fill(c, page);
	entry = c->entry[page];
	if (!arch_pte_present(entry) ||
	    (action == WRITE && !arch_pte_writable(entry)))
		return; // a fault; its handling is no part of this
	CHECK(frame_is_used(arch_pte_frame(entry).value));
	CHECK(!(ended && page == 0 && cpu_self()->published == lives_in &&
		(action == WRITE ||
		 (scenario->ends != PROTECT && scenario->ends != CLONE))));
}

static void prepare(struct thread *t, enum action action)
{
	u64 *word = t->regs.word;
	u64 number = 0, cap = SELF_CNODE;

	memset(word, 0, sizeof t->regs.word);
	switch ((u32)action) {
	case UNMAP:
	case UNMAP_SECOND:
	case PROTECT:
		number = action == PROTECT ? SYS_ASPACE_PROTECT
					   : SYS_ASPACE_UNMAP;
		cap = SPACE;
		word[0] = PAGE(action == UNMAP_SECOND);
		word[1] = PAGE_BYTES;
		word[2] = MAP_READ;
		break;
	case REVOKE:
	case REVOKE_SPACE:
		number = SYS_CAP_REVOKE;
		word[0] = action == REVOKE ? MEMORY : SPACE;
		break;
	case DELETE:
	case DELETE_SPACE:
	case DELETE_NOTE:
		number = SYS_CAP_DELETE;
		word[0] = action == DELETE	? MEMORY
			: action == DELETE_NOTE ? NOTE
						: SPACE;
		break;
	case RECLAIM:
		number = SYS_POOL_INFO;
		cap = POOL;
		break;
	case CREATE:
		number = SYS_OBJECT_CREATE;
		cap = POOL;
		word[0] = OBJECT_NOTIFICATION;
		word[4] = SELF_CNODE;
		word[5] = NEW;
		break;
	case SIGNAL:
		number = SYS_SIGNAL;
		cap = NOTE;
		break;
	case YIELD:
		number = SYS_YIELD;
		break;
	default:
		number = calls[action].number;
		cap = calls[action].cap;
		memcpy(word, calls[action].word, sizeof calls[action].word);
		if (action == MAP_INTO)
			word[2] = GUEST_END;
	}
	t->regs.info = number;
	t->regs.cap = cap;
}

// One entry into the kernel, to where it leaves.
static void enter(void (*entry)(void *), void *data)
{
	struct coroutine *c = self();

	c->in_kernel = true;
	if (!setjmp(c->bottom)) {
		entry(data);
		kernel_leave();
	}
	buffer_drain();
	c->in_kernel = false;
	lock_check_none();
}

static void leave(void)
{
	longjmp(self()->bottom, 1);
}

static void call(enum action action)
{
	struct thread *t = cpu_self()->current;

	if (!t)
		return;
	struct coroutine *c = self();

	prepare(t, action);
	c->calls = true;
	do {
		if (t->regs.restarts)
			relax();
		t->regs.restarts = 0;
		enter(fake_syscall, t);
		// It may have been taken off meanwhile.
		while (cpu_self()->current != t &&
		       cpus[fake_cpu_number]->arch.ipis)
			enter(fake_interrupt, nullptr);
	} while (cpu_self()->current == t && t->regs.restarts);
	c->calls = false;
	if (fake_cpu_number == 0 && action == scenario->ends)
		ended = true;
}

// What a CPU does: its program, and interrupts whenever they come. In the end it
// gives its turn to the other, and if that has nothing to do either, it is over.
[[noreturn]] static void live(void)
{
	for (;;) {
		struct coroutine *c = self();
		enum action action = *c->next;

		if (cpu_self()->arch.ipis) {
			enter(fake_interrupt, nullptr);
		} else if (action) {
			c->next++;
			if (action < CALL)
				access(action);
			else
				call(action);
		} else if (can_run(1 - fake_cpu_number)) {
			switch_to(1 - fake_cpu_number);
		} else if (!setjmp(c->at)) {
			longjmp(main_at, 1);
		}
	}
}

static const struct fake_hooks hooks = {
	place, relax, leave, flush, flush_everywhere, load_root,
};

static ucontext_t context[CPUS];

static void make_coroutines(void)
{
	for (u32 i = 0; i < CPUS; i++) {
		co[i].stack = co[i].stack ?: malloc(STACK_BYTES);
		CHECK(!getcontext(&context[i]));
		context[i].uc_stack.ss_sp = co[i].stack;
		context[i].uc_stack.ss_size = STACK_BYTES;
		makecontext(&context[i], live, 0);
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

static void install(u32 slot, struct object *object)
{
	need(cnode_install(cnode, slot, object, RIGHTS_ALL, 0));
}

static void make_thread(struct pool *pool, u32 n)
{
	struct thread *t;
	struct cap_ref cap;

	need(thread_create(pool, &t));
	thread[n] = t;
	cap = cap_of(n >= 2 ? SPACE_2 : scenario->foreign ? FOREIGN : SPACE);
	need(cap_refer(&t->aspace_slot, &cap));
	t->aspace = n >= 2 ? aspace[1] : lives_in;
	t->roots.full = t->aspace->root.value;
	cap = cap_of(SCHED);
	need(cap_refer(&t->sched_slot, &cap));
	cap = cap_of(SELF_CNODE);
	need(cap_refer(&t->cspace_slot, &cap));
	t->cspace = cnode;
	t->cpu = cpus[n == 1 || n == 2];
	t->allowed_cpus = 1ull << t->cpu->number;
}

static void map_pages(void)
{
	struct cap_ref cap = cap_of(MEMORY);

	need(aspace_map(aspace[0], &cap, 0, PAGE(0), PAGES * PAGE_BYTES,
			MAP_READ | MAP_WRITE));
	for (u32 i = 0; i < PAGES; i++)
		CHECK(aspace_fault(lives_in, thread[0], PAGE(i),
				   FAULT_CODE_WRITE) == FAULT_DONE);
}

static void make_foreign(struct pool *pool)
{
	struct cap_ref cap = cap_of(SPACE);

	lives_in = aspace[0];
	first_page = (scenario->foreign ? GUEST_END : 0) + 0x10000;
	if (!scenario->foreign)
		return;
	need(aspace_create(pool, ASPACE_FOREIGN, &cap, &lives_in));
	install(FOREIGN, &lives_in->object);
}

static u64 count_slots(void)
{
	u64 count = 0;

	for (u32 i = SELF_CNODE; i <= NOTE; i++)
		count += slot_check_locked(
			word_object(slot_word(&cnode->slots[i])));
	return count;
}

static struct object *make_old(struct pool *pool)
{
	union {
		void *made;
		struct thread *thread;
		struct timer *timer;
		struct irq *irq;
		struct memory *memory;
		struct dma *dma;
		struct cnode *cnode;
		struct aspace *aspace;
		struct pool *pool;
	} old;

	switch (old_type) {
	case OBJECT_THREAD:
		need(thread_create(pool, &old.thread));
		return &old.thread->object;
	case OBJECT_TIMER:
		need(timer_create(pool, &old.timer));
		break;
	case OBJECT_IRQ:
		need(irq_create(pool, 1, 0, &old.irq));
		break;
	case OBJECT_MEMORY:
		need(memory_create(pool, PAGE_BYTES, MEMORY_PAGED,
				   &old.memory));
		break;
	case OBJECT_DMA:
		need(dma_create(pool, &old.dma));
		break;
	case OBJECT_CNODE:
		need(cnode_create(pool, 2, &old.cnode));
		break;
	case OBJECT_ASPACE:
		need(aspace_create(pool, ASPACE_CONTAINER, nullptr,
				   &old.aspace));
		break;
	default:
		need(pool_create(pool, 12, &old.pool));
	}
	return old.made; // its header lies at the beginning
}

static void run_alone(u32 cpu, void (*entry)(void *), void *data)
{
	fake_cpu_number = cpu;
	enter(entry, data);
}

// OLD is gone, and what was made in it; nothing of it is left elsewhere.
static void check_old(void)
{
	for (u32 i = 0; i < 20; i++)
		run_alone(i % CPUS, fake_interrupt, nullptr);
	CHECK(!slot_word(&cnode->slots[OLD]));
	CHECK(old_type != OBJECT_POOL || !slot_word(&cnode->slots[NEW]));
	CHECK(count_slots() == nslots && !memory->pinned);
}

static void set_up(void)
{
	struct sched *sched;
	struct pool *pool;

	fake_machine(80, CPUS);
	fake_hooks = &hooks;
	interleaves = false;
	pool = pool_create_first(frames_free());
	need(clock_init(pool, &fake_info));
	for (u32 i = 0; i < CPUS; i++)
		sched_init(cpus[i]);
	need(cnode_create(pool, 4, &cnode));
	install(SELF_CNODE, &cnode->object);
	for (u32 i = 0; i < 2; i++) {
		need(aspace_create(pool,
				   scenario->foreign && !i ? ASPACE_CONTAINER
							   : ASPACE_PLAIN,
				   nullptr, &aspace[i]));
		install(SPACE + i, &aspace[i]->object);
	}
	make_foreign(pool);
	need(sched_create(pool, 10, 3, &sched));
	install(SCHED, &sched->object);
	need(memory_create(pool, PAGES * PAGE_BYTES, 0, &memory));
	install(MEMORY, &memory->object);
	need(notification_create(pool, &note));
	install(NOTE, &note->object);
	install(POOL, &pool->object);
	struct memory *paged;

	need(memory_create(pool, PAGES * PAGE_BYTES, MEMORY_PAGED, &paged));
	install(PAGED, &paged->object);
	for (u32 i = 0; i < THREADS; i++)
		make_thread(pool, i);
	map_pages();
	nslots = count_slots();
	if (old_type)
		install(OLD, make_old(pool));
}

// The first thread of CPU 1 runs, the other is ready.
static void start_threads(void)
{
	thread_request(thread[scenario->other], REQUEST_START);
	run_alone(0, fake_interrupt, nullptr);
	thread_request(thread[scenario->first], REQUEST_START);
	run_alone(1, fake_interrupt, nullptr);
	thread_request(thread[3 - scenario->first], REQUEST_START);
	run_alone(1, fake_interrupt, nullptr);
	CHECK(cpus[0]->current == thread[scenario->other]);
	CHECK(cpus[1]->current == thread[scenario->first]);
}

// ---- the search

static void *start_state;
static u64 start_root[CPUS];

static void print_plan(void)
{
	printf("  scenario: %s\n", scenario->name);
	for (u32 i = 0; i < nplan; i++)
		printf("  at choice %u takes %u\n", plan[i].point,
		       plan[i].choice);
	for (u32 i = 0; i < CPUS; i++)
		printf("  cpu %u: after %ld actions, %s\n", i,
		       co[i].next - scenario->program[i],
		       co[i].in_kernel ? "in the kernel" : "in user mode");
}

static void run(void)
{
	fake_restore(start_state);
	nruns++;
	npoints = waits = turn = 0;
	ended = false;
	for (u32 i = 0; i < CPUS; i++) {
		co[i].next = scenario->program[i];
		co[i].nstores = 0;
		co[i].root = start_root[i];
		fake_cpu_number = i;
		flush(~0ul);
	}
	fake_cpu_number = 0;
	interleaves = true;
	if (!setjmp(main_at))
		longjmp(co[0].at, 1);
	interleaves = false;
	check_frames();
	CHECK(!cpus[0]->arch.ipis && !cpus[1]->arch.ipis);
	if (old_type) {
		check_old();
	} else if (word_type(slot_word(&cnode->slots[NEW])) ==
		   OBJECT_NOTIFICATION) {
		const struct notification *made =
			(struct notification *)word_object(
				slot_word(&cnode->slots[NEW]));

		CHECK(!made->bits);
	}
	if (npoints > npoints_max)
		npoints_max = npoints;
}

// All schedules that continue the plan with up to left more deviations.
static void explore(u32 from, u32 left)
{
	u8 *mine;
	u32 n;

	run();
	if (!left)
		return;
	n = npoints;
	mine = malloc(n + 1);
	memcpy(mine, choices, n);
	for (u32 p = from; p < n; p++)
		for (u32 c = 1; c < mine[p]; c++) {
			plan[nplan++] = (struct deviation){p, c};
			explore(p + 1, left - 1);
			nplan--;
		}
	free(mine);
}

static void first_turn(u32 cpu)
{
	fake_cpu_number = cpu;
	if (!setjmp(main_at)) {
		// To the bottom of live(), with an empty program.
		co[cpu].next = &nothing;
		setcontext(&context[cpu]);
	}
}

static u32 deviations;

static void search(const struct scenario *which)
{
	u64 before = nruns;

	scenario = which;
	npoints_max = 0;
	nplan = 0;
	set_up();
	start_threads();
	start_state = malloc(fake_state_bytes());
	fake_save(start_state);
	for (u32 i = 0; i < CPUS; i++)
		start_root[i] = co[i].root;
	make_coroutines();
	for (u32 i = 0; i < CPUS; i++)
		co[i].next = &nothing;
	for (u32 i = 0; i < CPUS; i++)
		first_turn(i);
	fake_panic_hook = print_plan;
	explore(0, deviations);
	fake_panic_hook = nullptr;
	free(start_state);
	if (!seeded_bug)
		printf("  %s: %lu schedules, up to %lu choices in one\n",
		       which->name, nruns - before, npoints_max);
	fflush(nullptr);
}

static void search_destructions(void)
{
	if (!seeded_bug)
		printf("what CPU 0 destroys, and CPU 1 uses:\n");
	for (u32 i = 0; i < ARRAY_COUNT(destructions); i++) {
		const struct destruction *d = &destructions[i];
		struct scenario s = {
			.name = d->name,
			.program = {{d->type == OBJECT_POOL ? DESTROY_POOL
							    : DELETE_OLD,
				     RECLAIM},
				    {d->use[0], d->use[1], d->use[2],
				     d->use[3]}},
			.first = 1,
		};

		old_type = d->type;
		search(&s);
		old_type = 0;
	}
}

static void search_all(void)
{
	if (!seeded_bug)
		printf("shootdown: 2 CPUs, all schedules with up to %u "
		       "deviations\n",
		       deviations);
	for (u32 i = 0; i < ARRAY_COUNT(scenarios); i++)
		search(&scenarios[i]);
	search_destructions();
	broadcasts = true;
	if (!seeded_bug)
		printf("the same where a flush reaches all CPUs at once:\n");
	for (u32 i = 0; i < ARRAY_COUNT(scenarios); i++)
		search(&scenarios[i]);
	broadcasts = false;
}

int main(int argc, char **argv)
{
	static const struct {
		u32 number;
		const char *what;
	} bug[] = {
		{170, "no fence between page tables and the look at roots"},
		{171, "the root that is about to be loaded is overlooked"},
		{172, "a flush is confirmed and not done"},
		{173, "other CPUs are not asked"},
		{174, "waiting with a lock held"},
		{175, "who waits does not serve"},
		{176, "no grace period"},
		{179, "page tables are freed while a CPU walks them"},
		{180, "a request without an interrupt"},
		{181, "a root is loaded and not published"},
		{182, "what is used without a lock is destroyed at once"},
		{183, "what others have not flushed yet is overlooked"},
	};
	bool caught = true;

	deviations = argc > 1 ? (u32)atoi(argv[1]) : 1;
	CHECK(deviations <= DEVIATIONS_MAX);
	search_all();
	printf("shootdown: %lu schedules\n", nruns);
	deviations = 2;
	for (u32 i = 0; i < ARRAY_COUNT(bug); i++)
		caught &= fake_bug_is_caught(bug[i].number, bug[i].what,
					     search_all);
	return caught ? 0 : 1;
}
