// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The console port: see port.h. Output is sent by who has something to say, one
// at a time; when the console's queue is full, the input thread goes on once the
// console announces room.
#include "personalities/linux/port.h"

#include "gen/abi/console.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/carrier.h"
#include "personalities/linux/container.h"

#define RING_BYTES 16384u
#define CHUNK 2048u
#define NOTE_PORT (1ull << 34)

struct wait_queue port_queue = {{&port_queue.waiters, &port_queue.waiters}};
bool port_held;

static u8 ring[RING_BYTES];
static u32 head, used;
static bool sending;
static struct session out, in;
static void (*deliver)(const u8 *bytes, u32 count);

u32 port_room(void)
{
	return RING_BYTES - used;
}

u32 port_put(const u8 *bytes, u32 count)
{
	u32 done = 0;

	while (done < count && used < RING_BYTES) {
		u32 tail = (head + used) % RING_BYTES;
		u32 part = MIN(MIN(count - done, RING_BYTES - used),
			       RING_BYTES - tail);

		memcpy(ring + tail, bytes + done, part);
		used += part;
		done += part;
	}
	return done;
}

void port_flush(void)
{
	static u8 chunk[CHUNK];

	if (sending)
		return; // who sends goes on until nothing is left
	sending = true;
	while (used && !port_held) {
		u32 part = MIN(MIN(used, RING_BYTES - head), CHUNK), done = 0;
		enum status status;

		memcpy(chunk, ring + head, part);
		mutex_unlock(&container_lock);
		status = console_write(&out, chunk, part, &done);
		mutex_lock(&container_lock);
		if (status != STATUS_OK)
			done = part; // lost: nobody to show it to
		done = MIN(done, part);
		head = (head + done) % RING_BYTES;
		used -= done;
		wait_wake(&port_queue);
		if (!done)
			break; // full: the console says when there is room
	}
	sending = false;
}

void port_drain(void)
{
	while (used && !port_held) {
		struct wait_entry entry;

		port_flush();
		if (!used)
			break;
		wait_enter(&port_queue, &entry);
		(void)!wait_park(clock_ns() + 20000000);
		wait_leave(&entry);
	}
	while (sending)
		(void)!wait_park(clock_ns() + 1000000);
	sending = true;
	mutex_unlock(&container_lock);
	(void)!console_drain(&out);
	mutex_lock(&container_lock);
	sending = false;
}

static void input_loop(void *argument)
{
	struct carrier *self = carrier_self();
	static u8 bytes[CHUNK];

	(void)argument;
	for (;;) {
		u32 done = 0;
		u64 bits;

		if (console_read(&in, bytes, sizeof(bytes), &done) ==
			    STATUS_OK &&
		    done) {
			mutex_lock(&container_lock);
			deliver(bytes, MIN(done, (u32)sizeof(bytes)));
			port_flush();
			mutex_unlock(&container_lock);
			continue;
		}
		(void)!sys_wait(self->notification, NOTE_PORT | NOTE_WAKE,
				clock_ns() + 1000000000, &bits);
		mutex_lock(&container_lock);
		port_flush();
		mutex_unlock(&container_lock);
	}
}

i64 port_init(void (*input)(const u8 *bytes, u32 count))
{
	const struct startup_cap *cap =
		startup_need("console", STARTUP_ENDPOINT_CLIENT);
	struct carrier *carrier = carrier_claim(SELF_ASPACE);
	u32 slot = slot_alloc();

	deliver = input;
	if (!carrier)
		return -ENOMEM;
	if (sys_cap_mint(SELF_CNODE, slot, carrier->notification,
			 RIGHT_SIGNAL | RIGHT_DERIVE, NOTE_PORT) != STATUS_OK ||
	    session_open(&out, handle_of(cap->handle), 4096, CONSOLE_ATTACH,
			 CONSOLE_VERSION) != STATUS_OK ||
	    session_open(&in, handle_of(cap->handle), 4096, CONSOLE_ATTACH,
			 CONSOLE_VERSION) != STATUS_OK)
		return -ENOMEM;
	in.lane = 1;
	in.attach_extra = out.attach_extra = handle_of(slot);
	carrier_start(carrier, input_loop, nullptr);
	return 0;
}
