// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The arena, its journal and its heap: see store.h.
//
// The journal is a row of records {offset, bytes, the bytes}, each a multiple of
// 8 long, behind the number of bytes used. A record counts once that number
// includes it. One thread writes, and a successor starts after it has stopped,
// so keeping the compiler from reordering is enough.
#include "services/memfs/store.h"

#include "lib/base/bits.h"
#include "lib/base/checksum.h"
#include "lib/base/string.h"
#include "services/memfs/backing.h"

#define RECORDS_MAX 4096
#define CHECKED_FROM OFFSET_OF(struct store_super, bytes)
#define CHECKED_BYTES (OFFSET_OF(struct store_super, checked_end) - CHECKED_FROM)

struct journal {
	u32 used;
	u32 reserved;
	u8 record[];
};

struct journal_record {
	u32 offset, bytes;
	u8 data[];
};

#ifdef KOCHAB_HOST
void store_test_hook(void); // a test looks at the arena here
#endif

static void barrier(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
#ifdef KOCHAB_HOST
	store_test_hook();
#endif
}

static struct journal *journal_of(const struct store *store)
{
	return store_at(store, store->super->journal);
}

void store_touch(struct store *store, void *place, u32 bytes)
{
	struct journal *journal = journal_of(store);
	struct journal_record *record = (void *)(journal->record + journal->used);
	u32 whole = (u32)align_up(sizeof(*record) + bytes, 8);

	// No operation comes near the end: see the bound in the header.
	if (whole > STORE_JOURNAL_BYTES - sizeof(*journal) - journal->used)
		__builtin_trap();
	record->offset = (u32)((u8 *)place - store->base);
	record->bytes = bytes;
	memcpy(record->data, place, bytes);
	barrier();
	*(volatile u32 *)&journal->used = journal->used + whole;
	barrier();
}

void store_commit(struct store *store)
{
	barrier();
	*(volatile u32 *)&journal_of(store)->used = 0;
	barrier();
	for (u32 i = 0; i < store->ndoomed; i++)
		backing_destroy(store->doomed[i]);
	store->ndoomed = 0;
	store->ncreated = 0;
}

// Put back the last record first. False: the journal makes no sense.
static bool undo(struct store *store)
{
	static u32 start[RECORDS_MAX]; // too large for the stack
	struct journal *journal = journal_of(store);
	u32 room = STORE_JOURNAL_BYTES - sizeof(*journal);
	u32 used = journal->used;
	u32 count = 0;
	u32 at = 0;

	if (used > room || used % 8 != 0)
		return false;
	while (at < used) {
		struct journal_record *record = (void *)(journal->record + at);
		u64 whole = align_up(sizeof(*record) + (u64)record->bytes, 8);

		if (count == RECORDS_MAX || whole > used - at ||
		    !range_within(record->offset, record->bytes,
				  store->super->bytes))
			return false;
		start[count++] = at;
		at += (u32)whole;
	}
	while (count-- > 0) {
		struct journal_record *record =
			(void *)(journal->record + start[count]);

		memcpy(store->base + record->offset, record->data,
		       record->bytes);
	}
	barrier();
	*(volatile u32 *)&journal->used = 0;
	return true;
}

void store_rollback(struct store *store)
{
	if (!undo(store))
		__builtin_trap(); // we wrote it ourselves
	for (u32 i = 0; i < store->ncreated; i++)
		backing_destroy(store->created[i]);
	store->ncreated = 0;
	store->ndoomed = 0;
}

// ---- layout

static enum status layout(struct store_super *super, u64 bytes, u32 slots)
{
	u64 at = 4096;
	u64 inodes;

	if (bytes < STORE_BYTES_MIN || bytes > 0xffffffff)
		return ERR_RANGE;
	slots = (u32)align_down(MIN(slots, (u32)STORE_SLOTS_MAX), 64);
	super->bytes = bytes;
	super->record = (u32)at;
	at += STORE_RECORD_BYTES;
	super->journal = (u32)at;
	super->journal_bytes = STORE_JOURNAL_BYTES;
	at += STORE_JOURNAL_BYTES;
	super->slot_map = (u32)at;
	super->slots = slots;
	at = align_up(at + slots / 8, STORE_BLOCK);
	// A file takes an inode, a bucket and, with its name, one or two blocks.
	inodes = (bytes - at) / (sizeof(struct inode) + 4 + 3 * STORE_BLOCK);
	super->inodes = (u32)inodes;
	super->inode_table = (u32)at;
	at += inodes * sizeof(struct inode);
	super->buckets = 1u << highest_bit(inodes);
	super->bucket_table = (u32)at;
	super->heap = (u32)align_up(at + super->buckets * 4ull, STORE_BLOCK);
	return STATUS_OK;
}

static u32 super_checksum(const struct store_super *super)
{
	return crc32c(0, (const u8 *)super + CHECKED_FROM, CHECKED_BYTES);
}

enum status store_format(struct store *store, void *memory, u64 bytes, u32 slots)
{
	struct store_super *super = memory;
	struct store_super fresh = {};
	enum status status = layout(&fresh, bytes, slots);
	struct inode *root;

	if (status != STATUS_OK)
		return status;
	super->magic = 0;
	barrier();
	fresh.version = STORE_VERSION;
	fresh.checksum = super_checksum(&fresh);
	fresh.heap_used = fresh.heap;
	fresh.inodes_unused = STORE_ROOT;
	fresh.generation = 1;
	*super = fresh;
	store->base = memory;
	store->super = super;
	store->ndoomed = 0;
	store->ncreated = 0;
	memset(store_at(store, super->record), 0,
	       super->heap - super->record);
	root = store_inode_new(store, FS_TYPE_DIRECTORY | 0755, 0, 0);
	if (!root)
		return ERR_RANGE;
	root->links = 2;
	root->parent = STORE_ROOT;
	store_commit(store);
	super->magic = STORE_MAGIC;
	return STATUS_OK;
}

static enum status bad(const char **why, const char *text)
{
	*why = text;
	return ERR_CORRUPT;
}

enum status store_open(struct store *store, void *memory, u64 bytes, u32 slots,
		       const char **why)
{
	struct store_super *super = memory;
	struct store_super wanted = {};
	enum status status = layout(&wanted, bytes, slots);

	*why = "";
	if (status != STATUS_OK)
		return status;
	if (super->magic != STORE_MAGIC)
		return ERR_EMPTY;
	if (super->version != STORE_VERSION)
		return bad(why, "version");
	if (super->checksum != super_checksum(super) ||
	    memcmp((u8 *)super + CHECKED_FROM, (u8 *)&wanted + CHECKED_FROM,
		   CHECKED_BYTES) != 0)
		return bad(why, "superblock");
	store->base = memory;
	store->super = super;
	store->ndoomed = 0;
	store->ncreated = 0;
	if (!undo(store))
		return bad(why, "journal");
	*why = store_check(store);
	return *why ? ERR_CORRUPT : STATUS_OK;
}

// ---- heap

u32 store_class(u32 bytes)
{
	u32 class = 0;

	while (class < STORE_CLASSES && ((u32)STORE_BLOCK << class) < bytes)
		class++;
	return class; // STORE_CLASSES: too large
}

u32 store_alloc(struct store *store, u32 class)
{
	struct store_super *super = store->super;
	u32 bytes = (u32)STORE_BLOCK << class;
	u32 offset;

	if (class >= STORE_CLASSES)
		return 0;
	offset = super->free_block[class];
	if (offset != 0) {
		// The whole block, in case this same change has freed it.
		store_touch(store, &super->free_block[class], sizeof(u32));
		store_touch(store, store_at(store, offset), bytes);
		super->free_block[class] = *(u32 *)store_at(store, offset);
		return offset;
	}
	if (bytes > super->bytes - STORE_TAIL - super->heap_used)
		return 0;
	store_touch(store, &super->heap_used, sizeof(u32));
	offset = super->heap_used;
	super->heap_used += bytes;
	return offset;
}

void store_free(struct store *store, u32 offset, u32 class)
{
	u32 *head = &store->super->free_block[class];
	u32 *block = store_at(store, offset);

	store_touch(store, head, sizeof(u32));
	store_touch(store, block, sizeof(u32));
	*block = *head;
	*head = offset;
}

// ---- inodes and slots

struct inode *store_inode(const struct store *store, u32 index)
{
	struct inode *table = store_at(store, store->super->inode_table);

	return &table[index - 1];
}

u32 store_index(const struct store *store, const struct inode *inode)
{
	const struct inode *table = store_at(store, store->super->inode_table);

	return (u32)(inode - table) + 1;
}

u64 store_number(const struct store *store, const struct inode *inode)
{
	return (u64)inode->generation << 32 | store_index(store, inode);
}

struct inode *store_node(const struct store *store, u64 node)
{
	u32 index = (u32)node;
	struct inode *inode;

	if (index == 0 || index > store->super->inodes)
		return nullptr;
	inode = store_inode(store, index);
	if (inode->mode == 0 || inode->generation != node >> 32)
		return nullptr;
	return inode;
}

struct inode *store_inode_new(struct store *store, u32 mode, u32 uid, u32 gid)
{
	struct store_super *super = store->super;
	struct inode *inode;
	u32 index = super->free_inode;

	if (index == 0 && super->inodes_unused > super->inodes)
		return nullptr;
	store_touch(store, &super->free_inode,
		    sizeof(*super) - OFFSET_OF(struct store_super, free_inode));
	if (index != 0) {
		inode = store_inode(store, index);
		super->free_inode = inode->next_free;
	} else {
		inode = store_inode(store, super->inodes_unused++);
	}
	super->inodes_in_use++;
	store_touch(store, inode, sizeof(*inode));
	*inode = (struct inode){
		.mode = mode,
		.generation = super->generation,
		.uid = uid,
		.gid = gid,
		.sequence = 1,
	};
	if (++super->generation == 0)
		super->generation = 1;
	inode->atime_ns = backing_time_ns();
	inode->mtime_ns = inode->atime_ns;
	inode->ctime_ns = inode->atime_ns;
	return inode;
}

void store_inode_put(struct store *store, struct inode *inode)
{
	struct store_super *super = store->super;

	if (inode->links != 0 || inode->holds != 0)
		return;
	file_free(store, inode);
	store_touch(store, inode, sizeof(*inode));
	store_touch(store, &super->free_inode,
		    sizeof(*super) - OFFSET_OF(struct store_super, free_inode));
	inode->mode = 0;
	inode->next_free = super->free_inode;
	super->free_inode = store_index(store, inode);
	super->inodes_in_use--;
}

void store_hold(struct store *store, struct inode *inode, u32 holder)
{
	store_touch(store, inode, sizeof(*inode));
	if (inode->holds++ == 0)
		inode->holder = holder;
	else if (inode->holder != holder)
		inode->holder = HOLDER_SEVERAL;
}

void store_release(struct store *store, struct inode *inode)
{
	store_touch(store, inode, sizeof(*inode));
	inode->holds--;
	store_inode_put(store, inode);
}

void store_release_holder(struct store *store, u32 holder)
{
	for (u32 i = STORE_ROOT; i < store->super->inodes_unused; i++) {
		struct inode *inode = store_inode(store, i);

		if (inode->mode == 0 || inode->holds == 0 ||
		    inode->holder != holder || holder == HOLDER_SEVERAL)
			continue;
		store_touch(store, inode, sizeof(*inode));
		inode->holds = 0;
		store_inode_put(store, inode);
		store_commit(store);
	}
}

u32 store_slot_new(struct store *store)
{
	struct store_super *super = store->super;
	u64 *map = store_at(store, super->slot_map);
	u32 words = super->slots / 64;

	if (store->ncreated == STORE_PENDING)
		return STORE_SLOTS_MAX;
	for (u32 i = 0; i < words; i++) {
		u32 word = (super->slot_hint + i) % words;
		u32 bit;

		if (!~map[word])
			continue;
		bit = lowest_bit(~map[word]);
		store_touch(store, &map[word], sizeof(u64));
		store_touch(store, &super->slot_hint, sizeof(u32));
		map[word] |= BIT(bit);
		super->slot_hint = word;
		store->created[store->ncreated++] = word * 64 + bit;
		return word * 64 + bit;
	}
	return STORE_SLOTS_MAX;
}

void store_slot_doom(struct store *store, u32 slot)
{
	u64 *map = store_at(store, store->super->slot_map);

	store_touch(store, &map[slot / 64], sizeof(u64));
	map[slot / 64] &= ~BIT(slot % 64);
	if (store->ndoomed == STORE_PENDING)
		__builtin_trap(); // no operation frees more than two
	store->doomed[store->ndoomed++] = slot;
}
