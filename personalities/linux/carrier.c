// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Carriers: see carrier.h. Work ends by returning; the carrier then joins the
// idle list and parks. Who claims it stops it, gives it the address space wanted
// and starts it anew: `parked` says that it holds no lock any more by then.
#include "personalities/linux/carrier.h"

#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/arch/registers.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/sync.h"
#include "personalities/linux/time.h"

#define IDLE_KEPT 8u
#define TRIES 10000u
#define STACK_SLOT (CARRIER_STACK * 2) // the other half stays unmapped

#define STATES_IN_PAGE (u32)(PAGE / sizeof(struct guest_state))

static struct list idle = {&idle, &idle};
static u32 nidle;
static struct handle stacks;
static u64 stacks_base, states_base;
static u64 used[CARRIERS_MAX / 64]; // stacks and states in use

// A page of guest states; it goes when none of them is in use.
static struct {
	struct handle memory;
	u32 count;
} states[CARRIERS_MAX / STATES_IN_PAGE];

[[noreturn]] void carrier_entry(struct carrier *carrier);

enum status carriers_init(void)
{
	stacks_base = align_down(startup->map_end - CARRIERS_MAX * STACK_SLOT,
				 STACK_SLOT);
	states_base = stacks_base - ARRAY_COUNT(states) * PAGE;
	if (states_base <= startup->map_start ||
	    stacks_base >= startup->map_end)
		return ERR_RANGE;
	return cap_create(SELF_POOL, OBJECT_MEMORY,
			  CARRIERS_MAX * CARRIER_STACK, MEMORY_ANON,
			  (struct handle){0}, &stacks);
}

static enum status state_get(struct carrier *carrier)
{
	u32 page = carrier->index / STATES_IN_PAGE;
	u64 address = states_base + page * PAGE;
	enum status status = STATUS_OK;

	if (!states[page].count) {
		status = cap_create(SELF_POOL, OBJECT_MEMORY, PAGE, MEMORY_ANON,
				    (struct handle){0}, &states[page].memory);
		if (status != STATUS_OK)
			return status;
		status = sys_aspace_map(SELF_ASPACE, states[page].memory, 0,
					address, PAGE, MAP_READ | MAP_WRITE);
		if (status != STATUS_OK) {
			cap_free(states[page].memory);
			return status;
		}
	}
	states[page].count++;
	carrier->state =
		(struct guest_state *)address + carrier->index % STATES_IN_PAGE;
	return STATUS_OK;
}

static void state_put(struct carrier *carrier)
{
	u32 page = carrier->index / STATES_IN_PAGE;

	if (!carrier->state || --states[page].count)
		return;
	(void)!sys_aspace_unmap(SELF_ASPACE, states_base + page * PAGE, PAGE);
	cap_free(states[page].memory);
}

// The lowest that is free, CARRIERS_MAX if none is.
static u32 index_free(void)
{
	for (u32 i = 0; i < ARRAY_COUNT(used); i++)
		if (used[i] != ~0ull)
			return i * 64 + lowest_bit(~used[i]);
	return CARRIERS_MAX;
}

static u64 stack_of(const struct carrier *carrier)
{
	return stacks_base + carrier->index * STACK_SLOT;
}

static void carrier_destroy(struct carrier *carrier)
{
	struct handle *all[] = {&carrier->guest, &carrier->thread,
				&carrier->wake, &carrier->lock,
				&carrier->notification};

	if (carrier->thread.value)
		(void)!sys_thread_stop(carrier->thread);
	for (u32 i = 0; i < ARRAY_COUNT(all); i++)
		if (all[i]->value)
			cap_free(*all[i]);
	state_put(carrier);
	(void)!sys_aspace_unmap(SELF_ASPACE, stack_of(carrier), CARRIER_STACK);
	(void)!sys_memory_decommit(stacks, carrier->index * CARRIER_STACK,
				   CARRIER_STACK);
	used[carrier->index / 64] &= ~BIT(carrier->index % 64);
	object_free(carrier);
}

static enum status mint_signal(struct handle from, u64 badge,
			       struct handle *out)
{
	struct handle slot = cap_alloc();
	enum status status = ERR_QUOTA;

	if (!slot.value)
		return status;
	status = sys_cap_mint(cap_cnode(slot), cap_index(slot), from,
			      RIGHT_SIGNAL | RIGHT_DERIVE, badge);
	if (status != STATUS_OK)
		cap_free(slot);
	else
		*out = slot;
	return status;
}

static enum status carrier_build(struct carrier *carrier)
{
	enum status status;
	struct handle none = {0};

	status = sys_aspace_map(
		SELF_ASPACE, stacks, carrier->index * CARRIER_STACK,
		stack_of(carrier), CARRIER_STACK, MAP_READ | MAP_WRITE);
	if (status == STATUS_OK)
		status = cap_create(SELF_POOL, OBJECT_THREAD, 0, 0, none,
				    &carrier->thread);
	if (status == STATUS_OK)
		status = cap_create(SELF_POOL, OBJECT_NOTIFICATION, 0, 0, none,
				    &carrier->notification);
	if (status == STATUS_OK)
		status = mint_signal(carrier->notification, NOTE_WAKE,
				     &carrier->wake);
	if (status == STATUS_OK)
		status = mint_signal(carrier->notification, NOTE_LOCK,
				     &carrier->lock);
	if (status == STATUS_OK)
		status = state_get(carrier);
	if (status == STATUS_OK)
		status = cap_create(
			SELF_POOL, OBJECT_GUEST, (u64)carrier->state % PAGE, 0,
			states[carrier->index / STATES_IN_PAGE].memory,
			&carrier->guest);
	if (status == STATUS_OK)
		status =
			sys_thread_bind(carrier->thread, carrier->notification);
	if (status == STATUS_OK)
		status = sys_thread_schedule(carrier->thread,
					     handle_of(SLOT_SCHED), 0, 100, 0);
	if (status == STATUS_OK)
		*(struct carrier **)stack_of(carrier) = carrier;
	return status;
}

static struct carrier *carrier_make(void)
{
	struct carrier *carrier = object_alloc(sizeof(*carrier));
	enum status status;

	if (!carrier)
		return nullptr;
	carrier->index = index_free();
	if (carrier->index == CARRIERS_MAX) {
		object_free(carrier);
		return nullptr;
	}
	used[carrier->index / 64] |= BIT(carrier->index % 64);
	status = carrier_build(carrier);
	if (status == STATUS_OK)
		return carrier;
	log_print("linux: no thread: %s", status_text(status));
	carrier_destroy(carrier);
	return nullptr;
}

// A stopped thread is out of reach for a moment while a CPU looks at a signal that
// its notification got: that ends by itself.
static enum status configure(struct carrier *carrier, struct handle aspace)
{
	enum status status = ERR_STATE;

	for (u32 tries = 0; status == ERR_STATE && tries < TRIES; tries++) {
		if (tries) {
			(void)!sys_yield();
			(void)!sys_thread_stop(carrier->thread);
		}
		status = sys_thread_configure(
			carrier->thread, aspace, SELF_CNODE,
			handle_of(SLOT_PARENT), CONTAINER_LAYER,
			(u64)guest_fault_vector);
	}
	return status;
}

struct carrier *carrier_claim(struct handle aspace)
{
	struct carrier *carrier = CONTAINER_OF(idle.next, struct carrier, node);
	enum status status;

	// One of many that are ending is left to end, if it is among the higher.
	if (!list_empty(&idle) && carrier->index < index_free()) {
		list_remove(&carrier->node);
		nidle--;
		while (!__atomic_load_n(&carrier->parked, __ATOMIC_ACQUIRE))
			(void)!sys_yield();
		(void)!sys_thread_stop(carrier->thread);
	} else {
		carrier = carrier_make();
		if (!carrier)
			return nullptr;
	}
	status = configure(carrier, aspace);
	if (status == STATUS_OK)
		return carrier;
	log_print("linux: thread_configure: %s", status_text(status));
	carrier_destroy(carrier);
	return nullptr;
}

void carrier_start(struct carrier *carrier, void (*work)(void *argument),
		   void *argument)
{
	enum status status = ERR_STATE;

	carrier->work = work;
	carrier->argument = argument;
	carrier->parked = 0;
	for (u32 tries = 0; status == ERR_STATE && tries < TRIES; tries++) {
		if (tries)
			(void)!sys_yield();
		status = sys_thread_start(carrier->thread, (u64)carrier_entry,
					  stack_of(carrier) + CARRIER_STACK -
						  ENTRY_STACK_GAP,
					  (u64)carrier, 0);
	}
	if (status != STATUS_OK)
		component_fail("linux: thread_start: %s", status_text(status));
}

static bool is_parked(const struct carrier *carrier)
{
	return __atomic_load_n(&carrier->parked, __ATOMIC_ACQUIRE);
}

// The idle ones by index, and never many of them: the higher ones go first, so
// that their stacks, states and capabilities do not keep others' pages in use.
static void idle_add(struct carrier *carrier)
{
	struct list *before = idle.prev;

	while (before != &idle &&
	       CONTAINER_OF(before, struct carrier, node)->index >
		       carrier->index)
		before = before->prev;
	list_insert_after(before, &carrier->node);
	nidle++;
	for (struct list *node = idle.prev, *previous;
	     nidle > IDLE_KEPT && node != &idle; node = previous) {
		struct carrier *last = CONTAINER_OF(node, struct carrier, node);

		previous = node->prev;
		if (!is_parked(last))
			continue;
		list_remove(node);
		nidle--;
		carrier_destroy(last);
	}
}

// A claimed carrier that was not started: stopped, and so as good as parked.
void carrier_release(struct carrier *carrier)
{
	carrier->parked = 1;
	idle_add(carrier);
}

[[noreturn]] void carrier_entry(struct carrier *carrier)
{
	u64 bits;

	carrier->work(carrier->argument);
	mutex_lock(&container_lock);
	idle_add(carrier);
	time_tidy_soon();
	mutex_unlock(&container_lock);
	__atomic_store_n(&carrier->parked, 1, __ATOMIC_RELEASE);
	for (;;)
		(void)!sys_wait(carrier->notification, NOTE_WAKE, 0, &bits);
}

void carriers_tidy(void)
{
	LIST_FOR_EACH_SAFE(node, &idle)
	{
		struct carrier *carrier =
			CONTAINER_OF(node, struct carrier, node);

		for (u32 i = 0; i < TRIES && !is_parked(carrier); i++)
			(void)!sys_yield(); // it only has to store a word
		if (!is_parked(carrier))
			continue;
		list_remove(node);
		nidle--;
		carrier_destroy(carrier);
	}
}

u32 carriers_idle(void)
{
	return nidle;
}

void carrier_wake(struct carrier *carrier)
{
	(void)!sys_signal(carrier->wake);
}

u64 carrier_run_ns(struct carrier *carrier)
{
	u64 run_ns = 0;

	(void)!sys_thread_info(carrier->thread, nullptr, &run_ns, nullptr,
			       nullptr, nullptr);
	return run_ns;
}

u64 carrier_state(struct carrier *carrier)
{
	u64 state = 0;

	(void)!sys_thread_info(carrier->thread, &state, nullptr, nullptr,
			       nullptr, nullptr);
	return state;
}
