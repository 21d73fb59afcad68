// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The fuzzer of system calls. A child process makes random calls from several
// threads on two processors, driven by the generated descriptions: mostly
// capabilities of the right type (of all rights, or few), some of any type, some
// nonsense. It has a pool, an address space and a capability space of its own,
// and may destroy all of that, itself included; what it may not do is harm anyone
// else. This process, the controller, starts threads again that have come to an
// end, and makes the child anew when it is beyond that. Each time, and at the end,
// every frame must be back.
//
// The child has the system object for reading only: power and devices stay on.
#include "apps/kernel-test/harness/harness.h"
#include "gen/abi/syscall_names.h"
#include "gen/fuzz/syscall_desc.h"

#define PAGE (u64) PAGE_BYTES
#define THREADS_MAX 4
#define STATS_AT 0x2400000000ull // controller and child
#define SCRATCH_AT 0x2800000000ull // child
#define STACKS_AT 0x2c00000000ull // child
#define PLAY_AT 0x3000000000ull // child: where it maps and unmaps
#define STACK 16384ull
#define POOL_PAGES 3000
#define PRIORITY 10
#define CEILING 15
#define STUCK_TICKS 8
#define REVIVES_MAX 40

// Slots of the controller
enum {
	F_STATS = 36,
	F_POOL,
	F_ASPACE,
	F_DATA,
	F_STACKS,
	F_CNODE,
	F_MASTER,
	F_SCRATCH,
	F_SCHED,
	F_BELL,
	F_THREAD, // four of them
	F_OBJECT = F_THREAD + THREADS_MAX, // what goes into the master
	F_END = 180,
};
// Slots of the child: TYPE * 4 to TYPE * 4 + 3 hold objects of that type.
#define CHILD_MASTER 100
#define CHILD_SLOTS 128

struct stats {
	volatile u64 calls[THREADS_MAX];
	volatile u64 seed[THREADS_MAX];
	volatile u64 status[64];
	volatile u64 tried[SYS_COUNT], good[SYS_COUNT];
	volatile u64 last[THREADS_MAX]; // number of the call
};
#define stats ((struct stats *)STATS_AT)

// ---- the child

static u64 pick(u64 *state, u64 n)
{
	return random_next(state) % n;
}

static u64 any_handle(u64 *state, u32 type)
{
	u64 how = pick(state, 16);

	if (how < 11 && type && type < 16) // the first has all rights
		return type * 4 + (pick(state, 3) ? 0 : pick(state, 4));
	if (how < 12)
		return CHILD_MASTER << 16 | pick(state, 64);
	if (how < 15)
		return pick(state, CHILD_SLOTS);
	return random_next(state) >> pick(state, 64);
}

static u64 any_number(u64 *state)
{
	const u64 special[] = {
		0,
		1,
		2,
		0xfff,
		0x1000,
		0x1001,
		0xffffffff,
		0x100000000,
		USER_END - PAGE_BYTES,
		USER_END,
		GUEST_END,
		1ull << 63,
		~0ull,
		0xffff800000000000,
		0xffffffff80100000,
		~0xfffull,
		1ull << 47,
	};

	switch (pick(state, 10)) {
	case 0:
		return pick(state, 16);
	case 1:
		return pick(state, 300);
	case 2:
	case 3:
		return pick(state, 32) * PAGE;
	case 4:
	case 5:
		return PLAY_AT + pick(state, 64) * PAGE;
	case 6:
		return special[pick(state, ARRAY_COUNT(special))];
	case 7:
		return 1ull << pick(state, 64);
	case 8:
		return SCRATCH_AT + pick(state, 4) * 1024;
	default:
		return random_next(state) >> pick(state, 64);
	}
}

static u64 soon(u64 *state)
{
	return pick(state, 4) ? 1 : clock_ns() + pick(state, 200 * US);
}

static u64 map_argument(u64 *state, u32 nr, u32 k)
{
	if (nr == SYS_ASPACE_MAP && k < 2)
		return k ? pick(state, 4) * PAGE
			 : OBJECT_MEMORY * 4 + pick(state, 4);
	switch (k - (nr == SYS_ASPACE_MAP ? 2 : 0)) {
	case 0:
		return PLAY_AT + pick(state, 64) * PAGE;
	case 1:
		return (1 + pick(state, 8)) * PAGE;
	default:
		return pick(state, 32);
	}
}

static u64 any_argument(u64 *state, const struct syscall_desc *desc, u32 k)
{
	if (desc->nr == SYS_WAIT && k == 1)
		return soon(state);
	if (desc->nr == SYS_OBJECT_CREATE && k == 0)
		return pick(state, 17);
	if (desc->nr == SYS_OBJECT_CREATE && k == 2 && pick(state, 4))
		return pick(state, 4);
	if (desc->nr == SYS_OBJECT_CREATE && k == 3)
		return any_handle(
			state, pick(state, 2) ? OBJECT_ASPACE : OBJECT_MEMORY);
	if ((desc->nr == SYS_OBJECT_CREATE || desc->nr == SYS_MEMORY_CLONE) &&
	    k + 1 == desc->nargs && pick(state, 4))
		return 64 + pick(state, 32); // often empty
	if (desc->nr == SYS_OBJECT_CREATE && k == 1 && pick(state, 2))
		return pick(state, 2) ? pick(state, 8) : pick(state, 9) * PAGE;
	if ((desc->nr == SYS_ASPACE_MAP || desc->nr == SYS_ASPACE_PROTECT ||
	     desc->nr == SYS_ASPACE_UNMAP) &&
	    pick(state, 8))
		return map_argument(state, desc->nr, k);
	if (desc->arg[k] == SYSCALL_ARG_U64 && pick(state, 2) &&
	    (desc->object == OBJECT_MEMORY || desc->object == OBJECT_DMA))
		return pick(state, 6) * PAGE;
	if (desc->nr == SYS_IOPORT_ACCESS && pick(state, 4))
		return k == 0 ? 0x2ff : pick(state, 2);
	if (desc->nr == SYS_SYSTEM_INFO && k == 0)
		return pick(state, 9); // not the walk over all frames
	switch (desc->arg[k]) {
	case SYSCALL_ARG_HANDLE:
		return any_handle(state, desc->arg_object[k]);
	case SYSCALL_ARG_SLOT:
		return pick(state, 4) ? any_handle(state, (u32)pick(state, 16))
				      : 0;
	case SYSCALL_ARG_U32:
		if (pick(state, 8))
			return pick(state, 3) ? pick(state, CHILD_SLOTS)
					      : pick(state, 8);
		return any_number(state);
	case SYSCALL_ARG_BOOL:
		return pick(state, 2);
	case SYSCALL_ARG_UADDR:
		return pick(state, 3) ? SCRATCH_AT + pick(state, 4096)
				      : any_number(state);
	default:
		return any_number(state);
	}
}

static i64 any_message(u64 *state, const struct syscall_desc *desc)
{
	u64 word[MESSAGE_WORDS], cap = any_handle(state, desc->object);
	u64 info =
		desc->nr | pick(state, 10) << INFO_WORDS_SHIFT | INFO_DEADLINE;
	u64 slots = pick(state, CHILD_SLOTS) | pick(state, CHILD_SLOTS) << 16 |
		pick(state, CHILD_SLOTS) << 32 | pick(state, CHILD_SLOTS) << 48;

	for (u32 i = 0; i < MESSAGE_WORDS; i++)
		word[i] = random_next(state);
	if (pick(state, 2))
		info |= INFO_CAPS | pick(state, 6) << INFO_CAPS_SHIFT;
	if (!pick(state, 4))
		info |= INFO_NONBLOCK;
	if (!pick(state, 32))
		info |= random_next(state) << 23;
	return arch_message(info, &cap, word, soon(state), slots);
}

// Fill a slot anew from the master, which cannot be changed.
static void repair(u64 *state)
{
	u32 slot = (u32)pick(state, 64);

	if (slot < 4)
		return;
	(void)!sys_cap_delete(SELF_CNODE, slot);
	(void)!sys_cap_copy(SELF_CNODE, slot,
			    handle_of(CHILD_MASTER << 16 | slot));
}

// Calls that end threads or the child are made, but not all the time.
static bool destructive(u32 nr)
{
	return nr == SYS_POOL_DESTROY || nr == SYS_THREAD_STOP ||
		nr == SYS_CAP_REVOKE || nr == SYS_THREAD_REGISTERS;
}

[[noreturn]] static void child_main(u64 which)
{
	u64 state = stats->seed[which];
	struct syscall_result result;

	for (u64 round = 0;; round++) {
		// Without these it can do nothing any more: be started anew.
		if (round % 16 == 0 &&
		    (sys_cap_info(SELF_CNODE, nullptr, nullptr, nullptr) !=
			     STATUS_OK ||
		     sys_cap_info(handle_of(CHILD_MASTER << 16 | 16), nullptr,
				  nullptr, nullptr) != STATUS_OK))
			__builtin_trap();
		const struct syscall_desc *desc = &syscall_descs[pick(
			&state, ARRAY_COUNT(syscall_descs))];
		u64 value[8];
		i64 status;

		if (destructive(desc->nr) && pick(&state, 16))
			continue;
		if (!pick(&state, 4))
			repair(&state);
		for (u32 k = 0; k < desc->nargs; k++)
			value[k + 1] = any_argument(&state, desc, k);
		for (u32 k = desc->nargs; k < 7; k++)
			value[k + 1] = random_next(&state);
		// The pool of all it has: seldom.
		value[0] = any_handle(&state, desc->object);
		if (desc->nr >= SYS_MEMORY_SUPPLY &&
		    desc->nr <= SYS_MEMORY_CLEAN && pick(&state, 4))
			value[0] = OBJECT_MEMORY * 4 + 1; // the paged one
		if (desc->nr == SYS_POOL_DESTROY &&
		    value[0] == OBJECT_POOL * 4 + 3 && pick(&state, 64))
			continue;
		stats->last[which] = desc->nr;
		stats->tried[desc->nr]++;
		if (desc->raw)
			status = any_message(&state, desc);
		else
			status = arch_syscall_7(desc->nr, value[0], value[1],
						value[2], value[3], value[4],
						value[5], value[6], value[7],
						&result);
		if (status >= 0)
			stats->good[desc->nr]++;
		stats->status[status < 0 ? -status & 63 : 0]++;
		stats->calls[which]++;
		// Answer whom it may have received, so that receiving goes on.
		if (desc->raw && pick(&state, 2))
			(void)!ipc_reply(&(struct message){.nwords = 1});
		stats->seed[which] = state;
	}
}

// ---- the controller

static u32 problems;

static void check(enum status status, const char *what)
{
	if (status == STATUS_OK)
		return;
	say("fuzz: %s: %s\n", what, status_name(status));
	problems++;
}

static u32 object_next;

// An object from the child's pool, into four slots of the master: with all
// rights, with two random sets of them, and once more with all.
static void stock(u32 type, u32 slot, u64 *state)
{
	struct handle master = handle_of(F_MASTER);

	for (u32 i = 0; i < 4; i++) {
		u32 rights = i == 1 || i == 2
			? (u32)random_next(state) | RIGHT_DERIVE
			: ~0u;

		check(sys_cap_mint(master, type * 4 + i, handle_of(slot),
				   rights, 0),
		      "stock");
	}
}

static u32 create(u32 type, u64 a, u64 b, u32 c)
{
	u32 slot = object_next++;

	check(sys_object_create(handle_of(F_POOL), type, a, b, handle_of(c),
				SELF_CNODE, slot),
	      "create");
	return slot;
}

static u32 create_device(u32 type, u64 a, u64 b)
{
	u32 slot = object_next++;

	check(sys_device_create(SYSTEM, type, a, b, handle_of(F_POOL),
				SELF_CNODE, slot),
	      "device");
	return slot;
}

// A message vector, or the serial port's line on a machine without.
static u32 create_irq(void)
{
	u64 line = IRQ_MSI, flags = 0;
	u32 slot = object_next;

	if (sys_device_create(SYSTEM, OBJECT_IRQ, IRQ_MSI, 0, handle_of(F_POOL),
			      SELF_CNODE, slot) == STATUS_OK) {
		object_next++;
		return slot;
	}
	check(sys_system_info(SYSTEM, SYSTEM_INFO_SERIAL, 0, nullptr, nullptr,
			      &line, &flags),
	      "line");
	return create_device(OBJECT_IRQ, line, flags);
}

static void replace(u32 child_slot, u32 slot)
{
	(void)!sys_cap_delete(handle_of(F_MASTER), child_slot);
	check(sys_cap_copy(handle_of(F_MASTER), child_slot, handle_of(slot)),
	      "replace");
}

static void stock_all(u64 *state)
{
	u32 memory, pool, aspace;
	u32 system = object_next++;

	stock(OBJECT_CNODE, create(OBJECT_CNODE, 5, 0, 0), state);
	replace(OBJECT_CNODE * 4 + 3, F_CNODE);
	stock(OBJECT_ENDPOINT, create(OBJECT_ENDPOINT, 5, 0, 0), state);
	replace(OBJECT_ENDPOINT * 4, create(OBJECT_ENDPOINT, 100, 0, 0));
	stock(OBJECT_NOTIFICATION, create(OBJECT_NOTIFICATION, 0, 0, 0), state);
	stock(OBJECT_THREAD, F_THREAD, state);
	replace(OBJECT_THREAD * 4 + 1, F_THREAD + 1);
	replace(OBJECT_THREAD * 4 + 3, create(OBJECT_THREAD, 0, 0, 0));
	aspace = create(OBJECT_ASPACE, ASPACE_CONTAINER, 0, 0);
	stock(OBJECT_ASPACE, F_ASPACE, state);
	replace(OBJECT_ASPACE * 4 + 1, aspace);
	replace(OBJECT_ASPACE * 4 + 2,
		create(OBJECT_ASPACE, ASPACE_FOREIGN, 0, aspace));
	replace(OBJECT_ASPACE * 4 + 3, create(OBJECT_ASPACE, 0, 0, 0));
	memory = create(OBJECT_MEMORY, 64 * PAGE, 0, 0);
	stock(OBJECT_MEMORY, memory, state);
	replace(OBJECT_MEMORY * 4 + 1,
		create(OBJECT_MEMORY, 16 * PAGE, MEMORY_PAGED, 0));
	replace(OBJECT_MEMORY * 4 + 3,
		create(OBJECT_MEMORY, 8 * PAGE, MEMORY_COMMITTED, 0));
	pool = create(OBJECT_POOL, 300, 0, 0);
	stock(OBJECT_POOL, pool, state);
	replace(OBJECT_POOL * 4 + 3, F_POOL);
	stock(OBJECT_SCHED, F_SCHED, state);
	replace(OBJECT_SCHED * 4 + 1,
		create(OBJECT_SCHED, SCHED_LIMITS(CEILING, 900, 1000), 3,
		       F_SCHED));
	stock(OBJECT_IRQ, create_irq(), state);
	stock(OBJECT_IOPORT, create_device(OBJECT_IOPORT, 0x2ff, 1), state);
	stock(OBJECT_GUEST, create(OBJECT_GUEST, 0, 0, memory), state);
	stock(OBJECT_DMA, create_device(OBJECT_DMA, 0, 0), state);
	stock(OBJECT_TIMER, create(OBJECT_TIMER, 0, 0, 0), state);
	check(sys_cap_mint(SELF_CNODE, system, SYSTEM,
			   RIGHT_READ | RIGHT_DERIVE, 0),
	      "system");
	stock(OBJECT_SYSTEM, system, state);
	// Its own address space, thread and cnode where programs expect them.
	for (u32 i = 0; i < 4; i++)
		replace(OBJECT_REPLY * 4 + i, F_BELL);
}

static bool thread_revive(u32 i)
{
	struct handle thread = handle_of(F_THREAD + i);
	struct handle cnode = handle_of(F_CNODE);

	// The two capabilities it begins with, unless they are there.
	if (!slot_full(handle_of(F_CNODE << 16 | SLOT_CNODE)))
		(void)!sys_cap_copy(cnode, SLOT_CNODE, cnode);
	(void)!sys_cap_delete(cnode, CHILD_MASTER);
	(void)!sys_cap_mint(cnode, CHILD_MASTER, handle_of(F_MASTER),
			    RIGHT_READ | RIGHT_DERIVE, 0);
	return sys_thread_stop(thread) == STATUS_OK &&
		sys_thread_bind(thread, NONE) == STATUS_OK &&
		sys_thread_configure(thread, handle_of(F_ASPACE),
				     handle_of(F_CNODE), NONE, WORKER_LAYER,
				     0) == STATUS_OK &&
		sys_thread_schedule(thread, handle_of(F_SCHED), PRIORITY, 100,
				    1u << (i & 1 && cpus_online() > 1)) ==
		STATUS_OK &&
		sys_thread_start(thread, (u64)child_main,
				 STACKS_AT + (i + 1) * STACK - 8, i,
				 0) == STATUS_OK;
}

static void child_make(u32 nthreads, u64 *state)
{
	struct handle pool = handle_of(F_POOL), cnode = handle_of(F_CNODE);

	object_next = F_OBJECT;
	check(sys_object_create(SELF_POOL, OBJECT_POOL, POOL_PAGES, 0, NONE,
				SELF_CNODE, F_POOL),
	      "pool");
	(void)space_from(pool, F_DATA, F_ASPACE);
	check(sys_aspace_unmap(handle_of(F_ASPACE), SHARED_AT, SHARED_BYTES),
	      "unmap");
	check(sys_object_create(pool, OBJECT_MEMORY, STACK * THREADS_MAX, 0,
				NONE, SELF_CNODE, F_STACKS),
	      "stacks");
	check(sys_aspace_map(handle_of(F_ASPACE), handle_of(F_STACKS), 0,
			     STACKS_AT, STACK * THREADS_MAX,
			     MAP_READ | MAP_WRITE),
	      "map stacks");
	check(sys_object_create(pool, OBJECT_MEMORY, 2 * PAGE, 0, NONE,
				SELF_CNODE, F_SCRATCH),
	      "scratch");
	check(sys_aspace_map(handle_of(F_ASPACE), handle_of(F_SCRATCH), 0,
			     SCRATCH_AT, 2 * PAGE, MAP_READ | MAP_WRITE),
	      "map scratch");
	check(sys_aspace_map(handle_of(F_ASPACE), handle_of(F_STATS), 0,
			     STATS_AT, 2 * PAGE, MAP_READ | MAP_WRITE),
	      "map stats");
	check(sys_object_create(pool, OBJECT_CNODE, 7, 0, NONE, SELF_CNODE,
				F_CNODE),
	      "cnode");
	check(sys_object_create(SELF_POOL, OBJECT_CNODE, 7, 0, NONE, SELF_CNODE,
				F_MASTER),
	      "master");
	check(sys_object_create(SELF_POOL, OBJECT_SCHED, CEILING, 3,
				handle_of(SLOT_SCHED), SELF_CNODE, F_SCHED),
	      "sched");
	check(sys_object_create(pool, OBJECT_NOTIFICATION, 0, 0, NONE,
				SELF_CNODE, F_BELL),
	      "bell");
	for (u32 i = 0; i < THREADS_MAX; i++)
		check(sys_object_create(pool, OBJECT_THREAD, 0, 0, NONE,
					SELF_CNODE, F_THREAD + i),
		      "thread");
	stock_all(state);
	for (u32 slot = 4; slot < 64; slot++)
		(void)!sys_cap_copy(cnode, slot,
				    handle_of(F_MASTER << 16 | slot));
	for (u32 i = 0; i < nthreads; i++) {
		stats->seed[i] = random_next(state);
		// The others may be the victims of the first already.
		if (!thread_revive(i) && i == 0) {
			say("fuzz: a fresh thread cannot be started\n");
			problems++;
		}
	}
}

static void child_end(void)
{
	enum status status = sys_pool_destroy(handle_of(F_POOL));

	if (status != STATUS_OK && status != ERR_HANDLE)
		check(status, "destroy");
	for (u32 slot = F_POOL; slot < F_END; slot++)
		(void)!slot_delete(handle_of(slot));
}

// The machine is as it was before the child.
static bool nothing_left(const struct usage *before)
{
	struct usage after;
	u64 free = 0, walked = 0, end = clock_ns() + 5 * SECOND;

	do
		usage_of(SELF_POOL, &after);
	while (!usage_same(before, &after) && clock_ns() < end);
	if (!usage_same(before, &after)) {
		say("fuzz: left behind: pages %+ld objects %+ld capabilities "
		    "%+ld free frames %+ld\n",
		    (i64)(after.pages - before->pages),
		    (i64)(after.objects - before->objects),
		    (i64)(after.capabilities - before->capabilities),
		    (i64)(after.free_frames - before->free_frames));
		return false;
	}
	(void)!sys_system_info(SYSTEM, SYSTEM_INFO_MEMORY, 0, nullptr, &free,
			       nullptr, nullptr);
	(void)!sys_system_info(SYSTEM, SYSTEM_INFO_FRAMES, 0, &walked, nullptr,
			       nullptr, nullptr);
	if (walked != free) {
		say("fuzz: %lu frames counted as free, %lu are\n", free,
		    walked);
		return false;
	}
	return true;
}

static u64 total_calls(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < THREADS_MAX; i++)
		sum += stats->calls[i];
	return sum;
}

// Start threads again that are at an end or make no progress. False when the
// child is beyond that.
static bool child_tend(u32 nthreads, u64 seen[THREADS_MAX],
		       u32 idle[THREADS_MAX], u64 *revives)
{
	for (u32 i = 0; i < nthreads; i++) {
		u64 state;
		enum status status =
			sys_thread_info(handle_of(F_THREAD + i), &state,
					nullptr, nullptr, nullptr, nullptr);

		if (status != STATUS_OK)
			return false;
		if (stats->calls[i] != seen[i]) {
			seen[i] = stats->calls[i];
			idle[i] = 0;
		} else if (++idle[i] > REVIVES_MAX) {
			return false;
		}
		if (state != THREAD_STOPPED && state != THREAD_FAULTED &&
		    idle[i] % STUCK_TICKS != STUCK_TICKS - 1)
			continue;
		++*revives;
		if (!thread_revive(i))
			return false;
	}
	return true;
}

static void report(u64 seed, u64 revives, u64 rebuilds)
{
	say("FUZZ calls %lu seed %lu revives %lu rebuilds %lu\n", total_calls(),
	    seed, revives, rebuilds);
	for (u32 i = 0; i < 24; i++)
		if (stats->status[i])
			say("FUZZ status %s %lu\n",
			    status_name((enum status)(-(i32)i)),
			    stats->status[i]);
	for (u32 i = 0; i < SYS_COUNT; i++)
		say("FUZZ call %s tried %lu good %lu\n", syscall_name(i),
		    stats->tried[i], stats->good[i]);
}

void fuzz_run(u64 calls, u64 seed, u32 nthreads)
{
	u64 seen[THREADS_MAX], state = seed, revives = 0, rebuilds = 0;
	u64 said = 0, end = clock_ns() + 1200 * SECOND + calls * 300000;
	u32 idle[THREADS_MAX];
	struct usage before;

	if (nthreads > THREADS_MAX)
		nthreads = THREADS_MAX;
	check(sys_object_create(SELF_POOL, OBJECT_MEMORY, 2 * PAGE, 0, NONE,
				SELF_CNODE, F_STATS),
	      "stats");
	check(sys_aspace_map(SELF_ASPACE, handle_of(F_STATS), 0, STATS_AT,
			     2 * PAGE, MAP_READ | MAP_WRITE),
	      "map");
	memset(stats, 0, sizeof(*stats));
	// Once for nothing, so that this program's own pages are there.
	child_make(0, &state);
	child_end();
	usage_of(SELF_POOL, &before);
	while (total_calls() < calls && !problems && clock_ns() < end) {
		memset(seen, 0xff, sizeof(seen));
		memset(idle, 0, sizeof(idle));
		child_make(nthreads, &state);
		while (total_calls() < calls && clock_ns() < end) {
			(void)!sys_wait(handle_of(SLOT_NOTIFICATION), 1,
					clock_ns() + MS, nullptr);
			if (total_calls() - said >= 100000) {
				said = total_calls();
				say("fuzz: %lu calls, %lu revives, %lu "
				    "rebuilds\n",
				    said, revives, rebuilds);
			}
			if (!child_tend(nthreads, seen, idle, &revives))
				break;
		}
		child_end();
		rebuilds++;
		if (!nothing_left(&before))
			problems++;
	}
	report(seed, revives, rebuilds);
	if (total_calls() < calls)
		problems++;
	say("CASE fuzz %s\n", problems ? "FAIL see above" : "ok");
	say("CASES %u %u 0\n", !problems, !!problems);
	for (;;)
		(void)!sys_system_control(SYSTEM, SYSTEM_OFF, 0);
}
