// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See display.h. In the table, capacity holds width and height, max_sectors the
// pitch; in a request, position holds x and y, argument width and height.
#include "lib/driver/display.h"

#include "lib/base/bits.h"

static u64 pair(u32 low, u32 high)
{
	return low | (u64)high << 32;
}

void display_publish(struct channel *channel, struct display_size size,
		     u32 generation)
{
	channel_publish(channel, size.width == 0 ? CHANNEL_ABSENT : 0,
			pair(size.width, size.height), size.pitch, generation);
}

struct display_size display_size(const struct channel *channel)
{
	const volatile struct channel_table *table = channel->table;
	struct display_size size = {};
	u64 capacity;
	u32 pitch;

	if (!__atomic_load_n(&channel->table->ready, __ATOMIC_ACQUIRE))
		return size;
	capacity = table->capacity;
	pitch = table->max_sectors;
	size.width = (u32)capacity;
	size.height = (u32)(capacity >> 32);
	size.pitch = pitch;
	if (size.width == 0 || size.width > DISPLAY_SIDE_MAX ||
	    size.height == 0 || size.height > DISPLAY_SIDE_MAX ||
	    pitch % DISPLAY_PIXEL_BYTES != 0 ||
	    pitch < size.width * DISPLAY_PIXEL_BYTES ||
	    (u64)pitch * size.height > channel->data_bytes)
		return (struct display_size){};
	return size;
}

struct channel_request display_request(struct rectangle rectangle)
{
	return (struct channel_request){
		.operation = DISPLAY_SHOW,
		.position = pair(rectangle.x, rectangle.y),
		.argument = pair(rectangle.width, rectangle.height),
	};
}

enum status display_rectangle(const struct channel_request *request,
			      struct display_size size,
			      struct rectangle *rectangle)
{
	struct rectangle r = {
		.x = (u32)request->position,
		.y = (u32)(request->position >> 32),
		.width = (u32)request->argument,
		.height = (u32)(request->argument >> 32),
	};

	if (request->operation != DISPLAY_SHOW || r.width == 0 || r.height == 0)
		return ERR_ARGUMENT;
	if (!range_within(r.x, r.width, size.width) ||
	    !range_within(r.y, r.height, size.height))
		return ERR_RANGE;
	*rectangle = r;
	return STATUS_OK;
}
