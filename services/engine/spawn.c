// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Programs that are in no manifest: tests start them, by the thousand if need be.
// Each has a pool of SPAWN_PAGES from the drivers' domain, a thread of the fair
// class, the log and the engine's endpoint, and nothing else. It is not restarted.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/process/process.h"
#include "lib/sys/component.h"
#include "services/engine/engine.h"

#define SPAWN_PAGES 36
#define SPAWN_SLOTS_LOG2 5
#define SPAWN_STACK_BYTES 16384
#define SPAWN_HEAP_BYTES 65536
#define SPAWN_LAYER 30

static bool used[SPAWNED_MAX];
static u32 nused;

static enum status build(u32 number, const char *binary, const char *arguments)
{
	struct component *log = component_named("log");
	struct process_builder builder;
	const char *why = nullptr;
	char name[32];
	u64 badge = number | BADGE_SPAWNED;
	u32 fault = slot_alloc();

	format_text(name, sizeof(name), "%s.%u", binary, number);
	process_begin(&builder, &(struct process_plan){
		.name = name,
		.pool = kept_handle(KEPT_SPAWNED + number),
		.aspace_kind = ASPACE_PLAIN,
		.slots_log2 = SPAWN_SLOTS_LOG2,
		.stack_bytes = SPAWN_STACK_BYTES,
		.heap_bytes = SPAWN_HEAP_BYTES,
	});
	build_program(&builder, binary, 0, &why);
	process_fixed(&builder, SLOT_PARENT, engine.endpoint,
		RIGHT_CALL | RIGHT_GRANT, badge);
	process_fixed(&builder, SLOT_SCHED, engine.sched[DOMAIN_DRIVERS], 0, 0);
	process_fixed(&builder, SLOT_TIME, handle_of(SLOT_TIME), 0, 0);
	process_map(&builder, handle_of(SLOT_TIME), PROCESS_TIME, PAGE_BYTES,
		MAP_READ);
	if (log) {
		u32 slot = process_give(&builder, kept(log, KEPT_ENDPOINT),
			RIGHT_CALL | RIGHT_GRANT, badge);
		process_name(&builder, "log", STARTUP_ENDPOINT_CLIENT, slot, 0,
			0, 0);
	}
	if (builder.status == STATUS_OK) {
		builder.page->time_page = PROCESS_TIME;
		builder.page->domain = DOMAIN_DRIVERS;
		strlcpy(builder.page->arguments, arguments,
			sizeof(builder.page->arguments));
		builder.status = sys_cap_mint(SELF_CNODE, fault,
			engine.endpoint, RIGHT_CALL, badge);
	}
	enum status status = process_start(&builder, &(struct process_thread){
		.sched = engine.sched[DOMAIN_DRIVERS],
		.layer = SPAWN_LAYER,
		.fault = handle_of(fault),
	});
	if (status != STATUS_OK)
		say("spawn %s: %s: %s", name, builder.step, status_text(status));
	slot_free(fault);
	process_end(&builder);
	return status;
}

static enum status spawn_one(const char *binary, const char *arguments)
{
	u32 number = 0;

	while (number < SPAWNED_MAX && used[number])
		number++;
	if (number == SPAWNED_MAX)
		return ERR_QUOTA;
	enum status status = sys_object_create(engine.domain[DOMAIN_DRIVERS],
		OBJECT_POOL, SPAWN_PAGES, 0, handle_of(0), engine.keep,
		KEPT_SPAWNED + number);
	if (status != STATUS_OK)
		return status;
	used[number] = true;
	nused++;
	status = build(number, binary, arguments);
	if (status != STATUS_OK)
		spawned_ended(number);
	return status;
}

enum status spawn(const char *binary, const char *arguments, u32 count,
	u32 *started)
{
	enum status status = STATUS_OK;

	for (*started = 0; *started < count; (*started)++) {
		still_alive();
		status = spawn_one(binary, arguments);
		if (status != STATUS_OK)
			break;
	}
	return *started ? STATUS_OK : status;
}

void spawned_ended(u32 number)
{
	if (number >= SPAWNED_MAX || !used[number])
		return;
	(void)!sys_pool_destroy(kept_handle(KEPT_SPAWNED + number));
	(void)!sys_cap_delete(engine.keep, KEPT_SPAWNED + number);
	used[number] = false;
	nused--;
}

u32 spawned_count(void)
{
	return nused;
}

void spawned_reap(void)
{
	for (u32 i = 0; i < SPAWNED_MAX; i++) {
		if (used[i])
			still_alive();
		spawned_ended(i);
	}
}

void spawned_adopt(void)
{
	for (u32 i = 0; i < SPAWNED_MAX; i++) {
		used[i] = kept_exists(kept_handle(KEPT_SPAWNED + i),
			OBJECT_POOL);
		nused += used[i];
	}
}
