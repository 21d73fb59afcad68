// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Channels: see channel.h. Both bit words are changed only by atomic operations;
// an entry is written before its bit is set (release) and read after it is seen
// (acquire). Nothing the other side wrote decides an address or a length here.
#include "lib/driver/channel.h"

#include "abi/constants.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/ipc/bell.h"
#include "lib/ipc/shared.h"
#include "lib/sys/component.h"

#define CHANNEL_VERSION 1
#define SECTOR_BYTES 512
#define POLL_NS 20000000ull // look again even without a signal

enum status channel_adopt(struct channel *channel, void *memory, u64 bytes)
{
	struct channel_table *table = memory;
	u32 magic;

	if (bytes <= CHANNEL_TABLE_BYTES)
		return ERR_RANGE;
	magic = __atomic_load_n(&table->magic, __ATOMIC_ACQUIRE);
	if (magic != 0 && (magic != CHANNEL_MAGIC ||
			   table->version != CHANNEL_VERSION))
		return ERR_CORRUPT;
	if (magic == 0) {
		// Both sides write the same, in whatever order.
		table->version = CHANNEL_VERSION;
		table->data_bytes = bytes - CHANNEL_TABLE_BYTES;
		__atomic_store_n(&table->magic, CHANNEL_MAGIC, __ATOMIC_RELEASE);
	}
	channel->table = table;
	channel->data = (u8 *)memory + CHANNEL_TABLE_BYTES;
	channel->data_bytes = bytes - CHANNEL_TABLE_BYTES;
	channel->taken = 0;
	channel->bell = 0;
	return STATUS_OK;
}

enum status channel_open(struct channel *channel, const struct startup_cap *cap)
{
	enum status status;
	void *memory;

	memset(channel, 0, sizeof(*channel));
	if (cap->a <= CHANNEL_TABLE_BYTES)
		return ERR_RANGE;
	status = memory_map(handle_of(cap->handle), 0, cap->a,
			    MAP_READ | MAP_WRITE, &memory);
	if (status != STATUS_OK)
		return status;
	channel->memory = handle_of(cap->handle);
	channel->peer = handle_of(cap->peer);
	channel->my_bits = cap->b;
	return channel_adopt(channel, memory, cap->a);
}

void channel_signal(struct channel *channel)
{
	// A peer that is gone for a moment looks at the table when it comes back.
	(void)!sys_signal(channel->peer);
}

static u64 *bell_of(struct channel *channel, enum channel_side side)
{
	return side == CHANNEL_SERVER ? &channel->table->server_bell
				      : &channel->table->client_bell;
}

// Something has been made visible to the other side.
static void wake(struct channel *channel, enum channel_side other)
{
	u64 *bell = bell_of(channel, other), seen;

	if (!RING_BUG(16))
		shared_fence();
	if (!bell_asleep(bell, &seen))
		return;
	channel_signal(channel);
	bell_rung(bell, seen);
}

bool channel_arm(struct channel *channel, enum channel_side side)
{
	u64 *bell = bell_of(channel, side);

	if (channel->bell == 0)
		channel->bell = bell_open(bell);
	bell_arm(bell, &channel->bell);
	return side == CHANNEL_CLIENT
		? channel_finished(channel) != 0
		: (shared_load_acquire(&channel->table->submitted) &
		   ~channel->taken) != 0;
}

void channel_woken(struct channel *channel, enum channel_side side)
{
	bell_disarm(bell_of(channel, side), &channel->bell);
}

int channel_claim(struct channel *channel)
{
	u64 busy = channel->taken | shared_load_acquire(&channel->table->submitted) |
		   shared_load_acquire(&channel->table->done);
	u32 entry;

	if (!~busy)
		return -1;
	entry = lowest_bit(~busy);
	channel->taken |= BIT(entry);
	return (int)entry;
}

void channel_submit(struct channel *channel, u32 entry,
		    const struct channel_request *request)
{
	struct channel_request *shared = &channel->table->request[entry];
	struct channel_request copy = *request;

	copy.generation = shared->generation + 1;
	copy.status = 0;
	copy.result = 0;
	shared_put((u64 *)shared, &copy, sizeof(copy));
	shared_set(&channel->table->submitted, BIT(entry));
	wake(channel, CHANNEL_SERVER);
}

u64 channel_finished(struct channel *channel)
{
	u64 done = shared_load_acquire(&channel->table->done);

	if (RING_BUG(17))
		return done & channel->taken;
	return done & ~shared_load_acquire(&channel->table->submitted) &
		channel->taken;
}

// The two members that the server writes: one word.
struct answer {
	i32 status;
	u32 result;
};
static_assert(OFFSET_OF(struct channel_request, status) % 8 == 0 &&
	      OFFSET_OF(struct channel_request, result) ==
		      OFFSET_OF(struct channel_request, status) + 4);

static u64 *answer_of(struct channel *channel, u32 entry)
{
	return (u64 *)&channel->table->request[entry] +
		OFFSET_OF(struct channel_request, status) / 8;
}

void channel_answer(struct channel *channel, u32 entry, enum status *status,
		    u32 *result)
{
	struct answer answer;

	shared_get(&answer, answer_of(channel, entry), sizeof(answer));
	*status = status_from_word((u64)(i64)answer.status);
	*result = answer.result;
}

void channel_release(struct channel *channel, u32 entry)
{
	shared_clear(&channel->table->done, BIT(entry));
	channel->taken &= ~BIT(entry);
}

static enum status wait_a_little(struct channel *channel, u64 deadline_ns)
{
	u64 now = clock_ns();
	u64 until = now + POLL_NS;
	u64 bits;
	enum status status;

	if (deadline_ns != 0 && now >= deadline_ns)
		return ERR_TIMEOUT;
	if (deadline_ns != 0 && deadline_ns < until)
		until = deadline_ns;
	status = component_wait(channel->my_bits, until, &bits);
	return status == ERR_TIMEOUT ? STATUS_OK : status;
}

enum status channel_resume_client(struct channel *channel, u64 deadline_ns)
{
	// The predecessor may have died between submitting and saying so.
	if (!RING_BUG(19))
		channel_signal(channel);
	for (;;) {
		enum status status;

		(void)channel_arm(channel, CHANNEL_CLIENT);
		if (shared_load_acquire(&channel->table->submitted) == 0)
			break;
		status = wait_a_little(channel, deadline_ns);
		if (status != STATUS_OK)
			return status;
	}
	channel_woken(channel, CHANNEL_CLIENT);
	shared_store_release(&channel->table->done, 0);
	channel->taken = 0;
	return STATUS_OK;
}

enum status channel_wait_ready(struct channel *channel, u64 deadline_ns)
{
	while (!__atomic_load_n(&channel->table->ready, __ATOMIC_ACQUIRE)) {
		enum status status = wait_a_little(channel, deadline_ns);

		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

void channel_publish(struct channel *channel, u32 flags, u64 capacity,
		     u32 max_sectors, u32 generation)
{
	struct channel_table *table = channel->table;

	// A predecessor may have said that it is awake; this one has said nothing.
	channel->bell = bell_open(&table->server_bell);
	shared_store(&table->server_bell, 0);
	table->flags = flags;
	table->capacity = capacity;
	table->max_sectors = max_sectors;
	table->server_generation = generation;
	__atomic_store_n(&table->ready, 1, __ATOMIC_RELEASE);
	channel_signal(channel);
}

u64 channel_take(struct channel *channel)
{
	u64 bits = shared_load_acquire(&channel->table->submitted) & ~channel->taken;

	channel->taken |= bits;
	return bits;
}

void channel_read(struct channel *channel, u32 entry,
		  struct channel_request *out)
{
	shared_get(out, (const u64 *)&channel->table->request[entry],
		   sizeof(*out));
}

void channel_complete(struct channel *channel, u32 entry, enum status status,
		      u32 result)
{
	struct answer answer = {(i32)status, result};

	shared_put(answer_of(channel, entry), &answer, sizeof(answer));
	if (RING_BUG(18))
		shared_clear(&channel->table->submitted, BIT(entry));
	shared_set(&channel->table->done, BIT(entry));
	if (!RING_BUG(18))
		shared_clear(&channel->table->submitted, BIT(entry));
	channel->taken &= ~BIT(entry);
	wake(channel, CHANNEL_CLIENT);
}

enum status block_check(const struct channel_request *request, u64 data_bytes,
			u64 capacity, u32 flags, u32 max_sectors)
{
	u64 bytes = (u64)request->count * SECTOR_BYTES;

	if (request->operation == BLOCK_FLUSH)
		return STATUS_OK;
	if (request->operation != BLOCK_READ &&
	    request->operation != BLOCK_WRITE)
		return ERR_ARGUMENT;
	if (request->count == 0 || request->count > max_sectors ||
	    request->data % SECTOR_BYTES != 0)
		return ERR_ARGUMENT;
	if (!range_within(request->data, bytes, data_bytes) ||
	    !range_within(request->position, request->count, capacity))
		return ERR_RANGE;
	if (request->operation == BLOCK_WRITE && (flags & CHANNEL_READONLY))
		return ERR_READONLY;
	return STATUS_OK;
}
