// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The driver of a virtio GPU on PCI as a plain display: virtio 1.1, 5.7, without
// 3D; lib/driver/virtio.h has the bus. The server side of the channel "picture",
// whose protocol is lib/driver/display.h: the device reads the channel's data area
// itself, by the two commands "transfer" and "flush".
//
// Nothing is remembered: a new instance resets the device, gives it the same
// memory, shows all of it, and does again whatever stands unanswered in the
// channel. A device that refuses a command, or does not answer, ends this
// instance, and the next one starts with a reset.
//
// The size is what the display asks for, if it fits into the data area.
#include "abi/constants.h"
#include "drivers/gpu/virtio-gpu/command.h"
#include "lib/base/bits.h"
#include "lib/driver/virtio.h"
#include "lib/driver/virtqueue.h"
#include "lib/sys/component.h"

#define NOTIFY_IRQ BIT(32)
#define ANSWER_NS 10000000000ull // a command may take so long
#define PAGES_MAX 2048 // of the picture
#define CONTROL_QUEUE 0
#define CONFIG_BYTES 16
#define RESOURCE 1
#define WIDTH_USUAL 1024
#define HEIGHT_USUAL 768
#define SIDE_MIN 64

// Memory of the queue: the rings, behind them two answers, then commands.
#define COMMAND_PAGES (GPU_ATTACH_BYTES(PAGES_MAX) / PAGE_BYTES + 1)
#define QUEUE_PAGES (1 + COMMAND_PAGES)
#define ANSWERS VIRTQUEUE_FREE
#define COMMANDS PAGE_BYTES
static_assert(ANSWERS + 2 * GPU_ANSWER_BYTES <= PAGE_BYTES);

// Two commands may be under way, each in its place of the memory and with descriptors
// of its own. A long command in the first place reaches over the second, and is sent
// alone.
struct place {
	u32 first; // descriptor
	u32 command, answer; // offsets
};
static const struct place places[2] = {
	{0, COMMANDS, ANSWERS},
	{VIRTQUEUE_ENTRIES - 2, COMMANDS + PAGE_BYTES - GPU_COMMAND_BYTES,
	 ANSWERS + GPU_ANSWER_BYTES},
};

static struct {
	struct virtio virtio;
	struct virtqueue queue;
	u8 *memory;
	u64 bus[QUEUE_PAGES];
	u64 page_bus[PAGES_MAX]; // of the picture
	struct display_size size;
	u32 entry; // of the channel, being shown
	u64 since_ns; // when the commands under way were sent
} gpu;

static struct channel channel;

// ---- commands

static u8 *command_of(u32 place)
{
	return gpu.memory + places[place].command;
}

static const volatile u8 *answer_of(u32 place)
{
	return gpu.memory + places[place].answer;
}

static u64 bus_of(u32 offset)
{
	return gpu.bus[offset / PAGE_BYTES] + offset % PAGE_BYTES;
}

// The command of so many bytes in a place: one descriptor for each page of it, one
// for the answer.
static void offer(u32 place, u32 bytes)
{
	u32 next = places[place].first;
	u32 at = places[place].command;

	while (bytes != 0) {
		u32 piece = MIN(bytes, PAGE_BYTES - at % PAGE_BYTES);

		virtqueue_describe(&gpu.queue, next,
				   (struct virtqueue_descriptor){
					   bus_of(at), piece, VIRTQUEUE_NEXT,
					   (u16)(next + 1)});
		next++;
		at += piece;
		bytes -= piece;
	}
	virtqueue_describe(&gpu.queue, next,
			   (struct virtqueue_descriptor){
				   bus_of(places[place].answer),
				   GPU_ANSWER_BYTES, VIRTQUEUE_WRITE, 0});
	*(u32 *)(gpu.memory + places[place].answer) = 0;
	virtqueue_offer(&gpu.queue, places[place].first);
	gpu.since_ns = clock_ns();
}

// Takes in answers; true when none is missing.
static bool collect(void)
{
	enum status status;
	u32 first;

	while ((status = virtqueue_next(&gpu.queue, &first)) == STATUS_OK)
		;
	if (status != ERR_EMPTY)
		component_fail("the device's answers make no sense");
	if (gpu.queue.under_way == 0)
		return true;
	if (clock_ns() - gpu.since_ns > ANSWER_NS)
		component_fail("the device does not answer");
	return false;
}

// Wait for what may come; false when nothing came in time.
static void wait(u64 bits)
{
	u64 got = 0;
	enum status status = component_wait(bits | NOTIFY_IRQ,
					    clock_ns() + ANSWER_NS / 10, &got);

	if (status != STATUS_OK && status != ERR_TIMEOUT)
		component_fail("wait: %s", status_text(status));
	if (got & NOTIFY_IRQ)
		virtio_acknowledge(&gpu.virtio);
	if (virtio_needs_reset(&gpu.virtio))
		component_fail("the device asks for a reset");
}

static void finish(void)
{
	virtio_kick(&gpu.virtio, CONTROL_QUEUE);
	while (!collect())
		wait(0);
}

static void carry_out(const char *what, u32 bytes)
{
	offer(0, bytes);
	finish();
	if (!gpu_done(answer_of(0)))
		component_fail("the device refuses to %s", what);
}

// ---- start

static bool fits(u32 width, u32 height)
{
	return width >= SIDE_MIN && height >= SIDE_MIN &&
		width <= DISPLAY_SIDE_MAX && height <= DISPLAY_SIDE_MAX &&
		(u64)width * height * DISPLAY_PIXEL_BYTES <= channel.data_bytes;
}

static void choose_size(void)
{
	u32 width, height;

	offer(0, gpu_display_info(command_of(0)));
	finish();
	if (!gpu_wanted_size(answer_of(0), &width, &height) ||
	    !fits(width, height)) {
		width = WIDTH_USUAL;
		height = HEIGHT_USUAL;
	}
	if (!fits(width, height))
		component_fail("a data area of %lu bytes holds no picture",
			       channel.data_bytes);
	gpu.size = (struct display_size){width, height,
					 width * DISPLAY_PIXEL_BYTES};
}

static void show(struct rectangle rectangle)
{
	offer(0,
	      gpu_transfer(command_of(0), RESOURCE, gpu.size.pitch, rectangle));
	offer(1, gpu_flush(command_of(1), RESOURCE, rectangle));
	virtio_kick(&gpu.virtio, CONTROL_QUEUE);
}

static void check_shown(void)
{
	if (!gpu_done(answer_of(0)) || !gpu_done(answer_of(1)))
		component_fail("the device refuses to show a rectangle");
}

static void open_picture(void)
{
	u32 width = gpu.size.width, height = gpu.size.height;
	u64 bytes = (u64)gpu.size.pitch * height;
	u32 npages = (u32)(align_up(bytes, PAGE_BYTES) / PAGE_BYTES);

	for (u32 i = 0; i < npages; i++)
		gpu.page_bus[i] =
			virtio_pin(&gpu.virtio, channel.memory,
				   CHANNEL_TABLE_BYTES + i * (u64)PAGE_BYTES);
	carry_out("make a picture",
		  gpu_create(command_of(0), RESOURCE, width, height));
	carry_out("take the picture's memory",
		  gpu_attach(command_of(0), RESOURCE, gpu.page_bus, npages));
	carry_out("show the picture",
		  gpu_scanout(command_of(0), RESOURCE, width, height));
	show((struct rectangle){0, 0, width, height});
	while (!collect())
		wait(0);
	check_shown();
}

static bool open_device(void)
{
	struct virtio *virtio = &gpu.virtio;

	channel.data_bytes =
		align_down(MIN(channel.data_bytes, PAGES_MAX * (u64)PAGE_BYTES),
			   PAGE_BYTES);
	if (!virtio_claim(virtio, CONFIG_BYTES))
		return false;
	virtio_negotiate(virtio, VIRTIO_FEATURE_VERSION_1, 0);
	gpu.memory = virtio_memory(virtio, QUEUE_PAGES * PAGE_BYTES, gpu.bus);
	virtqueue_init(&gpu.queue, gpu.memory);
	virtio_queue(virtio, CONTROL_QUEUE, bus_of(VIRTQUEUE_DESCRIPTORS),
		     bus_of(VIRTQUEUE_AVAILABLE), bus_of(VIRTQUEUE_USED));
	virtio_start(virtio, NOTIFY_IRQ);
	choose_size();
	open_picture();
	log_print("%02x:%02x.%x: %u by %u pixels", virtio->location >> 8,
		  virtio->location >> 3 & 31, virtio->location & 7,
		  gpu.size.width, gpu.size.height);
	return true;
}

// ---- work

// Of all that stands in the channel, begin one that can be done.
static bool begin(void)
{
	u64 bits = channel_take(&channel);

	bits |= channel.taken;
	while (bits != 0) {
		struct channel_request request;
		struct rectangle rectangle;
		u32 entry = lowest_bit(bits);
		enum status status;

		bits &= bits - 1;
		channel_read(&channel, entry, &request);
		status = display_rectangle(&request, gpu.size, &rectangle);
		if (status == STATUS_OK) {
			gpu.entry = entry;
			show(rectangle);
			return true;
		}
		channel.table->faults++;
		channel_complete(&channel, entry, status, 0);
	}
	return false;
}

[[noreturn]] static void refuse_all(void)
{
	for (;;) {
		u64 bits = channel_take(&channel);

		while (bits != 0) {
			channel_complete(&channel, lowest_bit(bits), ERR_NODEV,
					 0);
			bits &= bits - 1;
		}
		(void)!component_wait(channel.my_bits, 0, &bits);
	}
}

int component_main(const struct startup *page)
{
	enum status status = channel_open(
		&channel, startup_need("picture", STARTUP_CHANNEL));
	bool there, busy = false;

	if (status != STATUS_OK)
		component_fail("channel: %s", status_text(status));
	there = open_device();
	display_publish(&channel, gpu.size, page->generation);
	component_ready();
	if (!there) {
		log_print("no such device on the bus");
		refuse_all();
	}
	for (;;) {
		if (busy && collect()) {
			check_shown();
			channel_complete(&channel, gpu.entry, STATUS_OK, 0);
			busy = false;
		}
		if (!busy)
			busy = begin();
		wait(channel.my_bits);
	}
}
