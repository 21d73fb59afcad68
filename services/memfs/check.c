// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The check of a whole arena, by a new instance before it serves: every offset
// lies where it may, every list ends and agrees with its counts, every inode is
// named as often as it says, no block and no slot is used twice. It reads only
// what it has checked, and writes nothing but a map in the heap of the process.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "services/memfs/store.h"

struct check {
	const struct store *store;
	u64 *used; // a bit for each 64 bytes of heap
	u64 *slots; // a bit for each slot
	u32 *names; // names found, by inode
	const char *wrong;
};

static bool complain(struct check *check, const char *text)
{
	if (!check->wrong)
		check->wrong = text;
	return false;
}

static bool is_directory(const struct inode *inode)
{
	return (inode->mode & FS_TYPE_MASK) == FS_TYPE_DIRECTORY;
}

// Take a block of the heap: within what was handed out, and for the first time.
static bool take_block(struct check *check, u64 offset, u32 class)
{
	const struct store_super *super = check->store->super;
	u64 first = (offset - super->heap) / STORE_BLOCK;

	if (class >= STORE_CLASSES || offset < super->heap ||
	    (offset - super->heap) % STORE_BLOCK != 0 ||
	    offset + ((u64)STORE_BLOCK << class) > super->heap_used)
		return complain(check, "block outside the heap");
	for (u64 i = first; i < first + (1u << class); i++) {
		if (check->used[i / 64] & BIT(i % 64))
			return complain(check, "block used twice");
		check->used[i / 64] |= BIT(i % 64);
	}
	return true;
}

static bool check_numbers(struct check *check)
{
	const struct store_super *super = check->store->super;

	if (super->heap_used < super->heap || super->heap_used > super->bytes - STORE_TAIL ||
	    (super->heap_used - super->heap) % STORE_BLOCK != 0)
		return complain(check, "end of the heap");
	if (super->inodes_unused == 0 ||
	    super->inodes_unused > super->inodes + 1 ||
	    super->inodes_in_use >= super->inodes_unused)
		return complain(check, "number of inodes");
	if (super->slots != 0 && super->slot_hint >= super->slots / 64)
		return complain(check, "slot hint");
	return true;
}

static bool check_free_blocks(struct check *check)
{
	const struct store *store = check->store;

	for (u32 class = 0; class < STORE_CLASSES; class++) {
		u32 at = store->super->free_block[class];

		// A block met twice ends a list that runs in a circle.
		while (at != 0) {
			if (!take_block(check, at, class))
				return false;
			at = *(u32 *)store_at(store, at);
		}
	}
	return true;
}

static bool check_free_inodes(struct check *check)
{
	const struct store_super *super = check->store->super;
	u32 wanted = super->inodes_unused - 1 - super->inodes_in_use;
	u32 at = super->free_inode;
	u32 count = 0;

	for (; at != 0 && count <= wanted; count++) {
		const struct inode *inode;

		if (at >= super->inodes_unused)
			return complain(check, "free inode out of range");
		inode = store_inode(check->store, at);
		if (inode->mode != 0)
			return complain(check, "free inode in use");
		at = inode->next_free;
	}
	return count == wanted || complain(check, "number of free inodes");
}

static bool check_content(struct check *check, const struct inode *inode)
{
	const struct store *store = check->store;
	const u64 *map = store_at(store, store->super->slot_map);

	switch (inode->content) {
	case CONTENT_NONE:
		return true;
	case CONTENT_INLINE:
		if (inode->class >= STORE_CLASSES ||
		    inode->size_bytes > (u64)STORE_BLOCK << inode->class)
			return complain(check, "size of a small file");
		return take_block(check, inode->place, inode->class);
	case CONTENT_OBJECT:
		if (inode->place >= store->super->slots ||
		    inode->class >= OBJECT_CLASSES ||
		    inode->size_bytes > OBJECT_BYTES(inode->class))
			return complain(check, "object of a file");
		if (!(map[inode->place / 64] & BIT(inode->place % 64)) ||
		    (check->slots[inode->place / 64] & BIT(inode->place % 64)))
			return complain(check, "slot of a file");
		check->slots[inode->place / 64] |= BIT(inode->place % 64);
		return true;
	case CONTENT_ARCHIVE:
		return range_within(inode->archive, inode->size_bytes,
				    store->archive_bytes) ||
		       complain(check, "file outside the archive");
	}
	return complain(check, "kind of contents");
}

// One directory's list: order, links back, counts, names that can be found.
static bool check_directory(struct check *check, u32 index)
{
	const struct store *store = check->store;
	const struct inode *inode = store_inode(store, index);
	u32 previous = 0;
	u32 count = 0;
	u64 sequence = 0;

	for (u32 at = inode->first; at != 0; count++) {
		const struct name_entry *entry;

		if (at < store->super->heap || at % STORE_BLOCK != 0 ||
		    at > store->super->heap_used - STORE_BLOCK)
			return complain(check, "entry outside the heap");
		entry = store_at(store, at);
		if (!take_block(check, at, entry->class))
			return false;
		if (entry->name_bytes == 0 ||
		    OFFSET_OF(struct name_entry, name) + entry->name_bytes >
			    (u64)STORE_BLOCK << entry->class)
			return complain(check, "length of a name");
		if (entry->directory != index || entry->previous != previous ||
		    entry->sequence <= sequence ||
		    entry->sequence >= inode->sequence)
			return complain(check, "order of a directory");
		if (entry->hash != fs_hash(index, entry->name,
					   entry->name_bytes))
			return complain(check, "hash of a name");
		if (entry->inode == 0 ||
		    entry->inode >= store->super->inodes_unused ||
		    store_inode(store, entry->inode)->mode == 0)
			return complain(check, "name of no file");
		check->names[entry->inode]++;
		if ((store_inode(store, entry->inode)->mode & FS_TYPE_MASK) ==
			    FS_TYPE_DIRECTORY &&
		    store_inode(store, entry->inode)->parent != index)
			return complain(check, "parent of a directory");
		sequence = entry->sequence;
		previous = at;
		at = entry->next;
	}
	if (count != inode->entries || previous != inode->last)
		return complain(check, "number of entries");
	return true;
}

static bool check_inodes(struct check *check)
{
	const struct store *store = check->store;
	u32 in_use = 0;

	for (u32 i = 1; i < store->super->inodes_unused; i++) {
		const struct inode *inode = store_inode(store, i);
		u32 type = inode->mode & FS_TYPE_MASK;

		if (inode->mode == 0)
			continue;
		in_use++;
		if (!check_content(check, inode))
			return false;
		if (type == FS_TYPE_SYMLINK && inode->content != CONTENT_INLINE)
			return complain(check, "target of a symbolic link");
		if (type != FS_TYPE_DIRECTORY)
			continue;
		if (inode->parent == 0 || inode->parent > store->super->inodes)
			return complain(check, "parent out of range");
		if (!check_directory(check, i))
			return false;
	}
	if (in_use != store->super->inodes_in_use)
		return complain(check, "number of inodes in use");
	return true;
}

static bool check_links(struct check *check)
{
	const struct store *store = check->store;

	for (u32 i = 1; i < store->super->inodes_unused; i++) {
		const struct inode *inode = store_inode(store, i);
		u32 names = check->names[i];

		if (inode->mode == 0)
			continue;
		if ((inode->mode & FS_TYPE_MASK) != FS_TYPE_DIRECTORY) {
			if (inode->links != names)
				return complain(check, "number of links");
		} else if (names != (inode->links != 0 && i != STORE_ROOT)) {
			return complain(check, "names of a directory");
		}
	}
	return true;
}

// The chains hold as many entries as the directories do, so none runs in a circle
// and, as every entry of a directory is found, nothing else hangs in them.
static bool check_buckets(struct check *check)
{
	const struct store *store = check->store;
	const u32 *table = store_at(store, store->super->bucket_table);
	u64 chained = 0;
	u64 named = 0;

	for (u32 i = 1; i < store->super->inodes_unused; i++)
		if (is_directory(store_inode(store, i)))
			named += store_inode(store, i)->entries;
	for (u32 i = 0; i < store->super->buckets; i++) {
		u32 at = table[i];

		while (at != 0) {
			const struct name_entry *entry = store_at(store, at);

			if (at < store->super->heap || at % STORE_BLOCK != 0 ||
			    at > store->super->heap_used - STORE_BLOCK ||
			    ++chained > named)
				return complain(check, "chain of names");
			at = entry->next_hash;
		}
	}
	return chained == named || complain(check, "names in no chain");
}

static bool check_found(struct check *check)
{
	const struct store *store = check->store;

	for (u32 i = 1; i < store->super->inodes_unused; i++) {
		const struct inode *inode = store_inode(store, i);
		u32 at = is_directory(inode) ? inode->first : 0;

		while (at != 0) {
			const struct name_entry *entry = store_at(store, at);

			if (names_find(store, i, entry->name,
				       entry->name_bytes) != at)
				return complain(check, "name cannot be found");
			at = entry->next;
		}
	}
	return true;
}

const char *store_check(const struct store *store)
{
	const struct store_super *super = store->super;
	u64 blocks = (super->bytes - super->heap) / STORE_BLOCK;
	struct check check = {.store = store};
	const struct inode *root = store_inode(store, STORE_ROOT);

	check.used = heap_zalloc((blocks / 64 + 1) * sizeof(u64));
	check.slots = heap_zalloc((super->slots / 64 + 1) * sizeof(u64));
	check.names = heap_zalloc((super->inodes + 2) * sizeof(u32));
	if (!check.used || !check.slots || !check.names)
		complain(&check, "no memory for the check");
	else if (check_numbers(&check) && check_free_blocks(&check) &&
		 check_free_inodes(&check) && check_inodes(&check) &&
		 check_links(&check) && check_buckets(&check) &&
		 check_found(&check) &&
		 ((root->mode & FS_TYPE_MASK) != FS_TYPE_DIRECTORY ||
		  root->links == 0))
		complain(&check, "root directory");
	heap_free(check.used);
	heap_free(check.slots);
	heap_free(check.names);
	return check.wrong;
}
