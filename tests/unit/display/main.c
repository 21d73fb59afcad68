// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What stands between the screen's cells and a display: drawing, whose picture after
// any number of small updates must be that of drawing everything anew, with changes
// only in the rectangle that it names; the protocol, with a driver and a client that
// write garbage; and a virtio GPU's commands, byte for byte (virtio 1.1, 5.7.6).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/gpu/virtio-gpu/command.h"
#include "lib/base/bits.h"
#include "lib/sys/component.h"
#include "services/screen/draw.h"

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#condition);                                   \
			abort();                                               \
		}                                                              \
	} while (0)

#define WIDTH 203 // no whole number of cells
#define HEIGHT 101
#define PITCH (WIDTH * DISPLAY_PIXEL_BYTES + 12)
#define DATA_BYTES (PITCH * HEIGHT)

static u64 seed;
static u64 signals;
alignas(4096) static u8 memory[CHANNEL_TABLE_BYTES + DATA_BYTES];
static struct channel channel;

// ---- what channels stand on

enum status sys_signal(struct handle self)
{
	(void)self;
	signals++;
	return STATUS_OK;
}

u64 clock_ns(void)
{
	return 1;
}

enum status component_wait(u64 mask, u64 deadline_ns, u64 *bits)
{
	(void)mask, (void)deadline_ns, (void)bits;
	return ERR_TIMEOUT;
}

enum status memory_map(struct handle handle, u64 offset, u64 length, u32 flags,
		       void **out)
{
	(void)handle, (void)offset, (void)length, (void)flags, (void)out;
	return ERR_RANGE;
}

static u64 next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static u32 below(u32 limit)
{
	return (u32)(next_random() % limit);
}

// ---- drawing

static struct terminal terminal;
static struct drawing drawing, fresh;
static u8 picture[DATA_BYTES], before[DATA_BYTES], whole[DATA_BYTES];
static const struct display_size size = {WIDTH, HEIGHT, PITCH};

static void write_something(void)
{
	static const char *const some[] = {
		"\x1b[2J",     "\x1b[H",       "\x1b[K",       "\r\n\n\n",
		"\x1b[L",      "\x1b[M",       "\x1b[7m",      "\x1b[0m",
		"\x1b[31m",    "\x1b[1;44m",   "\x1b[4m",      "\x1b[?25l",
		"\x1b[?25h",   "\x1b[5P",      "\x1b[3@",      "\x1b[2T",
		"\xc3\xbc",    "\xe4\xb8\xad", "\xe2\x94\x80", "\x1b[?1049h",
		"\x1b[?1049l", "\x1b[8m",      "\x1b[2m",      "\x1bM",
	};
	char text[32];

	switch (below(3)) {
	case 0:
		snprintf(text, sizeof(text), "text %u", below(1000));
		break;
	case 1:
		snprintf(text, sizeof(text), "\x1b[%u;%uH", below(8),
			 below(30));
		break;
	default:
		snprintf(text, sizeof(text), "%s",
			 some[below(ARRAY_COUNT(some))]);
	}
	terminal_write(&terminal, (const u8 *)text, strlen(text));
}

static bool inside(struct rectangle r, u32 x, u32 y)
{
	return x >= r.x && x - r.x < r.width && y >= r.y && y - r.y < r.height;
}

static void check_rectangle(struct rectangle r)
{
	CHECK(r.width != 0 && r.height != 0);
	CHECK(r.x + r.width <= WIDTH && r.y + r.height <= HEIGHT);
	for (u32 y = 0; y < HEIGHT; y++)
		for (u32 x = 0; x < PITCH / 4; x++)
			if (memcmp(picture + y * PITCH + x * 4,
				   before + y * PITCH + x * 4, 4) != 0)
				CHECK(inside(r, x, y));
}

static void test_drawing(void)
{
	struct rectangle r;
	u32 columns, rows, nothing = 0;

	draw_cells_of(size, &columns, &rows);
	CHECK(columns == WIDTH / 8 && rows == HEIGHT / 16);
	terminal_init(&terminal, columns, rows);
	memset(picture, 0x55, sizeof(picture));
	memset(whole, 0x55, sizeof(whole));
	draw_begin(&drawing, picture, size);
	for (u32 i = 0; i < 4000; i++) {
		for (u32 n = below(3); n != 0; n--)
			write_something();
		memcpy(before, picture, sizeof(before));
		if (draw_update(&drawing, &terminal, &r))
			check_rectangle(r);
		else
			nothing++;
		CHECK(!draw_update(&drawing, &terminal, &r));
		draw_begin(&fresh, whole, size);
		CHECK(draw_update(&fresh, &terminal, &r));
		CHECK(memcmp(picture, whole, sizeof(whole)) == 0);
	}
	CHECK(nothing > 100 && nothing < 3900);
	terminal_init(&terminal, columns - 1, rows); // not this picture's
	CHECK(!draw_update(&drawing, &terminal, &r));
	CHECK(draw_colour(0) == 0 && draw_colour(15) == 0xffffff);
	CHECK(draw_colour(16) == 0 && draw_colour(231) == 0xffffff);
	CHECK(draw_colour(196) == 0xff0000 && draw_colour(232) == 0x080808);
}

// ---- the protocol

static void test_protocol(void)
{
	struct channel_request request;
	struct rectangle r;
	u32 good = 0, shown = 0;

	memset(memory, 0, sizeof(memory));
	CHECK(channel_adopt(&channel, memory, sizeof(memory)) == STATUS_OK);
	CHECK(display_size(&channel).width == 0); // nothing said yet
	display_publish(&channel, size, 1);
	CHECK(display_size(&channel).width == WIDTH);
	CHECK(display_size(&channel).height == HEIGHT);
	CHECK(display_size(&channel).pitch == PITCH && signals == 1);
	request = display_request((struct rectangle){3, 4, 5, 6});
	CHECK(display_rectangle(&request, size, &r) == STATUS_OK);
	CHECK(r.x == 3 && r.y == 4 && r.width == 5 && r.height == 6);
	display_publish(&channel, (struct display_size){}, 1);
	CHECK(display_size(&channel).width == 0);
	for (u32 i = 0; i < 1000000; i++) {
		struct display_size said;
		u64 mask = below(2) ? ~0ull : 0xff000000ffull << below(9);

		channel.table->capacity = next_random() & mask;
		channel.table->max_sectors =
			below(2) ? (u32)next_random() : below(2000) * 4;
		said = display_size(&channel);
		CHECK((u64)said.pitch * said.height <= DATA_BYTES);
		CHECK(said.width * 4 <= said.pitch);
		good += said.width != 0;
		request.operation = below(20) ? DISPLAY_SHOW : below(4);
		request.position = next_random() & mask;
		request.argument = next_random() & mask;
		if (display_rectangle(&request, size, &r) != STATUS_OK)
			continue;
		CHECK((u64)r.x + r.width <= WIDTH && r.width != 0);
		CHECK((u64)r.y + r.height <= HEIGHT && r.height != 0);
		shown++;
	}
	CHECK(good > 1000 && shown > 1000);
}

// ---- commands

static u32 at(const u8 *bytes, u32 offset)
{
	u32 value;

	memcpy(&value, bytes + offset, 4);
	return value;
}

static void test_commands(void)
{
	static const u64 page[] = {0x1000, 0x2000,	0x3000,	    0x9000,
				   0x8000, 0x100000000, 0x100001000};
	alignas(8) u8 out[512] = {};
	u32 width, height;

	CHECK(gpu_display_info(out) == 24 && at(out, 0) == 0x100);
	CHECK(gpu_create(out, 9, 640, 480) == 40 && at(out, 0) == 0x101);
	CHECK(at(out, 4) == 0 && at(out, 24) == 9 && at(out, 28) == 2);
	CHECK(at(out, 32) == 640 && at(out, 36) == 480);
	CHECK(gpu_attach(out, 9, page, 7) == 32 + 4 * 16);
	CHECK(at(out, 0) == 0x106 && at(out, 24) == 9 && at(out, 28) == 4);
	CHECK(at(out, 32) == 0x1000 && at(out, 40) == 3 * 4096);
	CHECK(at(out, 48) == 0x9000 && at(out, 56) == 4096);
	CHECK(at(out, 64) == 0x8000 && at(out, 72) == 4096);
	CHECK(at(out, 80) == 0 && at(out, 84) == 1 && at(out, 88) == 8192);
	CHECK(gpu_scanout(out, 9, 640, 480) == 48 && at(out, 0) == 0x103);
	CHECK(at(out, 24) == 0 && at(out, 28) == 0 && at(out, 32) == 640);
	CHECK(at(out, 36) == 480 && at(out, 40) == 0 && at(out, 44) == 9);
	CHECK(gpu_transfer(out, 9, 2560, (struct rectangle){8, 16, 24, 32}) ==
	      56);
	CHECK(at(out, 0) == 0x105 && at(out, 24) == 8 && at(out, 28) == 16);
	CHECK(at(out, 32) == 24 && at(out, 36) == 32);
	CHECK(at(out, 40) == 16 * 2560 + 8 * 4 && at(out, 44) == 0);
	CHECK(at(out, 48) == 9);
	CHECK(gpu_flush(out, 9, (struct rectangle){1, 2, 3, 4}) == 48);
	CHECK(at(out, 0) == 0x104 && at(out, 24) == 1 && at(out, 28) == 2);
	CHECK(at(out, 32) == 3 && at(out, 36) == 4 && at(out, 40) == 9);
	memset(out, 0, sizeof(out));
	CHECK(!gpu_done(out) && !gpu_wanted_size(out, &width, &height));
	out[1] = 0x11; // OK, without data
	CHECK(gpu_done(out) && !gpu_wanted_size(out, &width, &height));
	out[0] = 1; // display information
	CHECK(!gpu_done(out) && !gpu_wanted_size(out, &width, &height));
	out[32] = 64, out[36] = 48, out[40] = 1;
	CHECK(gpu_wanted_size(out, &width, &height));
	CHECK(width == 64 && height == 48);
	out[1] = 0x12; // refused
	CHECK(!gpu_done(out) && !gpu_wanted_size(out, &width, &height));
}

int main(int argc, char **argv)
{
	const char *text = getenv("KOCHAB_TEST_SEED");

	seed = text ? strtoull(text, nullptr, 0) : 1;
	if (argc > 1)
		seed = strtoull(argv[1], nullptr, 0);
	seed = seed * 2654435761u + 88172645463325252ull;
	test_drawing();
	test_protocol();
	test_commands();
	return 0;
}
