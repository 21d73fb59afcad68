// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See journal.h. The stash: a head, two tables of holds of which one is valid, and
// the saved sectors. One word of the head says all at once: which table is valid,
// whether the journal is committed, and how many sectors it has.
#include "services/fat/journal.h"

#include "lib/base/bits.h"
#include "lib/base/checksum.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"

#define MAGIC 0x4c4e524a54414600ull
#define VERSION 1
#define SECTORS_MAX 4096
#define CACHE_LINES 32 // of 8 sectors each
#define LINE_SECTORS 8u
#define SLOTS 8192 // of the index, a power of two above SECTORS_MAX

#define WORD_COMMITTED BIT(63)
#define WORD_TABLE BIT(62)
#define WORD_COUNT 0xffffffff

struct head {
	u64 magic, version;
	u64 word; // see above; changes atomically
	u64 checksum; // of all that a committed journal consists of
	u64 answer_index; // ~0: none
	u64 mirror[3]; // first, count, distance
	struct answer answer;
	struct hold hold[2][HOLDS];
};

struct saved {
	u64 sector;
	u8 data[SECTOR_BYTES];
};

struct line {
	u64 first; // sector; ~0: free
	u8 data[LINE_SECTORS * SECTOR_BYTES];
};

static struct head *head;
static struct saved *saved;
static u32 room, count; // sectors in the journal
static struct hold holds[HOLDS]; // working copy
static bool holds_dirty;
static struct answer *answers;
static u32 nanswers;
static u16 slot[SLOTS]; // index of saved by sector: number + 1
static struct line cache[CACHE_LINES];

#ifdef KOCHAB_HOST
void journal_test_hook(void); // a test stops the server here
#endif

static void barrier(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
#ifdef KOCHAB_HOST
	journal_test_hook();
#endif
}

u64 journal_bytes_min(void)
{
	return sizeof(struct head) + 32 * sizeof(struct saved);
}

static u64 valid_table(void)
{
	return head->word & WORD_TABLE ? 1 : 0;
}

// ---- index of the saved sectors

static u32 find(u64 sector, u32 *found)
{
	u32 at = (u32)(sector * 0x9e3779b97f4a7c15 >> 51) & (SLOTS - 1);
	while (slot[at] != 0 && saved[slot[at] - 1].sector != sector)
		at = (at + 1) & (SLOTS - 1);
	*found = slot[at];
	return at;
}

static void clear_index(void)
{
	if (count != 0)
		memset(slot, 0, sizeof(slot));
	count = 0;
}

// ---- cache

static struct line *line_of(u64 sector)
{
	return &cache[sector / LINE_SECTORS % CACHE_LINES];
}

void journal_forget(u64 sector, u64 number)
{
	u64 first = align_down(sector, LINE_SECTORS);

	if (number > CACHE_LINES * LINE_SECTORS) {
		for (u32 i = 0; i < CACHE_LINES; i++)
			cache[i].first = ~0ull;
		return;
	}
	for (; first < sector + number; first += LINE_SECTORS)
		if (line_of(first)->first == first)
			line_of(first)->first = ~0ull;
}

static enum status cached(u64 sector, u8 *data)
{
	u64 first = align_down(sector, LINE_SECTORS);
	struct line *line = line_of(sector);
	u64 capacity = disk_facts().capacity;
	enum status status;

	if (sector >= capacity)
		return ERR_RANGE;
	if (line->first != first) {
		line->first = ~0ull;
		disk_start(DISK_READ, first,
			   (u32)MIN((u64)LINE_SECTORS, capacity - first),
			   line->data);
		status = disk_finish();
		if (status != STATUS_OK) {
			// One bad sector must not hide its neighbours.
			disk_start(DISK_READ, sector, 1, data);
			return disk_finish();
		}
		line->first = first;
	}
	memcpy(data, line->data + (sector - first) * SECTOR_BYTES,
	       SECTOR_BYTES);
	return STATUS_OK;
}

static void update_cache(u64 sector, const u8 *data)
{
	struct line *line = line_of(sector);
	u64 first = align_down(sector, LINE_SECTORS);

	if (line->first == first)
		memcpy(line->data + (sector - first) * SECTOR_BYTES, data,
		       SECTOR_BYTES);
}

// ---- write out

static void start_write(u64 sector, u8 *data)
{
	disk_start(DISK_WRITE, sector, 1, data);
	update_cache(sector, data);
	if (sector >= head->mirror[0] &&
	    sector - head->mirror[0] < head->mirror[1])
		disk_start(DISK_WRITE, sector + head->mirror[2], 1, data);
}

static enum status write_out(u32 number)
{
	for (u32 i = 0; i < number; i++)
		start_write(saved[i].sector, saved[i].data);
	return disk_finish();
}

static u64 checksum(u32 number)
{
	u32 sum = crc32c(0, &head->answer_index,
			 OFFSET_OF(struct head, hold) -
				 OFFSET_OF(struct head, answer_index));

	return crc32c(sum, saved, number * sizeof(saved[0]));
}

// The answer becomes the session's record.
static void publish_answer(void)
{
	if (head->answer_index < nanswers)
		answers[head->answer_index] = head->answer;
}

static enum status replay(void)
{
	u64 number = head->word & WORD_COUNT;

	if (!(head->word & WORD_COMMITTED))
		return STATUS_OK;
	if (number > room || head->checksum != checksum((u32)number))
		return ERR_CORRUPT;
	publish_answer();
	return write_out((u32)number);
}

static bool holds_valid(const struct hold *table)
{
	for (u32 i = 0; i < HOLDS; i++)
		if (table[i].node != 0 && table[i].count == 0)
			return false;
	return true;
}

enum status journal_open(void *memory, u64 bytes, struct answer *records,
			 u32 nrecords)
{
	enum status status = STATUS_OK;

	if (bytes < journal_bytes_min())
		return ERR_RANGE;
	head = memory;
	saved = (void *)(head + 1);
	room = (u32)MIN((bytes - sizeof(*head)) / sizeof(*saved),
			(u64)SECTORS_MAX);
	answers = records;
	nanswers = nrecords;
	memset(slot, 0, sizeof(slot));
	count = 0;
	holds_dirty = false;
	for (u32 i = 0; i < CACHE_LINES; i++)
		cache[i].first = ~0ull;
	if (head->magic == MAGIC && head->version == VERSION) {
		status = replay();
		if (status == STATUS_OK && !holds_valid(head->hold[valid_table()]))
			status = ERR_CORRUPT;
	} else if (head->magic != 0) {
		status = ERR_CORRUPT;
	}
	if (status != STATUS_OK && status != ERR_CORRUPT)
		return status; // the disk: try again later
	if (status == ERR_CORRUPT || head->magic == 0) {
		memset(head, 0, sizeof(*head));
		head->version = VERSION;
		head->answer_index = ~0ull;
		barrier();
		head->magic = MAGIC;
	}
	__atomic_store_n(&head->word, head->word & WORD_TABLE, __ATOMIC_RELEASE);
	memcpy(holds, head->hold[valid_table()], sizeof(holds));
	return status;
}

struct hold *journal_holds(void)
{
	return holds;
}

void journal_holds_changed(void)
{
	holds_dirty = true;
}

void journal_mirror(u64 first, u64 number, u64 distance)
{
	head->mirror[0] = first;
	head->mirror[1] = number;
	head->mirror[2] = distance;
}

enum status journal_read(u64 sector, u32 number, u8 *data)
{
	for (u32 i = 0; i < number; i++) {
		u8 *to = data + i * SECTOR_BYTES;
		enum status status;
		u32 found;

		find(sector + i, &found);
		if (found != 0) {
			memcpy(to, saved[found - 1].data, SECTOR_BYTES);
			continue;
		}
		status = cached(sector + i, to);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

static enum status save(u64 sector, const u8 *data)
{
	u32 found;
	u32 at = find(sector, &found);

	if (found == 0 && count == room) {
		// Too much for one journal: what is there goes out now.
		enum status status = write_out(count);

		if (status != STATUS_OK)
			return status;
		clear_index();
		at = find(sector, &found);
	}
	if (found == 0) {
		saved[count].sector = sector;
		slot[at] = (u16)++count;
		found = count;
	}
	memcpy(saved[found - 1].data, data, SECTOR_BYTES);
	return STATUS_OK;
}

enum status journal_write(u64 sector, u32 number, const u8 *data)
{
	for (u32 i = 0; i < number; i++) {
		u64 at = sector + i;
		u64 mirror = head->mirror[0] + head->mirror[2];
		enum status status;

		if (disk_facts().read_only)
			return ERR_READONLY;
		if (at >= mirror && at - mirror < head->mirror[1])
			continue; // follows by itself
		status = save(at, data + i * SECTOR_BYTES);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

bool journal_dirty(void)
{
	return count != 0 || holds_dirty;
}

enum status journal_commit(u32 index, const struct answer *answer)
{
	u64 table = valid_table();
	enum status status;

	if (!journal_dirty())
		return STATUS_OK;
	if (holds_dirty) {
		table ^= 1;
		memcpy(head->hold[table], holds, sizeof(holds));
	}
	head->answer_index = answer ? index : ~0ull;
	if (answer)
		head->answer = *answer;
	head->checksum = checksum(count);
	barrier();
	__atomic_store_n(&head->word,
			 WORD_COMMITTED | (table ? WORD_TABLE : 0) | count,
			 __ATOMIC_RELEASE);
	barrier();
	publish_answer();
	status = write_out(count);
	barrier();
	__atomic_store_n(&head->word, head->word & WORD_TABLE, __ATOMIC_RELEASE);
	barrier();
	holds_dirty = false;
	clear_index();
	return status;
}

void journal_rollback(void)
{
	clear_index();
	if (holds_dirty)
		memcpy(holds, head->hold[valid_table()], sizeof(holds));
	holds_dirty = false;
}
