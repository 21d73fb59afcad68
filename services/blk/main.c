// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The virtualiser of a disk: stands between the driver's channel ("device") and a
// client's ("client"), so that neither has the other's memory, and data that the
// device is reading cannot be changed by the client meanwhile. One client for now.
//
// Entry i of the client's table is entry i of the device's, with the same place in
// the data area: the two tables are the record of what is in flight, and there is
// none of its own. A new instance waits until the driver has answered what its
// predecessor had sent, then sends again all that the client still waits for.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/driver/channel.h"
#include "lib/sys/component.h"

#define SECTORS_LIMIT 2048u // of one request, whatever the driver says

static struct channel device, client;
static struct channel_request request[CHANNEL_ENTRIES]; // checked copies
static u64 capacity;
static u32 flags, max_sectors;
static u64 data_bytes; // both areas have them

static void start(u32 entry)
{
	struct channel_request *r = &request[entry];
	enum status status;
	u64 bytes;

	channel_read(&client, entry, r);
	status = block_check(r, data_bytes, capacity, flags, max_sectors);
	if (flags & CHANNEL_ABSENT)
		status = ERR_NODEV;
	if (status != STATUS_OK) {
		client.table->faults++;
		channel_complete(&client, entry, status, 0);
		return;
	}
	bytes = r->count * 512ull;
	if (r->operation == BLOCK_WRITE)
		memcpy(device.data + r->data, client.data + r->data, bytes);
	device.taken |= BIT(entry);
	channel_submit(&device, entry, r);
}

static void finish(u32 entry)
{
	const struct channel_request *r = &request[entry];
	enum status status;
	u32 result;

	channel_answer(&device, entry, &status, &result);
	if (status == STATUS_OK && r->operation == BLOCK_READ)
		memcpy(client.data + r->data, device.data + r->data,
		       r->count * 512ull);
	channel_release(&device, entry);
	channel_complete(&client, entry, status, 0);
}

static void for_each(u64 bits, void (*act)(u32 entry))
{
	while (bits != 0) {
		act(lowest_bit(bits));
		bits &= bits - 1;
	}
}

static void open_channels(void)
{
	enum status status = channel_open(
		&device, startup_need("device", STARTUP_CHANNEL));

	if (status != STATUS_OK)
		component_fail("channel of the device: %s", status_text(status));
	status = channel_open(&client, startup_need("client", STARTUP_CHANNEL));
	if (status != STATUS_OK)
		component_fail("channel of the client: %s", status_text(status));
	data_bytes = MIN(device.data_bytes, client.data_bytes);
}

int component_main(const struct startup *page)
{
	open_channels();
	component_ready();
	if (channel_wait_ready(&device, 0) != STATUS_OK ||
	    channel_resume_client(&device, 0) != STATUS_OK)
		component_fail("the driver's channel cannot be waited for");
	capacity = device.table->capacity;
	flags = device.table->flags & (CHANNEL_READONLY | CHANNEL_ABSENT);
	max_sectors = MIN(device.table->max_sectors, SECTORS_LIMIT);
	channel_publish(&client, flags, capacity, max_sectors,
			page->generation);
	for (;;) {
		bool busy;
		u64 bits;

		for_each(channel_finished(&device), finish);
		for_each(channel_take(&client), start);
		busy = channel_arm(&device, CHANNEL_CLIENT);
		busy |= channel_arm(&client, CHANNEL_SERVER);
		if (!busy && component_wait(device.my_bits | client.my_bits, 0,
					    &bits) != STATUS_OK)
			component_fail("wait");
		channel_woken(&device, CHANNEL_CLIENT);
		channel_woken(&client, CHANNEL_SERVER);
	}
}
