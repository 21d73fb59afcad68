// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// screen: shows on a display what goes out on the console's serial line. It reads
// the console's output along through the tap "console" (lib/driver/tap.h), keeps a
// terminal of cells (terminal.h), draws what has changed (draw.h) and tells the
// display's driver through the channel "display" (lib/driver/display.h). Nobody
// waits for it: when it is slow, or gone for long, it misses output and goes on with
// what follows.
//
// The terminal and the place in the console's output are in the stash, twice and
// written in turn, so that a new instance finds one copy that is whole. It shows the
// same picture, and takes in each byte exactly once.
//
// Drawing goes into the display's memory while no rectangle is being shown, and 50
// times a second at most; output that comes meanwhile is drawn together, so that much
// of it costs the programs that write it little.
#include "lib/base/bits.h"
#include "lib/base/checksum.h"
#include "lib/base/string.h"
#include "lib/driver/display.h"
#include "lib/driver/tap.h"
#include "lib/sys/component.h"
#include "services/screen/draw.h"

#define STASH_MAGIC 0x4e454552435301ull
#define CHUNK_BYTES 4096u
#define CHUNKS 8 // at most, before something is shown
#define FRAME_NS 20000000ull // from one picture to the next, at least
#define PAST 1 // a deadline that is over: do not wait
#define ENTRY 0 // the one of the channel that is used
#define HEAD_BYTES OFFSET_OF(struct terminal, cell)

struct copy {
	u64 position; // in the console's output
	u64 magic;
	u32 sum; // of both and of the terminal up to its cells
	struct terminal terminal;
};

struct stash {
	u64 last; // copy[last % 2] is the newer one
	struct copy copy[2];
};

static struct {
	struct terminal terminal, other;
	struct drawing drawing;
	struct channel display;
	struct channel console;
	struct tap tap;
	struct stash *stash;
	bool begun; // there is a terminal
	bool told; // that output was missed
	u64 next_ns; // when the next picture may be shown
} screen;

// ---- the stash

static u32 sum_of(const struct copy *copy)
{
	u32 sum = crc32c(0, copy, OFFSET_OF(struct copy, sum));

	return crc32c(sum, &copy->terminal, HEAD_BYTES);
}

// Copies what has changed since this copy was written, then makes it the newer.
static void keep(void)
{
	struct terminal *terminal = &screen.terminal;
	u64 next = screen.stash->last + 1;
	struct copy *copy = &screen.stash->copy[next % 2];
	u8 mine = (u8)(1 << next % 2);

	copy->magic = 0; // not whole from here on
	for (u32 s = 0; s < 2; s++)
		for (u32 line = 0; line < terminal->rows; line++) {
			u32 at = line * terminal->columns;

			if (!(terminal->changed[s][line] & mine))
				continue;
			terminal->changed[s][line] &= (u8)~mine;
			memcpy(&copy->terminal.cell[s][at],
			       &terminal->cell[s][at],
			       terminal->columns * sizeof(struct cell));
		}
	memcpy(&copy->terminal, terminal, HEAD_BYTES);
	copy->position = screen.tap.position;
	copy->magic = STASH_MAGIC;
	copy->sum = sum_of(copy);
	__atomic_store_n(&screen.stash->last, next, __ATOMIC_RELEASE);
}

static void all_changed(void)
{
	memset(screen.terminal.changed, 0xff, sizeof(screen.terminal.changed));
}

static bool whole(const struct copy *copy)
{
	return copy->magic == STASH_MAGIC && copy->sum == sum_of(copy) &&
		terminal_valid(&copy->terminal);
}

static void open_stash(void)
{
	struct stash *stash = (struct stash *)startup->stash;

	if (!stash || startup->stash_bytes < sizeof(*stash))
		component_fail("needs a stash of %lu bytes", sizeof(*stash));
	screen.stash = stash;
	for (u64 back = 0; back < 2; back++) {
		const struct copy *copy =
			&stash->copy[(stash->last - back) % 2];

		if (!whole(copy))
			continue;
		screen.terminal = copy->terminal;
		screen.tap.position = copy->position;
		screen.begun = true;
		all_changed();
		return;
	}
	if (stash->last != 0)
		log_print("stash fails its check: the screen is emptied");
}

// ---- the console's output

// True: something came. What comes before the size of the display is known waits.
static bool listen(void)
{
	static u8 chunk[CHUNK_BYTES];
	bool any = false, lost;

	if (!screen.begun)
		return false;
	for (u32 i = 0; i < CHUNKS; i++) {
		u32 bytes = tap_read(&screen.tap, chunk, sizeof(chunk), &lost);

		if (lost) {
			if (!screen.told)
				log_print("too slow: some output was missed");
			screen.told = true;
			terminal_resume(&screen.terminal);
			any = true;
		}
		if (bytes == 0)
			break;
		terminal_write(&screen.terminal, chunk, bytes);
		any = true;
	}
	if (any)
		keep();
	return any;
}

static void open_console(void)
{
	enum status status = channel_open(
		&screen.console, startup_need("console", STARTUP_CHANNEL));

	if (status != STATUS_OK)
		component_fail("tap of the console: %s", status_text(status));
	if (!tap_init(&screen.tap, screen.console.data,
		      screen.console.data_bytes))
		component_fail("tap of %lu bytes", screen.console.data_bytes);
	screen.tap.position = 0; // unless the stash knows better
}

// ---- the display

static void resize(u32 columns, u32 rows)
{
	struct terminal *terminal = &screen.terminal;

	if (!screen.begun) {
		terminal_init(terminal, columns, rows);
	} else if (columns != terminal->columns || rows != terminal->rows) {
		screen.other = *terminal;
		terminal_init(terminal, columns, rows);
		terminal_copy(terminal, &screen.other);
	} else {
		return;
	}
	screen.begun = true;
	all_changed();
	keep();
}

// Follow the size that the driver says. False: there is no display.
static bool follow_display(void)
{
	struct display_size size = display_size(&screen.display);
	u32 columns, rows;

	if (memcmp(&size, &screen.drawing.size, sizeof(size)) == 0)
		return size.width != 0;
	draw_cells_of(size, &columns, &rows);
	if (!terminal_size_ok(columns, rows)) {
		screen.drawing.size = (struct display_size){};
		return false;
	}
	draw_begin(&screen.drawing, screen.display.data, size);
	resize(columns, rows);
	log_print("%u by %u pixels, %u columns, %u rows", size.width,
		  size.height, columns, rows);
	return true;
}

static void show(void)
{
	struct channel_request request;
	struct rectangle rectangle;

	if (channel_finished(&screen.display) & BIT(ENTRY))
		channel_release(&screen.display, ENTRY);
	if (screen.display.taken & BIT(ENTRY))
		return; // the display is busy
	if (!follow_display() ||
	    !draw_update(&screen.drawing, &screen.terminal, &rectangle))
		return;
	request = display_request(rectangle);
	screen.display.taken |= BIT(ENTRY);
	channel_submit(&screen.display, ENTRY, &request);
	screen.next_ns = clock_ns() + FRAME_NS;
}

static void wait(u64 bits, u64 deadline_ns)
{
	u64 got;
	enum status status = component_wait(bits, deadline_ns, &got);

	if (status != STATUS_OK && status != ERR_TIMEOUT)
		component_fail("wait: %s", status_text(status));
}

static void open_display(void)
{
	enum status status = channel_open(
		&screen.display, startup_need("display", STARTUP_CHANNEL));

	if (status != STATUS_OK)
		component_fail("channel of the display: %s",
			       status_text(status));
	// What a predecessor has asked for may still be under way.
	if (channel_resume_client(&screen.display, PAST) != STATUS_OK)
		screen.display.taken |= BIT(ENTRY);
}

int component_main(const struct startup *page)
{
	u64 wanted;

	(void)page;
	open_console();
	open_stash();
	open_display();
	(void)follow_display();
	wanted = screen.console.my_bits | screen.display.my_bits;
	component_ready();
	for (;;) {
		bool more = listen();

		show();
		wait(wanted, more ? PAST : 0);
		if (clock_ns() < screen.next_ns)
			wait(0, screen.next_ns);
	}
}
