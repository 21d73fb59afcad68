// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The life of a component: waiting for those it depends on, started, ready; dead
// and restarted; given up. The engine never calls a component: it signals, looks
// at health pages and thread states, and takes down what is at fault.
//
// Order of a restart: the record says BUILDING; the instance's pool is destroyed
// (its threads first; interrupts, device memory and mappings go with it, memory
// pinned for a device is quarantined until the bus service has reset the device);
// a new instance is built with the kept objects; peers of its channels get
// NOTIFY_PEER. An engine that dies in between leaves BUILDING behind, and the next
// one does it again.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/string.h"
#include "lib/ipc/message.h"
#include "lib/sys/component.h"
#include "services/engine/engine.h"

#define LATE_NS 5000000000ull // others do not wait longer for a component
#define STOPPED_NS 500000000ull // a thread that stands still so long is hung
#define STOPPED_LOOKS 10 // and at so many beats in a row: it may only be moving
#define PATIENCE 8
#define RETRY_NS 100000000ull
#define BUILDS_MAX 20 // failed attempts in a row
#define SECOND_NS 1000000000ull

const char *state_name(enum component_state state)
{
	static const char *const names[COMPONENT_STATES] = {"waiting",
		"building", "started", "ready", "stopped", "quarantined"};

	return names[state];
}

const char *reason_name(enum reason reason)
{
	static const char *const names[REASONS] = {"start", "kill", "restart",
		"fault", "hang", "exit", "engine"};

	return names[reason];
}

const char *fault_name(u64 kind)
{
	static const char *const names[] = {"unknown", "access", "instruction",
		"arithmetic", "breakpoint", "debug", "alignment", "pager",
		"bad system call", "other"};

	return names[kind < ARRAY_COUNT(names) ? kind : 0];
}

struct component *component_named(const char *name)
{
	int index = manifest_find(&engine.manifest, name);

	return index < 0 ? nullptr : &engine.component[index];
}

static void set_state(struct component *component, enum component_state state)
{
	component->record.state = state;
	record_write(component);
}

// ---- taking down

static void take_down(struct component *component)
{
	u32 pool = kept_index(component, KEPT_POOL);

	if (kept_exists(kept_handle(pool), OBJECT_POOL)) {
		enum status status = sys_pool_destroy(kept_handle(pool));
		if (status != STATUS_OK)
			say("%s: destroying its pool: %s (%d)",
				component->plan->name, status_text(status),
				status);
	}
	(void)!sys_cap_delete(engine.keep, pool);
	(void)!sys_cap_delete(engine.keep, kept_index(component, KEPT_THREAD));
}

// What is queued on the endpoint of a component that will not come back.
static void refuse_callers(struct component *component)
{
	struct handle endpoint = kept(component, KEPT_ENDPOINT);
	struct message message = {};

	if (!component->plan->serve[0])
		return;
	while (ipc_try_recv(endpoint, &message) == STATUS_OK) {
		message = (struct message){
			.word = {(u64)(i64)ERR_PEER_GONE}, .nwords = 1};
		(void)!ipc_reply(&message);
	}
}

static void end_for_good(struct component *component,
	enum component_state state)
{
	component->record.down_ns = 0;
	set_state(component, state);
	refuse_callers(component);
	if (!component->plan->essential)
		return;
	say("%s is gone for good, and the system is nothing without it: the "
		"machine stops", component->plan->name);
	(void)!sys_system_control(engine.system, SYSTEM_OFF, 0);
}

// ---- starting

static void tell_peers(struct component *component)
{
	u32 self = component_index(component);
	u32 slot = slot_alloc();

	for (u32 i = 0; i < engine.manifest.nchannels; i++) {
		const struct channel_plan *channel = &engine.manifest.channel[i];
		if (channel->client != self && channel->server != self)
			continue;
		u32 other = channel->client == self ? channel->server :
			channel->client;
		if (sys_cap_mint(SELF_CNODE, slot,
				kept(&engine.component[other],
					KEPT_NOTIFICATION),
				RIGHT_SIGNAL, NOTIFY_PEER) != STATUS_OK)
			continue;
		(void)!sys_signal(handle_of(slot));
		(void)!sys_cap_delete(SELF_CNODE, slot);
	}
	slot_free(slot);
}

static void build_failed(struct component *component, const char *what,
	enum status status)
{
	struct record *record = &component->record;

	record->failed_builds++;
	if (record->failed_builds == 1 || record->failed_builds == BUILDS_MAX)
		say("%s cannot be started: %s: %s", component->plan->name, what,
			status_text(status));
	take_down(component);
	bool hopeless = status == ERR_NOENT || status == ERR_FORMAT ||
		record->failed_builds >= BUILDS_MAX;
	if (hopeless) {
		end_for_good(component, COMPONENT_QUARANTINED);
		return;
	}
	component->retry_ns = clock_ns() + RETRY_NS;
	set_state(component, COMPONENT_BUILDING);
}

void component_start_now(struct component *component)
{
	struct record *record = &component->record;
	const char *what;

	record->generation++;
	record->pid = engine.stash->next_pid++;
	component->misses = 0;
	component->late = false;
	component->retry_ns = 0;
	component->health->ready = 0;
	component->health->answered = component->health->wanted;
	set_state(component, COMPONENT_BUILDING);
	record->started_ns = clock_ns();
	// It may say ready before build_instance has returned.
	enum status status = build_instance(component, &what);
	if (status != STATUS_OK) {
		build_failed(component, what, status);
		return;
	}
	record->failed_builds = 0;
	set_state(component, COMPONENT_STARTED);
	if (record->generation > 1)
		tell_peers(component);
}

// Nobody waits for a component that cannot come, nor long for a slow one.
static bool waits_for(struct component *component)
{
	const struct record *record = &component->record;

	switch (record->state) {
	case COMPONENT_READY:
	case COMPONENT_STOPPED:
	case COMPONENT_QUARANTINED:
		return false;
	case COMPONENT_STARTED:
	case COMPONENT_BUILDING:
		return clock_ns() < record->started_ns + LATE_NS;
	default:
		return true;
	}
}

static void start_waiting(void)
{
	for (u32 i = 0; i < component_count(); i++) {
		struct component *component = &engine.component[i];
		bool start = component->record.state == COMPONENT_WAITING;
		for (u32 k = 0; k < component_count() && start; k++)
			start = !manifest_depends(&engine.manifest, i, k) ||
				!waits_for(&engine.component[k]);
		if (!start)
			continue;
		still_alive();
		component_start_now(component);
	}
}

void component_is_ready(struct component *component)
{
	struct record *record = &component->record;
	u64 now = clock_ns();

	if (record->state != COMPONENT_STARTED &&
		record->state != COMPONENT_BUILDING)
		return;
	if (record->down_ns) {
		record->last_us = (now - record->down_ns) / 1000;
		record->total_us += record->last_us;
		if (record->last_us > record->max_us)
			record->max_us = record->last_us;
		record->down_ns = 0;
		say("RESTART %s %s %u %lu us: recovered in %lu.%03lu ms",
			component->plan->name, reason_name(record->reason),
			record->restarts, record->last_us,
			record->last_us / 1000, record->last_us % 1000);
	} else {
		say("%s ready after %lu us", component->plan->name,
			(now - record->started_ns) / 1000);
	}
	set_state(component, COMPONENT_READY);
	start_waiting();
}

// ---- failing

// Restarts that nobody asked for draw on the budget.
static bool budget_spent(struct component *component, enum reason reason)
{
	const struct plan *plan = component->plan;
	struct record *record = &component->record;
	u64 now = clock_ns();

	if (reason == REASON_KILL || reason == REASON_RESTART)
		return false;
	if (now > record->window_ns + plan->budget_seconds * SECOND_NS) {
		record->window_ns = now;
		record->failures = 0;
	}
	return ++record->failures > plan->budget;
}

static void quarantine(struct component *component)
{
	say("QUARANTINE %s: more than %u failures in %u s",
		component->plan->name, component->plan->budget,
		component->plan->budget_seconds);
	for (u32 i = 0; i < component_count(); i++)
		if (manifest_depends(&engine.manifest, i,
			component_index(component)))
			say("%s depends on it and will get errors",
				engine.manifest.component[i].name);
	end_for_good(component, COMPONENT_QUARANTINED);
}

void component_restart(struct component *component, enum reason reason)
{
	struct record *record = &component->record;
	bool asked = reason == REASON_KILL || reason == REASON_RESTART;

	if (!record->down_ns)
		record->down_ns = clock_ns();
	record->reason = reason;
	set_state(component, COMPONENT_BUILDING);
	take_down(component);
	if (asked) {
		record->failed_builds = 0;
	} else if (!component->plan->restart) {
		say("%s is not restarted (%s)", component->plan->name,
			reason_name(reason));
		end_for_good(component, COMPONENT_STOPPED);
		return;
	} else if (budget_spent(component, reason)) {
		quarantine(component);
		return;
	}
	record->restarts++;
	component_start_now(component);
}

void component_faulted(struct component *component, const u64 word[5])
{
	say("FAULT %s %s at %lx, pc %lx, code %lx, sp %lx",
		component->plan->name, fault_name(word[0]), word[1], word[2],
		word[3], word[4]);
	component_restart(component, REASON_FAULT);
}

void component_exited(struct component *component, u32 code)
{
	component->record.exit_code = code;
	say("%s ended with %u", component->plan->name, code);
	component_restart(component, REASON_EXIT);
}

// ---- watching

static u64 thread_state(struct component *component, u64 *pc)
{
	u64 state = THREAD_STOPPED;

	*pc = 0;
	(void)!sys_thread_info(kept(component, KEPT_THREAD), &state, nullptr,
		nullptr, nullptr, pc);
	return state;
}

static void heartbeat(struct component *component)
{
	volatile struct health *health = component->health;
	u64 pc, state;
	u32 limit;

	if (!component->plan->misses)
		return;
	if (health->answered == health->wanted) {
		component->misses = 0;
		health->wanted++;
		(void)!sys_signal(handle_of(component->signal));
		return;
	}
	state = thread_state(component, &pc);
	// Waiting for somebody else, who is watched himself.
	if (state == THREAD_REPLY || state == THREAD_SENDING ||
		state == THREAD_PAGING) {
		component->misses = 0;
		return;
	}
	// It waits for a message, and the heartbeat is one: it has not been given
	// a processor. A slow machine does that; a lost wake-up does not end.
	limit = state == THREAD_RECEIVING || state == THREAD_WAITING ?
		component->plan->misses * PATIENCE : component->plan->misses;
	if (++component->misses < limit)
		return;
	say("HANG %s: %u heartbeats missed, thread state %lu, pc %lx",
		component->plan->name, component->misses, state, pc);
	component_restart(component, REASON_HANG);
}

static void watch_start(struct component *component, u64 now)
{
	struct record *record = &component->record;
	u64 pc;

	// Hung (or stopped) before it was ready: nothing else would notice.
	if (now > record->started_ns + STOPPED_NS &&
		thread_state(component, &pc) == THREAD_STOPPED)
		component->misses++;
	else
		component->misses = 0;
	if (component->misses >= STOPPED_LOOKS) {
		component->misses = 0;
		say("HANG %s: stopped before it was ready, pc %lx",
			component->plan->name, pc);
		component_restart(component, REASON_HANG);
		return;
	}
	if (component->late || now < record->started_ns + LATE_NS)
		return;
	component->late = true;
	say("%s has not become ready yet", component->plan->name);
	start_waiting();
}

static void watch(struct component *component, u64 now)
{
	switch (component->record.state) {
	case COMPONENT_READY:
		heartbeat(component);
		break;
	case COMPONENT_STARTED:
		// The message may have been lost with an engine.
		if (component->health->ready)
			component_is_ready(component);
		else
			watch_start(component, now);
		break;
	case COMPONENT_BUILDING:
		if (component->retry_ns && now >= component->retry_ns)
			component_start_now(component);
		break;
	case COMPONENT_STOPPED:
	case COMPONENT_QUARANTINED:
		refuse_callers(component);
		break;
	default:
		break;
	}
}

void supervise_tick(void)
{
	u64 now = clock_ns();

	engine.ticks++;
	for (u32 i = 0; i < component_count(); i++)
		watch(&engine.component[i], now);
	start_waiting();
}

// ---- a new engine

void component_adopt(struct component *component)
{
	struct record *record = &component->record;
	u64 pc, state = thread_state(component, &pc);

	if (!record_read(component)) {
		say("%s: its record is damaged: started anew",
			component->plan->name);
		take_down(component);
		record_reset(component);
		return;
	}
	bool runs = record->state == COMPONENT_STARTED ||
		record->state == COMPONENT_READY;
	if (record->state == COMPONENT_BUILDING) {
		component_restart(component, REASON_ENGINE);
	} else if (runs && (state == THREAD_FAULTED ||
			!kept_exists(kept(component, KEPT_POOL), OBJECT_POOL))) {
		say("%s was found dead, pc %lx", component->plan->name, pc);
		component_restart(component, REASON_FAULT);
	}
}
