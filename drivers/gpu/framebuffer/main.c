// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The driver of a picture that the firmware has set up in memory (UEFI's graphics
// output protocol): nothing can be asked of it, it is just shown. The server side of
// the channel "picture", whose protocol is lib/driver/display.h: a rectangle that
// has changed is copied from the channel's data area into the memory "picture".
//
// What does not fit into the data area stays black. Nothing is remembered: a new
// instance copies the whole picture.
#include "abi/constants.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/driver/display.h"
#include "lib/sys/component.h"

static struct {
	u8 *memory;
	u32 pitch; // of the memory
	bool red_first;
	struct display_size size; // of what is shown of the data area
} picture;

static struct channel channel;

// The data area has blue in byte 0.
static u32 swapped(u32 pixel)
{
	return (pixel & 0xff) << 16 | (pixel & 0xff00) | (pixel >> 16 & 0xff);
}

static void copy(struct rectangle rectangle)
{
	for (u32 y = 0; y < rectangle.height; y++) {
		u64 row = rectangle.y + y;
		u64 column = rectangle.x * (u64)DISPLAY_PIXEL_BYTES;
		volatile u32 *to =
			(volatile u32 *)(picture.memory + row * picture.pitch +
					 column);
		const u32 *from =
			(const u32 *)(channel.data + row * picture.size.pitch +
				      column);

		for (u32 x = 0; x < rectangle.width; x++)
			to[x] = picture.red_first ? swapped(from[x]) : from[x];
	}
}

// The size in the data area: as much of the picture as it holds.
static void choose_size(u64 width, u64 height)
{
	u64 pitch;

	width = MIN(width, (u64)DISPLAY_SIDE_MAX);
	pitch = width * DISPLAY_PIXEL_BYTES;
	height = MIN(MIN(height, (u64)DISPLAY_SIDE_MAX),
		     channel.data_bytes / pitch);
	if (height != 0)
		picture.size = (struct display_size){(u32)width, (u32)height,
						     (u32)pitch};
}

static void open_picture(void)
{
	const struct startup_cap *memory =
		startup_need("picture", STARTUP_MEMORY);
	const struct startup_cap *size =
		startup_need("picture-size", STARTUP_NUMBER);
	const struct startup_cap *place =
		startup_need("picture-place", STARTUP_NUMBER);
	void *mapped;
	enum status status = memory_map(handle_of(memory->handle), 0, memory->a,
					MAP_READ | MAP_WRITE, &mapped);

	if (status != STATUS_OK)
		component_fail("picture: %s", status_text(status));
	picture.memory = (u8 *)mapped + place->a;
	picture.pitch = (u32)place->b;
	picture.red_first = place->b >> 32;
	choose_size(size->a, size->b);
	for (u64 y = 0; y < size->b; y++)
		for (u64 x = 0; x < size->a; x++)
			*(volatile u32 *)(picture.memory + y * picture.pitch +
					  x * DISPLAY_PIXEL_BYTES) = 0;
	copy((struct rectangle){0, 0, picture.size.width, picture.size.height});
	log_print("%lu by %lu pixels", size->a, size->b);
}

static void serve(u32 entry)
{
	struct channel_request request;
	struct rectangle rectangle;
	enum status status;

	channel_read(&channel, entry, &request);
	status = display_rectangle(&request, picture.size, &rectangle);
	if (status == STATUS_OK)
		copy(rectangle);
	else
		channel.table->faults++;
	channel_complete(&channel, entry, status, 0);
}

int component_main(const struct startup *page)
{
	enum status status = channel_open(
		&channel, startup_need("picture", STARTUP_CHANNEL));

	if (status != STATUS_OK)
		component_fail("channel: %s", status_text(status));
	open_picture();
	display_publish(&channel, picture.size, page->generation);
	component_ready();
	for (;;) {
		u64 bits = channel_take(&channel);

		while (bits != 0) {
			serve(lowest_bit(bits));
			bits &= bits - 1;
		}
		if (component_wait(channel.my_bits, 0, &bits) != STATUS_OK)
			component_fail("wait");
	}
}
