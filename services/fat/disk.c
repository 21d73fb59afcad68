// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See disk.h. The channel's data area is cut into pieces; a transfer takes as many
// entries as it needs pieces, and waits for one when all are under way. While it
// waits, heartbeats are answered (component_wait does it).
#include "services/fat/disk.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/driver/channel.h"
#include "lib/sys/component.h"
#include "services/fat/native.h"

#define PIECE_SECTORS 64u

struct piece {
	u8 *to; // of a read
	u32 bytes;
	bool used;
	u32 entry;
};

static struct channel channel;
static struct piece piece[CHANNEL_ENTRIES];
static u32 pieces, piece_sectors;
static enum status first_error;

enum status disk_open(const struct startup_cap *cap)
{
	enum status status = channel_open(&channel, cap);

	if (status == STATUS_OK)
		status = channel_wait_ready(&channel, 0);
	if (status == STATUS_OK)
		status = channel_resume_client(&channel, 0);
	if (status != STATUS_OK)
		return status;
	piece_sectors = MIN(PIECE_SECTORS, channel.table->max_sectors);
	if (piece_sectors == 0)
		return ERR_PROTOCOL;
	pieces = (u32)MIN(channel.data_bytes / (piece_sectors * SECTOR_BYTES),
			  (u64)CHANNEL_ENTRIES);
	return pieces == 0 ? ERR_RANGE : STATUS_OK;
}

struct disk_facts disk_facts(void)
{
	u32 flags = channel.table->flags;

	return (struct disk_facts){channel.table->capacity,
				   flags & CHANNEL_ABSENT,
				   flags & CHANNEL_READONLY};
}

static void note(enum status status)
{
	if (first_error == STATUS_OK)
		first_error = status;
}

static u8 *place_of(u32 index)
{
	return channel.data + (u64)index * piece_sectors * SECTOR_BYTES;
}

static void reap(void)
{
	u64 done = channel_finished(&channel);

	for (u32 i = 0; i < pieces && done != 0; i++) {
		struct piece *p = &piece[i];
		enum status status;
		u32 result;

		if (!p->used || !(done & BIT(p->entry)))
			continue;
		channel_answer(&channel, p->entry, &status, &result);
		if (status != STATUS_OK)
			note(status);
		else if (p->to)
			memcpy(p->to, place_of(i), p->bytes);
		channel_release(&channel, p->entry);
		p->used = false;
	}
}

static void wait(void)
{
	u64 bits;

	reap();
	// A lost signal costs a delay, not the request.
	if (!channel_arm(&channel, CHANNEL_CLIENT))
		(void)!component_wait(channel.my_bits, clock_ns() + 50000000,
				      &bits);
	channel_woken(&channel, CHANNEL_CLIENT);
	reap();
}

static u32 free_piece(void)
{
	for (;;) {
		for (u32 i = 0; i < pieces; i++)
			if (!piece[i].used)
				return i;
		wait();
	}
}

static void send(enum block_operation operation, u64 sector, u32 count, u8 *data)
{
	u32 index = free_piece();
	struct piece *p = &piece[index];
	struct channel_request request = {
		.operation = operation,
		.position = sector,
		.count = count,
		.data = index * piece_sectors * SECTOR_BYTES,
	};
	int entry;

	*p = (struct piece){.bytes = count * SECTOR_BYTES, .used = true};
	if (operation == BLOCK_WRITE)
		memcpy(place_of(index), data, p->bytes);
	else if (operation == BLOCK_READ)
		p->to = data;
	while ((entry = channel_claim(&channel)) < 0)
		wait();
	p->entry = (u32)entry;
	channel_submit(&channel, p->entry, &request);
}

void disk_start(enum disk_way way, u64 sector, u32 count, u8 *data)
{
	while (count != 0) {
		u32 step = MIN(count, piece_sectors);

		send(way == DISK_READ ? BLOCK_READ : BLOCK_WRITE, sector, step,
		     data);
		sector += step;
		count -= step;
		data += step * SECTOR_BYTES;
	}
}

enum status disk_finish(void)
{
	enum status status;
	bool busy;

	do {
		busy = false;
		for (u32 i = 0; i < pieces; i++)
			busy |= piece[i].used;
		if (busy)
			wait();
	} while (busy);
	status = first_error;
	first_error = STATUS_OK;
	switch (status) {
	case STATUS_OK:
	case ERR_NODEV:
	case ERR_READONLY:
	case ERR_RANGE:
		return status;
	default:
		return ERR_IO;
	}
}

enum status disk_flush(void)
{
	send(BLOCK_FLUSH, 0, 0, nullptr);
	return disk_finish();
}
