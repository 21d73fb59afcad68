// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See command.h. All numbers are little-endian, as all machines here are.
#include "drivers/gpu/virtio-gpu/command.h"

#include "lib/base/string.h"

enum command : u32 {
	GET_DISPLAY_INFO = 0x0100,
	RESOURCE_CREATE_2D = 0x0101,
	SET_SCANOUT = 0x0103,
	RESOURCE_FLUSH = 0x0104,
	TRANSFER_TO_HOST_2D = 0x0105,
	RESOURCE_ATTACH_BACKING = 0x0106,
	ANSWER_OK = 0x1100,
	ANSWER_DISPLAY_INFO = 0x1101,
};
#define FORMAT_B8G8R8X8 2 // bytes in memory: blue first

struct header {
	enum command type;
	u32 flags;
	u64 fence;
	u32 context, padding;
};
static_assert(sizeof(struct header) == 24);

struct create {
	struct header header;
	u32 resource, format, width, height;
};

struct entry {
	u64 address;
	u32 bytes, padding;
};

struct attach {
	struct header header;
	u32 resource, nentries;
	struct entry entry[];
};
static_assert(sizeof(struct attach) == GPU_ATTACH_BYTES(0));

struct scanout {
	struct header header;
	struct rectangle rectangle;
	u32 scanout, resource;
};

struct transfer {
	struct header header;
	struct rectangle rectangle;
	u64 offset;
	u32 resource, padding;
};
static_assert(sizeof(struct transfer) <= GPU_COMMAND_BYTES);

struct flush {
	struct header header;
	struct rectangle rectangle;
	u32 resource, padding;
};

// One of 16 in the answer to GET_DISPLAY_INFO.
struct display {
	struct rectangle rectangle;
	u32 enabled, flags;
};
static_assert(sizeof(struct header) + 16 * sizeof(struct display) <=
	      GPU_ANSWER_BYTES);

static u32 put(u8 *out, const void *command, u32 bytes)
{
	memcpy(out, command, bytes);
	return bytes;
}

u32 gpu_display_info(u8 *out)
{
	struct header command = {.type = GET_DISPLAY_INFO};

	return put(out, &command, sizeof(command));
}

u32 gpu_create(u8 *out, u32 resource, u32 width, u32 height)
{
	struct create command = {
		.header = {.type = RESOURCE_CREATE_2D},
		.resource = resource,
		.format = FORMAT_B8G8R8X8,
		.width = width,
		.height = height,
	};

	return put(out, &command, sizeof(command));
}

u32 gpu_attach(u8 *out, u32 resource, const u64 *page, u32 npages)
{
	struct attach *attach = (void *)out;
	u32 n = 0;

	*attach = (struct attach){
		.header = {.type = RESOURCE_ATTACH_BACKING},
		.resource = resource,
	};
	for (u32 i = 0; i < npages; i++) {
		struct entry *last = &attach->entry[n - 1];

		if (n != 0 && last->address + last->bytes == page[i])
			last->bytes += 4096;
		else
			attach->entry[n++] = (struct entry){page[i], 4096, 0};
	}
	attach->nentries = n;
	return GPU_ATTACH_BYTES(n);
}

u32 gpu_scanout(u8 *out, u32 resource, u32 width, u32 height)
{
	struct scanout command = {
		.header = {.type = SET_SCANOUT},
		.rectangle = {0, 0, width, height},
		.resource = resource,
	};

	return put(out, &command, sizeof(command));
}

u32 gpu_transfer(u8 *out, u32 resource, u32 pitch, struct rectangle rectangle)
{
	struct transfer command = {
		.header = {.type = TRANSFER_TO_HOST_2D},
		.rectangle = rectangle,
		.offset = (u64)rectangle.y * pitch +
			rectangle.x * DISPLAY_PIXEL_BYTES,
		.resource = resource,
	};

	return put(out, &command, sizeof(command));
}

u32 gpu_flush(u8 *out, u32 resource, struct rectangle rectangle)
{
	struct flush command = {
		.header = {.type = RESOURCE_FLUSH},
		.rectangle = rectangle,
		.resource = resource,
	};

	return put(out, &command, sizeof(command));
}

static u32 type_of(const volatile u8 *answer)
{
	return ((const volatile struct header *)answer)->type;
}

bool gpu_done(const volatile u8 *answer)
{
	return type_of(answer) == ANSWER_OK;
}

bool gpu_wanted_size(const volatile u8 *answer, u32 *width, u32 *height)
{
	const volatile struct display *first =
		(const volatile void *)(answer + sizeof(struct header));

	if (type_of(answer) != ANSWER_DISPLAY_INFO || !first->enabled)
		return false;
	*width = first->rectangle.width;
	*height = first->rectangle.height;
	return true;
}
