// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See nodes.h.
#include "services/fat/nodes.h"

#include "lib/base/bits.h"
#include "services/fat/contents.h"

#define LOCATION_BITS 36 // sector << 4 | index of the entry in it
#define LOCATION_MASK (BIT(LOCATION_BITS) - 1)
#define TAG_BITS 24

static u64 secret;

void nodes_start(u64 node_secret)
{
	secret = node_secret;
}

static u64 tagged(u64 location)
{
	u64 hash = (location ^ secret) * 0x9e3779b97f4a7c15;

	hash = (hash ^ hash >> 29 ^ secret) * 0xbf58476d1ce4e5b9;
	return hash >> (64 - TAG_BITS) << LOCATION_BITS | location;
}

struct hold *hold_of(u64 node)
{
	struct hold *holds = journal_holds();

	for (u32 i = 0; i < HOLDS; i++)
		if (holds[i].node == node)
			return &holds[i];
	return nullptr;
}

static struct hold *hold_at(u64 location)
{
	struct hold *holds = journal_holds();

	for (u32 i = 0; i < HOLDS; i++)
		if (holds[i].node != 0 && holds[i].location == location)
			return &holds[i];
	return nullptr;
}

// The number of the file whose entry lies there. Bits 60 on tell apart those
// whose number is still in use by a file that was moved away.
u64 node_at(u64 location)
{
	const struct hold *hold = hold_at(location);
	u64 node = tagged(location);

	if (hold)
		return hold->node;
	for (u64 i = 0; i < 16; i++)
		if (!hold_of(node | i << 60))
			return node | i << 60;
	return node; // sixteen held files came from here: as good as never
}

u64 location_in(const FF_DIR *dir)
{
	return (u64)dir->sect << 4 | dir->dptr % SECTOR_BYTES / ENTRY_BYTES;
}

void read_entry(struct object *object, const BYTE *entry)
{
	object->directory = entry[ENTRY_ATTRIBUTES] & AM_DIR;
	object->read_only = entry[ENTRY_ATTRIBUTES] & ATTRIBUTE_READONLY;
	object->cluster = ld_clust(&fat, entry);
	object->size_bytes =
		object->directory ? 0 : ld_dword(entry + ENTRY_SIZE);
	object->modified = ld_dword(entry + ENTRY_MODIFIED);
	object->accessed = (u32)ld_word(entry + ENTRY_ACCESSED) << 16;
}

static enum status load_orphan(struct object *object)
{
	object->directory = object->hold->reserved & HOLD_DIRECTORY;
	object->cluster = object->hold->cluster;
	object->size_bytes = object->hold->size_bytes;
	object->modified = object->accessed = get_fattime();
	return STATUS_OK;
}

enum status object_load(u64 node, struct object *object)
{
	const BYTE *entry;
	FRESULT result;

	*object = (struct object){.node = node};
	if (fat.fs_type == 0)
		return ERR_NODEV;
	if (node == 0)
		return ERR_STALE;
	if (node == VOLUME_ROOT) {
		object->directory = true;
		object->modified = object->accessed = 33u << 16;
		return STATUS_OK;
	}
	object->hold = hold_of(node);
	if (object->hold && object->hold->location == 0)
		return load_orphan(object);
	object->location = object->hold ? object->hold->location
					: node & LOCATION_MASK;
	if (!object->hold &&
	    (node & (BIT(60) - 1)) != tagged(object->location))
		return ERR_STALE;
	result = move_window(&fat, (DWORD)(object->location >> 4));
	if (result != FR_OK)
		return fat_status(result);
	entry = fat.win + object->location % 16 * ENTRY_BYTES;
	if (entry[ENTRY_NAME] == 0 || entry[ENTRY_NAME] == ENTRY_FREE ||
	    (entry[ENTRY_ATTRIBUTES] & ATTRIBUTE_VOLUME))
		return ERR_STALE;
	read_entry(object, entry);
	if (object->directory &&
	    (object->cluster < 2 || object->cluster >= fat.n_fatent))
		return ERR_CORRUPT;
	return STATUS_OK;
}

// Write cluster, size, dates and the read-only bit back.
enum status object_store(struct object *object)
{
	BYTE *entry;
	FRESULT result;

	if (object->location == 0) {
		object->hold->cluster = object->cluster;
		object->hold->size_bytes = object->size_bytes;
		journal_holds_changed();
		return STATUS_OK;
	}
	result = move_window(&fat, (DWORD)(object->location >> 4));
	if (result != FR_OK)
		return fat_status(result);
	entry = fat.win + object->location % 16 * ENTRY_BYTES;
	st_clust(&fat, entry, object->cluster);
	if (!object->directory)
		st_dword(entry + ENTRY_SIZE, object->size_bytes);
	st_dword(entry + ENTRY_MODIFIED, object->modified);
	st_word(entry + ENTRY_ACCESSED, (WORD)(object->accessed >> 16));
	entry[ENTRY_ATTRIBUTES] &= (BYTE)~ATTRIBUTE_READONLY;
	if (object->read_only)
		entry[ENTRY_ATTRIBUTES] |= ATTRIBUTE_READONLY;
	if (!object->directory)
		entry[ENTRY_ATTRIBUTES] |= AM_ARC;
	fat.wflag = 1;
	return STATUS_OK;
}

u32 object_mode(const struct object *object)
{
	return (object->directory ? FS_TYPE_DIRECTORY : FS_TYPE_FILE) |
	       (object->read_only ? 0555 : 0755);
}

FFOBJID object_chain(const struct object *object)
{
	return (FFOBJID){
		.fs = &fat, .id = fat.id, .sclust = object->cluster};
}

// ---- holds

enum status volume_hold(u64 node, u64 holder)
{
	struct object object;
	struct hold *hold;
	enum status status = object_load(node, &object);

	if (status != STATUS_OK)
		return status;
	if (node == VOLUME_ROOT)
		return STATUS_OK;
	hold = object.hold;
	if (!hold) {
		hold = hold_of(0);
		if (!hold)
			return ERR_QUOTA;
		*hold = (struct hold){.node = node,
				      .location = object.location,
				      .holder = holder};
	}
	if (hold->holder != holder)
		hold->holder = ~0ull;
	if (hold->count == 0xffffffff)
		return ERR_QUOTA;
	hold->count++;
	journal_holds_changed();
	return STATUS_OK;
}

static void let_go(struct hold *hold)
{
	FFOBJID chain = {.fs = &fat, .id = fat.id, .sclust = hold->cluster};

	// The number may be another file's from now on.
	contents_forget();
	// An error here leaves lost clusters; there is nobody to tell.
	if (hold->location == 0 && hold->cluster != 0)
		(void)remove_chain(&chain, hold->cluster, 0);
	*hold = (struct hold){};
}

void volume_release(u64 node)
{
	struct hold *hold = node != 0 ? hold_of(node) : nullptr;

	if (!hold)
		return;
	if (--hold->count == 0)
		let_go(hold);
	journal_holds_changed();
}

void volume_release_holder(u64 holder)
{
	struct hold *holds = journal_holds();

	for (u32 i = 0; i < HOLDS; i++)
		if (holds[i].node != 0 && holds[i].holder == holder) {
			let_go(&holds[i]);
			journal_holds_changed();
		}
}
