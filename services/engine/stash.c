// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The engine's memory across its own death: two records per component, written in
// turn, each with its checksum. An engine that dies while it writes one leaves the
// other. If both fail their check, the component is started from nothing.
#include "lib/base/checksum.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "services/engine/engine.h"

#define STASH_MAGIC 0x53474e45
#define STASH_VERSION 1

static u32 sum_of(const struct record *record)
{
	return crc32c(0, record, OFFSET_OF(struct record, sum));
}

bool stash_open(u32 manifest_sum)
{
	struct stash *stash = (struct stash *)startup->stash;

	engine.stash = stash;
	if (stash->magic == STASH_MAGIC && stash->version == STASH_VERSION &&
		stash->manifest_sum == manifest_sum)
		return true;
	if (stash->magic != 0)
		say("the stash is of another system image: everything anew");
	memset(stash, 0, sizeof(*stash));
	stash->magic = STASH_MAGIC;
	stash->version = STASH_VERSION;
	stash->manifest_sum = manifest_sum;
	stash->next_pid = 1;
	return false;
}

static bool valid(const struct component *component,
	const struct record *record)
{
	return record->sum == sum_of(record) &&
		record->state < COMPONENT_STATES && record->reason < REASONS &&
		strncmp(record->name, component->plan->name, NAME_BYTES) == 0;
}

bool record_read(struct component *component)
{
	const struct record *pair =
		engine.stash->record[component_index(component)];
	bool found = false;

	for (u32 i = 0; i < 2; i++) {
		if (!valid(component, &pair[i]))
			continue;
		if (found && (i32)(pair[i].sequence -
				component->record.sequence) < 0)
			continue;
		component->record = pair[i];
		found = true;
	}
	return found;
}

void record_reset(struct component *component)
{
	u32 sequence = component->record.sequence;

	component->record = (struct record){
		.state = COMPONENT_WAITING, .sequence = sequence,
	};
	strlcpy(component->record.name, component->plan->name, NAME_BYTES);
	record_write(component);
}

void record_write(struct component *component)
{
	struct record *record = &component->record;

	record->sequence++;
	record->sum = sum_of(record);
	memcpy(&engine.stash->record[component_index(component)]
			[record->sequence & 1], record, sizeof(*record));
}
