// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See volume.h. FatFs's own interface works with paths and keeps open files in
// the process; this one works with nodes and keeps nothing, so it uses the layer
// below: clusters, directory tables, names. They are static functions of ff.c,
// hence the inclusion.
#include "services/fat/volume.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"
#pragma clang diagnostic ignored "-Wunused-variable"
#pragma clang diagnostic ignored "-Wunused-parameter"
#pragma clang diagnostic ignored "-Wsign-compare"
#pragma clang diagnostic ignored "-Wimplicit-fallthrough"
#include "ff.c"
#pragma clang diagnostic pop

#include "lib/base/bits.h"
#include "services/fat/times.h"

#define LOCATION_BITS 36 // sector << 4 | index of the entry in it
#define LOCATION_MASK (BIT(LOCATION_BITS) - 1)
#define TAG_BITS 24
#define ENTRY_BYTES 32
#define COOKIE_END 0x7fffffffffffffff
#define WALKS 32
#define PARTS 16
#define DEPTH_MAX 128
#define ATTRIBUTE_READONLY 0x01
#define HOLD_DIRECTORY 1 // reserved of a hold: it was a directory

static FATFS fs, before; // before: at volume_begin()
static WCHAR long_name[FF_MAX_LFN + 1];
static FILINFO info; // large
static u64 secret;
static enum status disk_error; // why FatFs saw RES_ERROR

// What a node is now.
struct object {
	u64 node;
	u64 location; // 0: root, or no name any more
	struct hold *hold; // nullptr: not held
	bool directory, read_only;
	u32 cluster; // 0: none, or the root
	u32 size_bytes;
	u32 modified, accessed; // date << 16 | time
};

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

// ---- what FatFs asks for

static DRESULT result_of(enum status status)
{
	if (status == STATUS_OK)
		return RES_OK;
	disk_error = status;
	return status == ERR_READONLY ? RES_WRPRT : RES_ERROR;
}

DRESULT disk_read(void *drive, BYTE *data, DWORD sector, UINT count)
{
	(void)drive;
	return result_of(journal_read(sector, count, data));
}

DRESULT disk_write(void *drive, const BYTE *data, DWORD sector, UINT count)
{
	(void)drive;
	return result_of(journal_write(sector, count, data));
}

DRESULT disk_ioctl(void *drive, BYTE command, void *buffer)
{
	(void)drive;
	if (command == IOCTL_INIT || command == IOCTL_STATUS)
		*(DSTATUS *)buffer = disk_facts().absent ? STA_NODISK | STA_NOINIT
				     : disk_facts().read_only ? STA_PROTECT
							      : 0;
	return RES_OK;
}

DWORD get_fattime(void)
{
	return fat_time_from_ns(volume_now_ns());
}

static enum status status_of(FRESULT result)
{
	switch (result) {
	case FR_OK:
		return STATUS_OK;
	case FR_DISK_ERR:
		return disk_error == STATUS_OK ? ERR_IO : disk_error;
	case FR_NOT_READY:
		return ERR_NODEV;
	case FR_NO_FILE:
	case FR_NO_PATH:
		return ERR_NOENT;
	case FR_INVALID_NAME:
		return ERR_ARGUMENT;
	case FR_DENIED:
		return ERR_NOSPACE;
	case FR_EXIST:
		return ERR_EXIST;
	case FR_WRITE_PROTECTED:
		return ERR_READONLY;
	case FR_NO_FILESYSTEM:
		return ERR_FORMAT;
	default:
		return ERR_CORRUPT;
	}
}

// ---- a request

enum status volume_mount(u64 node_secret)
{
	enum status status;

	secret = node_secret;
	memset(walks, 0, sizeof(walks));
	memset(parts, 0, sizeof(parts));
	memset(&fs, 0, sizeof(fs));
	disk_error = STATUS_OK;
	if (disk_facts().absent)
		return ERR_NODEV;
	journal_mirror(0, 0, 0);
	status = status_of(f_mount(&fs));
	fs.lfnbuf = long_name;
	if (status != STATUS_OK)
		return status;
	if (fs.n_fats == 2)
		journal_mirror(fs.fatbase, fs.fsize, fs.fsize);
	return STATUS_OK;
}

void volume_begin(void)
{
	before = fs;
	disk_error = STATUS_OK;
}

void volume_rollback(void)
{
	(void)!disk_finish(); // nothing is under way any more
	memset(parts, 0, sizeof(parts));
	journal_rollback();
	fs = before;
	fs.wflag = 0;
	fs.winsect = 0xffffffff; // the window may hold what never was
	memset(walks, 0, sizeof(walks));
}

enum status volume_commit(u32 index, const struct answer *answer)
{
	enum status status = STATUS_OK;

	if (fs.wflag || journal_dirty())
		status = status_of(sync_fs(&fs));
	if (status != STATUS_OK)
		return status;
	if (!journal_dirty())
		return disk_finish();
	return journal_commit(index, answer);
}

// ---- nodes

static u64 tagged(u64 location)
{
	u64 hash = (location ^ secret) * 0x9e3779b97f4a7c15;

	hash = (hash ^ hash >> 29 ^ secret) * 0xbf58476d1ce4e5b9;
	return hash >> (64 - TAG_BITS) << LOCATION_BITS | location;
}

static struct hold *find_hold(u64 node)
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
static u64 node_at(u64 location)
{
	const struct hold *hold = hold_at(location);
	u64 node = tagged(location);

	if (hold)
		return hold->node;
	for (u64 i = 0; i < 16; i++)
		if (!find_hold(node | i << 60))
			return node | i << 60;
	return node; // sixteen held files came from here: as good as never
}

static u64 location_in(const DIR *dir)
{
	return (u64)dir->sect << 4 | dir->dptr % SECTOR_BYTES / ENTRY_BYTES;
}

static void read_entry(struct object *object, const BYTE *entry)
{
	object->directory = entry[DIR_Attr] & AM_DIR;
	object->read_only = entry[DIR_Attr] & ATTRIBUTE_READONLY;
	object->cluster = ld_clust(&fs, entry);
	object->size_bytes =
		object->directory ? 0 : ld_dword(entry + DIR_FileSize);
	object->modified = ld_dword(entry + DIR_ModTime);
	object->accessed = (u32)ld_word(entry + DIR_LstAccDate) << 16;
}

static enum status load_orphan(struct object *object)
{
	object->directory = object->hold->reserved & HOLD_DIRECTORY;
	object->cluster = object->hold->cluster;
	object->size_bytes = object->hold->size_bytes;
	object->modified = object->accessed = get_fattime();
	return STATUS_OK;
}

static enum status load(u64 node, struct object *object)
{
	const BYTE *entry;
	FRESULT result;

	*object = (struct object){.node = node};
	if (fs.fs_type == 0)
		return ERR_NODEV;
	if (node == 0)
		return ERR_STALE;
	if (node == VOLUME_ROOT) {
		object->directory = true;
		object->modified = object->accessed = 33u << 16;
		return STATUS_OK;
	}
	object->hold = find_hold(node);
	if (object->hold && object->hold->location == 0)
		return load_orphan(object);
	object->location = object->hold ? object->hold->location
					: node & LOCATION_MASK;
	if (!object->hold &&
	    (node & (BIT(60) - 1)) != tagged(object->location))
		return ERR_STALE;
	result = move_window(&fs, (DWORD)(object->location >> 4));
	if (result != FR_OK)
		return status_of(result);
	entry = fs.win + object->location % 16 * ENTRY_BYTES;
	if (entry[DIR_Name] == 0 || entry[DIR_Name] == DDEM ||
	    (entry[DIR_Attr] & AM_VOL))
		return ERR_STALE;
	read_entry(object, entry);
	if (object->directory &&
	    (object->cluster < 2 || object->cluster >= fs.n_fatent))
		return ERR_CORRUPT;
	return STATUS_OK;
}

// Write cluster, size, dates and the read-only bit back.
static enum status store(struct object *object)
{
	BYTE *entry;
	FRESULT result;

	if (object->location == 0) {
		object->hold->cluster = object->cluster;
		object->hold->size_bytes = object->size_bytes;
		journal_holds_changed();
		return STATUS_OK;
	}
	result = move_window(&fs, (DWORD)(object->location >> 4));
	if (result != FR_OK)
		return status_of(result);
	entry = fs.win + object->location % 16 * ENTRY_BYTES;
	st_clust(&fs, entry, object->cluster);
	if (!object->directory)
		st_dword(entry + DIR_FileSize, object->size_bytes);
	st_dword(entry + DIR_ModTime, object->modified);
	st_word(entry + DIR_LstAccDate, (WORD)(object->accessed >> 16));
	entry[DIR_Attr] &= (BYTE)~ATTRIBUTE_READONLY;
	if (object->read_only)
		entry[DIR_Attr] |= ATTRIBUTE_READONLY;
	if (!object->directory)
		entry[DIR_Attr] |= AM_ARC;
	fs.wflag = 1;
	return STATUS_OK;
}

static u32 mode_of(const struct object *object)
{
	return (object->directory ? FS_TYPE_DIRECTORY : FS_TYPE_FILE) |
	       (object->read_only ? 0555 : 0755);
}

static FFOBJID chain_of(const struct object *object)
{
	return (FFOBJID){
		.fs = &fs, .id = fs.id, .sclust = object->cluster};
}

// ---- names

static DIR directory_at(u32 cluster)
{
	return (DIR){.obj = {.fs = &fs, .id = fs.id, .sclust = cluster}};
}

static enum status open_directory(u64 node, struct object *object, DIR *dir)
{
	enum status status = load(node, object);

	if (status != STATUS_OK)
		return status;
	if (!object->directory)
		return ERR_NOTDIR;
	if (object->location == 0 && node != VOLUME_ROOT)
		return ERR_NOENT; // removed, but held
	*dir = directory_at(object->cluster);
	return STATUS_OK;
}

// FatFs takes a backslash for a separator, and drops blanks and dots at the end:
// such a name would become another one.
static bool name_possible(const struct fs_name *name)
{
	char last = name->text[name->bytes - 1];

	if (last == ' ' || last == '.')
		return false;
	for (u32 i = 0; i < name->bytes; i++)
		if ((u8)name->text[i] < ' ' || name->text[i] == '\\')
			return false;
	return true;
}

// Find a name; dir then stands at its entry. NOENT: dir is ready to register it.
static enum status find_name(DIR *dir, const struct fs_name *name)
{
	const TCHAR *path = name->text;
	FRESULT result;

	if (!name_possible(name))
		return ERR_ARGUMENT;
	result = create_name(dir, &path);
	if (result == FR_OK)
		result = dir_find(dir);
	return status_of(result);
}

static void read_found(const DIR *dir, struct object *object)
{
	*object = (struct object){.location = location_in(dir)};
	object->node = node_at(object->location);
	object->hold = find_hold(object->node);
	read_entry(object, dir->dir);
}

// Where the directory with that first cluster has its entry.
static enum status find_cluster(u32 parent, u32 cluster, u64 *node)
{
	DIR dir = directory_at(parent);
	FRESULT result = dir_sdi(&dir, 0);

	while (result == FR_OK) {
		result = dir_read(&dir, 0);
		if (result != FR_OK)
			break;
		if ((dir.dir[DIR_Attr] & AM_DIR) &&
		    ld_clust(&fs, dir.dir) == cluster) {
			*node = node_at(location_in(&dir));
			return STATUS_OK;
		}
		result = dir_next(&dir, 0);
	}
	return result == FR_NO_FILE ? ERR_CORRUPT : status_of(result);
}

// The cluster that ".." names; 0: the root.
static enum status parent_cluster(u32 cluster, u32 *parent)
{
	DWORD sector = clst2sect(&fs, cluster);
	const BYTE *entry = fs.win + ENTRY_BYTES;
	FRESULT result;

	if (sector == 0)
		return ERR_CORRUPT;
	result = move_window(&fs, sector);
	if (result != FR_OK)
		return status_of(result);
	if (entry[0] != '.' || entry[1] != '.')
		return ERR_CORRUPT;
	*parent = ld_clust(&fs, entry);
	if (fs.fs_type == FS_FAT32 && *parent == fs.dirbase)
		*parent = 0;
	return STATUS_OK;
}

static enum status lookup_parent(const struct object *object, u64 *node)
{
	u32 parent, above;
	enum status status;

	*node = VOLUME_ROOT;
	if (object->node == VOLUME_ROOT)
		return STATUS_OK;
	status = parent_cluster(object->cluster, &parent);
	if (status != STATUS_OK || parent == 0)
		return status;
	status = parent_cluster(parent, &above);
	if (status != STATUS_OK)
		return status;
	return find_cluster(above, parent, node);
}

enum status volume_lookup(u64 directory, const struct fs_name *name, u64 *node,
			  u32 *mode)
{
	struct object object;
	DIR dir;
	enum status status = open_directory(directory, &object, &dir);

	if (status != STATUS_OK)
		return status;
	if (string_equal(name->text, ".")) {
		*node = directory;
		*mode = mode_of(&object);
		return STATUS_OK;
	}
	if (string_equal(name->text, "..")) {
		*mode = FS_TYPE_DIRECTORY | 0755;
		return lookup_parent(&object, node);
	}
	status = find_name(&dir, name);
	if (status != STATUS_OK) // what cannot be a name is not there
		return status == ERR_ARGUMENT ? ERR_NOENT : status;
	read_found(&dir, &object);
	*node = object.node;
	*mode = mode_of(&object);
	return STATUS_OK;
}

enum status volume_list(u64 directory, u64 cookie, struct fs_packer *packer,
			u64 *next)
{
	struct object object;
	DIR dir;
	enum status status = open_directory(directory, &object, &dir);
	FRESULT result;

	*next = COOKIE_END;
	if (status != STATUS_OK || cookie == COOKIE_END)
		return status;
	if (cookie % ENTRY_BYTES != 0 || cookie >= MAX_DIR)
		return ERR_ARGUMENT;
	result = dir_sdi(&dir, (DWORD)cookie);
	if (result == FR_INT_ERR && cookie != 0)
		return STATUS_OK; // exactly behind the last entry
	while (result == FR_OK) {
		u64 behind;

		result = dir_read(&dir, 0);
		if (result != FR_OK)
			break;
		get_fileinfo(&dir, &info);
		read_found(&dir, &object);
		behind = dir.dptr + ENTRY_BYTES;
		if (strlen(info.fname) <= FS_NAME_MAX &&
		    !fs_pack(packer, object.node, mode_of(&object), behind,
			     info.fname, (u32)strlen(info.fname))) {
			// Where this entry's long name begins.
			*next = dir.blk_ofs == 0xffffffff ? dir.dptr
							  : dir.blk_ofs;
			return packer->used == 0 ? ERR_RANGE : STATUS_OK;
		}
		result = dir_next(&dir, 0);
	}
	return result == FR_NO_FILE ? STATUS_OK : status_of(result);
}

// ---- contents

static u64 cluster_bytes(void)
{
	return (u64)fs.csize * SECTOR_BYTES;
}

static u32 clusters_for(u64 bytes)
{
	return (u32)((bytes + cluster_bytes() - 1) / cluster_bytes());
}

static void forget_walks(void)
{
	memset(walks, 0, sizeof(walks));
}

static struct walk *walk_of(u64 node)
{
	return &walks[(node ^ node >> 7) % WALKS];
}

static enum status link_status(DWORD link)
{
	if (link == 0xffffffff)
		return disk_error == STATUS_OK ? ERR_IO : disk_error;
	return ERR_CORRUPT;
}

// The index-th cluster of a file. ERR_EMPTY: the chain is shorter; then *cluster
// is its last (0: there is none).
static enum status cluster_at(const struct object *object, u32 index,
			      u32 *cluster)
{
	struct walk *walk = walk_of(object->node);
	FFOBJID chain = chain_of(object);
	u32 at = 0;

	*cluster = object->cluster;
	if (object->cluster == 0)
		return ERR_EMPTY;
	if (object->cluster < 2 || object->cluster >= fs.n_fatent)
		return ERR_CORRUPT;
	if (walk->node == object->node && walk->index <= index) {
		at = walk->index;
		*cluster = walk->cluster;
	}
	for (; at < index; at++) {
		DWORD link = get_fat(&chain, *cluster);

		if (link < 2 || link == 0xffffffff)
			return link_status(link);
		if (link >= fs.n_fatent)
			return ERR_EMPTY;
		*cluster = link;
	}
	*walk = (struct walk){object->node, index, *cluster};
	return STATUS_OK;
}

// Make the chain at least so many clusters long.
static enum status stretch(struct object *object, u32 wanted)
{
	FFOBJID chain = chain_of(object);
	u32 cluster;
	enum status status;
	u32 have = clusters_for(object->size_bytes);

	if (wanted == 0 || (object->cluster != 0 && wanted <= have))
		return STATUS_OK;
	if (object->cluster == 0) {
		DWORD first = create_chain(&chain, 0);

		if (first == 0)
			return ERR_NOSPACE;
		if (first == 1 || first == 0xffffffff)
			return link_status(first);
		object->cluster = first;
		have = 1;
	}
	chain = chain_of(object);
	have = MAX(have, 1u);
	status = cluster_at(object, have - 1, &cluster);
	if (status != STATUS_OK)
		return status == ERR_EMPTY ? ERR_CORRUPT : status;
	for (; have < wanted; have++) {
		DWORD link = create_chain(&chain, cluster);

		if (link == 0)
			return ERR_NOSPACE;
		if (link == 1 || link == 0xffffffff)
			return link_status(link);
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
	u32 index = (u32)(offset / cluster_bytes());
	u64 within = offset % cluster_bytes();
	u32 cluster;
	enum status status = cluster_at(object, index, &cluster);
	u32 last;

	if (status != STATUS_OK)
		return status == ERR_EMPTY ? ERR_CORRUPT : status;
	*sector = clst2sect(&fs, cluster) + within / SECTOR_BYTES;
	*bytes = cluster_bytes() - within;
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
		*bytes += cluster_bytes();
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
	enum status status = load(node, &object);
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

static enum status writable(void)
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
	status = stretch(object, clusters_for(end));
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
	enum status status = load(node, &object);
	u64 end;

	*done = 0;
	if (status == STATUS_OK)
		status = writable();
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
	status = store(&object);
	if (status == STATUS_OK)
		*done = bytes;
	return status;
}

static enum status cut(struct object *object, u32 size)
{
	FFOBJID chain = chain_of(object);
	u32 keep = clusters_for(size);
	enum status status;
	u32 last;
	DWORD link;

	forget_walks();
	if (object->cluster == 0)
		return STATUS_OK;
	if (keep == 0) {
		status = status_of(remove_chain(&chain, object->cluster, 0));
		object->cluster = 0;
		return status;
	}
	status = cluster_at(object, keep - 1, &last);
	if (status != STATUS_OK)
		return status == ERR_EMPTY ? ERR_CORRUPT : status;
	link = get_fat(&chain, last);
	if (link < 2 || link == 0xffffffff)
		return link_status(link);
	if (link >= fs.n_fatent)
		return STATUS_OK;
	return status_of(remove_chain(&chain, link, last));
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
	enum status status = load(node, &object);
	u64 clusters;

	if (status != STATUS_OK)
		return status;
	clusters = object.directory ? 1 : clusters_for(object.size_bytes);
	*out = (struct fs_attributes){
		.node = node,
		.mode = mode_of(&object),
		.links = object.directory ? 2 : 1,
		.size_bytes = object.directory ? cluster_bytes()
					       : object.size_bytes,
		.blocks_512 = clusters * fs.csize,
		.atime_ns = fat_time_to_ns(object.accessed >> 16, 0),
		.mtime_ns = fat_time_to_ns(object.modified >> 16,
					   object.modified & 0xffff),
		.block_bytes = (u32)cluster_bytes(),
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
	enum status status = load(node, &object);

	if (status == STATUS_OK)
		status = writable();
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
	return store(&object);
}

// ---- create, remove, rename

static enum status fill_directory(DIR *parent, u32 *cluster)
{
	BYTE *entry = fs.win;
	u32 time = get_fattime();
	FFOBJID chain = {.fs = &fs, .id = fs.id};
	DWORD first = create_chain(&chain, 0);
	FRESULT result;

	if (first == 0)
		return ERR_NOSPACE;
	if (first == 1 || first == 0xffffffff)
		return link_status(first);
	result = dir_clear(&fs, first);
	if (result != FR_OK)
		return status_of(result);
	// The window is at the cluster's first sector now.
	memset(entry, ' ', 11);
	entry[0] = '.';
	entry[DIR_Attr] = AM_DIR;
	st_dword(entry + DIR_ModTime, time);
	st_clust(&fs, entry, first);
	memcpy(entry + ENTRY_BYTES, entry, ENTRY_BYTES);
	entry[ENTRY_BYTES + 1] = '.';
	st_clust(&fs, entry + ENTRY_BYTES, parent->obj.sclust);
	fs.wflag = 1;
	*cluster = first;
	return STATUS_OK;
}

enum status volume_create(u64 directory, const struct fs_name *name, u32 mode,
			  u64 *node)
{
	struct object object;
	DIR dir;
	enum status status = open_directory(directory, &object, &dir);
	bool folder = (mode & FS_TYPE_MASK) == FS_TYPE_DIRECTORY;
	u32 cluster = 0;
	u32 time = get_fattime();

	if (status == STATUS_OK)
		status = writable();
	if (status != STATUS_OK)
		return status;
	if (!folder && (mode & FS_TYPE_MASK) != FS_TYPE_FILE)
		return ERR_UNSUPPORTED;
	if (fs_name_is_dots(name))
		return ERR_EXIST;
	status = find_name(&dir, name);
	if (status != ERR_NOENT)
		return status == STATUS_OK ? ERR_EXIST : status;
	if (folder)
		status = fill_directory(&dir, &cluster);
	else
		status = STATUS_OK;
	if (status == STATUS_OK)
		status = status_of(dir_register(&dir));
	if (status != STATUS_OK)
		return status;
	dir.dir[DIR_Attr] = folder ? AM_DIR : AM_ARC;
	if (!(mode & 0200))
		dir.dir[DIR_Attr] |= ATTRIBUTE_READONLY;
	st_dword(dir.dir + DIR_CrtTime, time);
	st_word(dir.dir + DIR_LstAccDate, (WORD)(time >> 16));
	st_dword(dir.dir + DIR_ModTime, time);
	st_clust(&fs, dir.dir, cluster);
	fs.wflag = 1;
	*node = node_at(location_in(&dir));
	return STATUS_OK;
}

static enum status check_empty(u32 cluster)
{
	DIR dir = directory_at(cluster);
	FRESULT result = dir_sdi(&dir, 0);

	if (result == FR_OK)
		result = dir_read(&dir, 0);
	if (result == FR_OK)
		return ERR_NOTEMPTY;
	return result == FR_NO_FILE ? STATUS_OK : status_of(result);
}

// Take the entry where dir stands away; the clusters go, or wait for the last
// release.
static enum status drop(DIR *dir, const struct object *object)
{
	FFOBJID chain = chain_of(object);
	enum status status = status_of(dir_remove(dir));

	forget_walks();
	if (status != STATUS_OK)
		return status;
	if (object->hold) {
		object->hold->location = 0;
		object->hold->cluster = object->directory ? 0 : object->cluster;
		object->hold->size_bytes = object->size_bytes;
		object->hold->reserved =
			object->directory ? HOLD_DIRECTORY : 0;
		journal_holds_changed();
		if (!object->directory)
			return STATUS_OK;
	}
	if (object->cluster == 0)
		return STATUS_OK;
	return status_of(remove_chain(&chain, object->cluster, 0));
}

enum status volume_remove(u64 directory, const struct fs_name *name, bool rmdir)
{
	struct object parent, object;
	DIR dir;
	enum status status = open_directory(directory, &parent, &dir);

	if (status == STATUS_OK)
		status = writable();
	if (status != STATUS_OK)
		return status;
	if (fs_name_is_dots(name))
		return !rmdir ? ERR_ISDIR
			      : name->bytes == 2 ? ERR_NOTEMPTY : ERR_ARGUMENT;
	status = find_name(&dir, name);
	if (status != STATUS_OK)
		return status == ERR_ARGUMENT ? ERR_NOENT : status;
	read_found(&dir, &object);
	if (rmdir && !object.directory)
		return ERR_NOTDIR;
	if (!rmdir && object.directory)
		return ERR_ISDIR;
	if (rmdir) {
		status = check_empty(object.cluster);
		if (status != STATUS_OK)
			return status;
	}
	return drop(&dir, &object);
}

// Does the directory with that cluster lie in the tree below another?
static enum status check_outside(u32 cluster, u32 tree)
{
	for (u32 i = 0; i < DEPTH_MAX && cluster != 0; i++) {
		enum status status;

		if (cluster == tree)
			return ERR_ARGUMENT;
		status = parent_cluster(cluster, &cluster);
		if (status != STATUS_OK)
			return status;
	}
	return cluster == 0 ? STATUS_OK : ERR_CORRUPT;
}

static enum status set_parent(u32 cluster, u32 parent)
{
	u32 old;
	enum status status = parent_cluster(cluster, &old);

	if (status != STATUS_OK)
		return status;
	// parent_cluster left the window at the directory's first sector.
	st_clust(&fs, fs.win + ENTRY_BYTES, parent);
	fs.wflag = 1;
	return STATUS_OK;
}

// A new name for the object, with all that its old entry said.
static enum status put_name(DIR *dir, const struct fs_name *name,
			    const BYTE *entry)
{
	const TCHAR *path = name->text;
	BYTE flags;
	FRESULT result = create_name(dir, &path);

	if (result == FR_OK)
		result = dir_register(dir);
	if (result != FR_OK)
		return status_of(result);
	flags = dir->dir[DIR_NTres];
	memcpy(dir->dir + DIR_Attr, entry + DIR_Attr, ENTRY_BYTES - DIR_Attr);
	dir->dir[DIR_NTres] = flags;
	fs.wflag = 1;
	return STATUS_OK;
}

static enum status replace(DIR *dir, const struct object *moved,
			   const struct object *there)
{
	enum status status;

	if (moved->directory && !there->directory)
		return ERR_NOTDIR;
	if (!moved->directory && there->directory)
		return ERR_ISDIR;
	if (there->directory) {
		status = check_empty(there->cluster);
		if (status != STATUS_OK)
			return status;
	}
	return drop(dir, there);
}

enum status volume_rename(u64 from, const struct fs_name *from_name, u64 to,
			  const struct fs_name *to_name, u32 flags)
{
	struct object source, target, moved, there;
	BYTE entry[ENTRY_BYTES];
	DIR old, new;
	enum status status = open_directory(from, &source, &old);
	bool exists;

	if (status == STATUS_OK)
		status = open_directory(to, &target, &new);
	if (status == STATUS_OK)
		status = writable();
	if (status != STATUS_OK)
		return status;
	if (fs_name_is_dots(from_name) || fs_name_is_dots(to_name) ||
	    (flags & ~(u32)FS_RENAME_NOREPLACE))
		return ERR_ARGUMENT;
	status = find_name(&old, from_name);
	if (status != STATUS_OK)
		return status == ERR_ARGUMENT ? ERR_NOENT : status;
	read_found(&old, &moved);
	memcpy(entry, old.dir, sizeof(entry));
	status = find_name(&new, to_name);
	if (status != STATUS_OK && status != ERR_NOENT)
		return status;
	exists = status == STATUS_OK;
	if (exists)
		read_found(&new, &there);
	if (exists && (flags & FS_RENAME_NOREPLACE))
		return ERR_EXIST;
	if (moved.directory) {
		status = check_outside(target.cluster, moved.cluster);
		if (status != STATUS_OK)
			return status;
	}
	// A name may change its case only: then both are the same entry.
	if (exists && there.location == moved.location) {
		if (string_equal(from_name->text, to_name->text))
			return STATUS_OK;
		exists = false;
	}
	if (exists) {
		status = replace(&new, &moved, &there);
		if (status != STATUS_OK)
			return status;
	}
	status = status_of(dir_remove(&old));
	if (status == STATUS_OK)
		status = put_name(&new, to_name, entry);
	if (status != STATUS_OK)
		return status;
	forget_walks();
	if (moved.hold) {
		moved.hold->location = location_in(&new);
		journal_holds_changed();
	}
	if (moved.directory && source.cluster != target.cluster)
		return set_parent(moved.cluster, target.cluster);
	return STATUS_OK;
}

// ---- holds

enum status volume_hold(u64 node, u64 holder)
{
	struct object object;
	struct hold *hold;
	enum status status = load(node, &object);

	if (status != STATUS_OK)
		return status;
	if (node == VOLUME_ROOT)
		return STATUS_OK;
	hold = object.hold;
	if (!hold) {
		hold = find_hold(0);
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
	FFOBJID chain = {.fs = &fs, .id = fs.id, .sclust = hold->cluster};

	// The number may be another file's from now on.
	forget_walks();
	// An error here leaves lost clusters; there is nobody to tell.
	if (hold->location == 0 && hold->cluster != 0)
		(void)remove_chain(&chain, hold->cluster, 0);
	*hold = (struct hold){};
}

void volume_release(u64 node)
{
	struct hold *hold = node != 0 ? find_hold(node) : nullptr;

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

enum status volume_statistics(struct fs_statistics *out)
{
	DWORD clusters = 0;
	enum status status;

	if (fs.fs_type == 0)
		return ERR_NODEV;
	status = status_of(f_getfree(&fs, &clusters));
	if (status != STATUS_OK)
		return status;
	*out = (struct fs_statistics){
		.block_bytes = cluster_bytes(),
		.blocks = fs.n_fatent - 2,
		.blocks_free = clusters,
		.name_max = FS_NAME_MAX,
		.flags = disk_facts().read_only ? FS_READONLY : 0,
		.type = 0x4d44, // as Linux calls FAT
	};
	return STATUS_OK;
}
