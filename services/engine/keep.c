// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Objects that belong to the engine and are lent to the instances of a component.
// Small ones are made from the engine's kept pool, memory from the domain of the
// component it serves.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/driver/channel.h"
#include "lib/sys/component.h"
#include "services/engine/engine.h"

bool kept_exists(struct handle handle, u32 type)
{
	u32 found = OBJECT_NONE;

	return sys_cap_info(handle, &found, nullptr, nullptr) == STATUS_OK &&
		found == type;
}

// Make an object in a slot of the kept cnode unless it is there.
static enum status ensure(u32 index, struct handle pool, u32 type, u64 a, u64 b)
{
	if (kept_exists(kept_handle(index), type))
		return STATUS_OK;
	return sys_object_create(pool, type, a, b, handle_of(0), engine.keep,
		index);
}

static enum status keep_extra(struct component *component, u32 number)
{
	const struct plan *plan = component->plan;
	const struct extra *extra = &plan->extra[number];
	u32 index = kept_index(component, KEPT_EXTRA + number);
	struct handle domain = engine.domain[plan->domain];

	if (extra->kind == EXTRA_CNODE)
		return ensure(index, domain, OBJECT_CNODE, extra->a, 0);
	if (extra->kind == EXTRA_POOL)
		return ensure(index, domain, OBJECT_POOL, size_pages(extra->size,
			engine.rest_pages[plan->domain]), 0);
	return STATUS_OK;
}

static enum status map_health(struct component *component)
{
	void *page;
	enum status status = memory_map(kept(component, KEPT_HEALTH), 0,
		PAGE_BYTES, MAP_READ | MAP_WRITE, &page);

	if (status != STATUS_OK)
		return status;
	component->health = page;
	component->signal = slot_alloc();
	return sys_cap_mint(SELF_CNODE, component->signal,
		kept(component, KEPT_NOTIFICATION), RIGHT_SIGNAL,
		NOTIFY_HEARTBEAT);
}

enum status keep_component(struct component *component, const char **what)
{
	const struct plan *plan = component->plan;
	enum status status = STATUS_OK;

	*what = "endpoint";
	if (plan->serve[0])
		status = ensure(kept_index(component, KEPT_ENDPOINT),
			engine.keep_pool, OBJECT_ENDPOINT, plan->layer, 0);
	if (status != STATUS_OK)
		return status;
	*what = "notification";
	status = ensure(kept_index(component, KEPT_NOTIFICATION),
		engine.keep_pool, OBJECT_NOTIFICATION, 0, 0);
	if (status != STATUS_OK)
		return status;
	*what = "health page";
	status = ensure(kept_index(component, KEPT_HEALTH), engine.keep_pool,
		OBJECT_MEMORY, PAGE_BYTES, MEMORY_COMMITTED);
	if (status == STATUS_OK)
		status = map_health(component);
	if (status != STATUS_OK)
		return status;
	*what = "stash";
	if (plan->stash_bytes)
		status = ensure(kept_index(component, KEPT_STASH),
			engine.domain[plan->domain], OBJECT_MEMORY,
			plan->stash_bytes, MEMORY_COMMITTED);
	for (u32 i = 0; i < plan->nextras && status == STATUS_OK; i++) {
		*what = plan->extra[i].name;
		status = keep_extra(component, i);
	}
	return status;
}

enum status keep_channels(const char **what)
{
	for (u32 i = 0; i < engine.manifest.nchannels; i++) {
		const struct channel_plan *channel = &engine.manifest.channel[i];
		const struct plan *client =
			&engine.manifest.component[channel->client];
		*what = channel->client_name;
		enum status status = ensure(KEPT_CHANNELS + i,
			engine.domain[client->domain], OBJECT_MEMORY,
			CHANNEL_TABLE_BYTES + channel->data_bytes,
			MEMORY_COMMITTED);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}
