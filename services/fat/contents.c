// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What is in files: chains of clusters, reading, writing, sizes; and attributes.
// See contents.h and volume.h.
#include "services/fat/contents.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/fat/nodes.h"
#include "services/fat/times.h"
#include "services/fat/volume.h"

#define WALKS 32
#define PARTS 16

// How far a chain was followed last.
struct walk {
	u64 node;
	u32 index, cluster;
};
static struct walk walks[WALKS];

// Sectors of which a part was read or written last: whoever appends a little, or
// reads a little after the other, comes back to them.
struct part {
	u64 sector; // 0: free
	u8 data[SECTOR_BYTES];
};
static struct part parts[PARTS];

void contents_rollback(void)
{
	(void)!disk_finish(); // nothing is under way any more
	memset(parts, 0, sizeof(parts));
	memset(walks, 0, sizeof(walks));
}

void contents_forget(void)
{
	memset(walks, 0, sizeof(walks));
}

static struct walk *walk_of(u64 node)
{
	return &walks[(node ^ node >> 7) % WALKS];
}

// The index-th cluster of a file. ERR_EMPTY: the chain is shorter; then *cluster
// is its last (0: there is none).
static enum status cluster_at(const struct object *object, u32 index,
			      u32 *cluster)
{
	struct walk *walk = walk_of(object->node);
	FFOBJID chain = object_chain(object);
	u32 at = 0;

	*cluster = object->cluster;
	if (object->cluster == 0)
		return ERR_EMPTY;
	if (object->cluster < 2 || object->cluster >= fat.n_fatent)
		return ERR_CORRUPT;
	if (walk->node == object->node && walk->index <= index) {
		at = walk->index;
		*cluster = walk->cluster;
	}
	for (; at < index; at++) {
		DWORD link = get_fat(&chain, *cluster);

		if (link < 2 || link == 0xffffffff)
			return fat_link_status(link);
		if (link >= fat.n_fatent)
			return ERR_EMPTY;
		*cluster = link;
	}
	*walk = (struct walk){object->node, index, *cluster};
	return STATUS_OK;
}

// Make the chain at least so many clusters long.
static enum status stretch(struct object *object, u32 wanted)
{
	FFOBJID chain = object_chain(object);
	u32 cluster;
	enum status status;
	u32 have = fat_clusters_for(object->size_bytes);

	if (wanted == 0 || (object->cluster != 0 && wanted <= have))
		return STATUS_OK;
	if (object->cluster == 0) {
		DWORD first = create_chain(&chain, 0);

		if (first == 0)
			return ERR_NOSPACE;
		if (first == 1 || first == 0xffffffff)
			return fat_link_status(first);
		object->cluster = first;
		have = 1;
	}
	chain = object_chain(object);
	have = MAX(have, 1u);
	status = cluster_at(object, have - 1, &cluster);
	if (status != STATUS_OK)
		return status == ERR_EMPTY ? ERR_CORRUPT : status;
	for (; have < wanted; have++) {
		DWORD link = create_chain(&chain, cluster);

		if (link == 0)
			return ERR_NOSPACE;
		if (link == 1 || link == 0xffffffff)
			return fat_link_status(link);
		cluster = link;
		*walk_of(object->node) =
			(struct walk){object->node, have, cluster};
	}
	return STATUS_OK;
}

// Sectors that follow each other on the disk from a place in the file on, at most
// wanted bytes of it.
static enum status run_at(const struct object *object, u64 offset, u64 wanted,
			  u64 *sector, u64 *bytes)
{
	u32 index = (u32)(offset / fat_cluster_bytes());
	u64 within = offset % fat_cluster_bytes();
	u32 cluster;
	enum status status = cluster_at(object, index, &cluster);
	u32 last;

	if (status != STATUS_OK)
		return status == ERR_EMPTY ? ERR_CORRUPT : status;
	*sector = clst2sect(&fat, cluster) + within / SECTOR_BYTES;
	*bytes = fat_cluster_bytes() - within;
	last = cluster;
	while (*bytes < wanted) {
		status = cluster_at(object, ++index, &cluster);
		if (status == ERR_EMPTY)
			break;
		if (status != STATUS_OK)
			return status;
		if (cluster != last + 1)
			break;
		last = cluster;
		*bytes += fat_cluster_bytes();
	}
	*bytes = MIN(*bytes, wanted);
	return STATUS_OK;
}

static struct part *part_of(u64 sector)
{
	return &parts[sector % PARTS];
}

static void forget_parts(u64 sector, u64 count)
{
	for (u32 i = 0; i < PARTS; i++)
		if (parts[i].sector >= sector &&
		    parts[i].sector - sector < count)
			parts[i].sector = 0;
}

static enum status load_part(u64 sector, struct part **out)
{
	struct part *part = part_of(sector);
	enum status status;

	*out = part;
	if (part->sector == sector)
		return STATUS_OK;
	part->sector = 0;
	disk_start(DISK_READ, sector, 1, part->data);
	status = disk_finish();
	if (status == STATUS_OK)
		part->sector = sector;
	return status;
}

static enum status read_part(u64 sector, u32 skip, u8 *data, u32 bytes)
{
	struct part *part;
	enum status status = load_part(sector, &part);

	if (status == STATUS_OK)
		memcpy(data, part->data + skip, bytes);
	return status;
}

enum status volume_read(u64 node, u64 offset, u8 *data, u32 bytes, u32 *done)
{
	struct object object;
	enum status status = object_load(node, &object);
	u64 end;

	*done = 0;
	if (status != STATUS_OK)
		return status;
	if (object.directory)
		return ERR_ISDIR;
	if (offset >= object.size_bytes)
		return STATUS_OK;
	end = MIN(offset + bytes, (u64)object.size_bytes);
	bytes = (u32)(end - offset);
	while (status == STATUS_OK && offset < end) {
		u32 skip = offset % SECTOR_BYTES;
		u64 sector, run;
		u32 step;

		status = run_at(&object, offset, end - offset, &sector, &run);
		if (status != STATUS_OK)
			break;
		if (skip != 0 || run < SECTOR_BYTES) {
			step = (u32)MIN(run, (u64)SECTOR_BYTES - skip);
			status = read_part(sector, skip, data, step);
		} else {
			step = (u32)align_down(run, SECTOR_BYTES);
			disk_start(DISK_READ, sector, step / SECTOR_BYTES, data);
		}
		offset += step;
		data += step;
	}
	// Nothing may be under way towards the caller's memory any more.
	if (status == STATUS_OK)
		status = disk_finish();
	else
		(void)!disk_finish();
	if (status == STATUS_OK)
		*done = bytes;
	return status;
}

// Part of a sector; what else is in it stays, if keep says so.
static enum status write_part(u64 sector, u32 skip, const u8 *data, u32 bytes,
			      bool keep)
{
	struct part *part = part_of(sector);
	enum status status = STATUS_OK;

	if (keep) {
		status = load_part(sector, &part);
	} else {
		memset(part->data, 0, sizeof(part->data));
		part->sector = sector;
	}
	if (status != STATUS_OK)
		return status;
	if (data)
		memcpy(part->data + skip, data, bytes);
	else
		memset(part->data + skip, 0, bytes);
	disk_start(DISK_WRITE, sector, 1, part->data);
	return STATUS_OK;
}

// Bytes (or zeroes) into the chain, which is long enough. Below old_end there is
// something that stays. The writes are under way when this returns: commit waits
// for them. (A server that dies leaves them in the channel, and they are done.)
static enum status put(const struct object *object, u64 offset, const u8 *data,
		       u64 bytes, u64 old_end)
{
	static u8 zeroes[16 * SECTOR_BYTES];
	enum status status = STATUS_OK;

	while (status == STATUS_OK && bytes != 0) {
		u32 skip = offset % SECTOR_BYTES;
		u64 sector, run, step;

		status = run_at(object, offset, bytes, &sector, &run);
		if (status != STATUS_OK)
			break;
		if (skip != 0 || run < SECTOR_BYTES) {
			step = MIN(run, (u64)SECTOR_BYTES - skip);
			status = write_part(sector, skip, data, (u32)step,
					    offset - skip < old_end);
			run = SECTOR_BYTES;
		} else {
			run = align_down(run, SECTOR_BYTES);
			if (!data)
				run = MIN(run, (u64)sizeof(zeroes));
			step = run;
			forget_parts(sector, run / SECTOR_BYTES);
			disk_start(DISK_WRITE, sector,
				   (u32)(run / SECTOR_BYTES),
				   data ? (u8 *)data : zeroes);
		}
		journal_forget(sector, run / SECTOR_BYTES);
		offset += step;
		bytes -= step;
		if (data)
			data += step;
	}
	return status;
}

enum status volume_writable(void)
{
	return disk_facts().read_only ? ERR_READONLY : STATUS_OK;
}

// Room for end bytes, and zeroes between the old end and from.
static enum status grow(struct object *object, u64 from, u64 end)
{
	u64 old = object->size_bytes;
	enum status status;

	if (end > 0xffffffff)
		return ERR_FBIG;
	status = stretch(object, fat_clusters_for(end));
	if (status != STATUS_OK || from <= old)
		return status;
	status = put(object, old, nullptr, from - old, old);
	// The last of these and the first of what follows may be one sector.
	return status == STATUS_OK ? disk_finish() : status;
}

enum status volume_write(u64 node, u64 offset, const u8 *data, u32 bytes,
			 u32 *done)
{
	struct object object;
	enum status status = object_load(node, &object);
	u64 end;

	*done = 0;
	if (status == STATUS_OK)
		status = volume_writable();
	if (status != STATUS_OK)
		return status;
	if (object.directory)
		return ERR_ISDIR;
	if (bytes == 0)
		return STATUS_OK;
	if (!add_fits(offset, bytes, &end))
		return ERR_FBIG;
	status = grow(&object, offset, end);
	if (status == STATUS_OK)
		status = put(&object, offset, data, bytes, object.size_bytes);
	if (status != STATUS_OK)
		return status;
	object.size_bytes = (u32)MAX(end, (u64)object.size_bytes);
	object.modified = get_fattime();
	object.accessed = object.modified;
	status = object_store(&object);
	if (status == STATUS_OK)
		*done = bytes;
	return status;
}

static enum status cut(struct object *object, u32 size)
{
	FFOBJID chain = object_chain(object);
	u32 keep = fat_clusters_for(size);
	enum status status;
	u32 last;
	DWORD link;

	contents_forget();
	if (object->cluster == 0)
		return STATUS_OK;
	if (keep == 0) {
		status = fat_status(remove_chain(&chain, object->cluster, 0));
		object->cluster = 0;
		return status;
	}
	status = cluster_at(object, keep - 1, &last);
	if (status != STATUS_OK)
		return status == ERR_EMPTY ? ERR_CORRUPT : status;
	link = get_fat(&chain, last);
	if (link < 2 || link == 0xffffffff)
		return fat_link_status(link);
	if (link >= fat.n_fatent)
		return STATUS_OK;
	return fat_status(remove_chain(&chain, link, last));
}

static enum status resize(struct object *object, u64 size)
{
	enum status status = STATUS_OK;

	if (object->directory)
		return ERR_ISDIR;
	if (size > 0xffffffff)
		return ERR_FBIG;
	if (size > object->size_bytes)
		status = grow(object, size, size);
	else
		status = cut(object, (u32)size);
	object->size_bytes = (u32)size;
	object->modified = get_fattime();
	return status;
}

// ---- attributes

enum status volume_attributes(u64 node, struct fs_attributes *out)
{
	struct object object;
	enum status status = object_load(node, &object);
	u64 clusters;

	if (status != STATUS_OK)
		return status;
	clusters = object.directory ? 1 : fat_clusters_for(object.size_bytes);
	*out = (struct fs_attributes){
		.node = node,
		.mode = object_mode(&object),
		.links = object.directory ? 2 : 1,
		.size_bytes = object.directory ? fat_cluster_bytes()
					       : object.size_bytes,
		.blocks_512 = clusters * fat.csize,
		.atime_ns = fat_time_to_ns(object.accessed >> 16, 0),
		.mtime_ns = fat_time_to_ns(object.modified >> 16,
					   object.modified & 0xffff),
		.block_bytes = (u32)fat_cluster_bytes(),
	};
	out->ctime_ns = out->mtime_ns;
	if (object.location == 0 && node != VOLUME_ROOT)
		out->links = 0;
	return STATUS_OK;
}

enum status volume_set_attributes(u64 node, u32 mask,
				  const struct fs_attributes *in)
{
	struct object object;
	enum status status = object_load(node, &object);

	if (status == STATUS_OK)
		status = volume_writable();
	if (status != STATUS_OK)
		return status;
	if (mask & FS_SET_SIZE)
		status = resize(&object, in->size_bytes);
	if (status != STATUS_OK)
		return status;
	if (node == VOLUME_ROOT)
		return STATUS_OK; // it has no entry to keep anything in
	// Owners, and all of the mode but "may be written", have no place here.
	if (mask & FS_SET_MODE)
		object.read_only = !(in->mode & 0200);
	if (mask & FS_SET_MTIME)
		object.modified = fat_time_from_ns(in->mtime_ns);
	if (mask & FS_SET_ATIME)
		object.accessed = fat_time_from_ns(in->atime_ns);
	return object_store(&object);
}
