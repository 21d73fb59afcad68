// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Names: looking them up, listing, creating, removing, renaming. See volume.h.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/fat/contents.h"
#include "services/fat/nodes.h"
#include "services/fat/times.h"
#include "services/fat/volume.h"

#define COOKIE_END 0x7fffffffffffffff
#define DEPTH_MAX 128

static FILINFO info; // large

static FF_DIR directory_at(u32 cluster)
{
	return (FF_DIR){.obj = {.fs = &fat, .id = fat.id, .sclust = cluster}};
}

static enum status open_directory(u64 node, struct object *object, FF_DIR *dir)
{
	enum status status = object_load(node, object);

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
static enum status find_name(FF_DIR *dir, const struct fs_name *name)
{
	const TCHAR *path = name->text;
	FRESULT result;

	if (!name_possible(name))
		return ERR_ARGUMENT;
	result = create_name(dir, &path);
	if (result == FR_OK)
		result = dir_find(dir);
	return fat_status(result);
}

static void read_found(const FF_DIR *dir, struct object *object)
{
	*object = (struct object){.location = location_in(dir)};
	object->node = node_at(object->location);
	object->hold = hold_of(object->node);
	read_entry(object, dir->dir);
}

// Where the directory with that first cluster has its entry.
static enum status find_cluster(u32 parent, u32 cluster, u64 *node)
{
	FF_DIR dir = directory_at(parent);
	FRESULT result = dir_sdi(&dir, 0);

	while (result == FR_OK) {
		result = dir_read(&dir, 0);
		if (result != FR_OK)
			break;
		if ((dir.dir[ENTRY_ATTRIBUTES] & AM_DIR) &&
		    ld_clust(&fat, dir.dir) == cluster) {
			*node = node_at(location_in(&dir));
			return STATUS_OK;
		}
		result = dir_next(&dir, 0);
	}
	return result == FR_NO_FILE ? ERR_CORRUPT : fat_status(result);
}

// The cluster that ".." names; 0: the root.
static enum status parent_cluster(u32 cluster, u32 *parent)
{
	DWORD sector = clst2sect(&fat, cluster);
	const BYTE *entry = fat.win + ENTRY_BYTES;
	FRESULT result;

	if (sector == 0)
		return ERR_CORRUPT;
	result = move_window(&fat, sector);
	if (result != FR_OK)
		return fat_status(result);
	if (entry[0] != '.' || entry[1] != '.')
		return ERR_CORRUPT;
	*parent = ld_clust(&fat, entry);
	if (fat.fs_type == FS_FAT32 && *parent == fat.dirbase)
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
	FF_DIR dir;
	enum status status = open_directory(directory, &object, &dir);

	if (status != STATUS_OK)
		return status;
	if (string_equal(name->text, ".")) {
		*node = directory;
		*mode = object_mode(&object);
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
	*mode = object_mode(&object);
	return STATUS_OK;
}

enum status volume_list(u64 directory, u64 cookie, struct fs_packer *packer,
			u64 *next)
{
	struct object object;
	FF_DIR dir;
	enum status status = open_directory(directory, &object, &dir);
	FRESULT result;

	*next = COOKIE_END;
	if (status != STATUS_OK || cookie == COOKIE_END)
		return status;
	if (cookie % ENTRY_BYTES != 0 || cookie >= DIRECTORY_MAX)
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
		    !fs_pack(packer, object.node, object_mode(&object), behind,
			     info.fname, (u32)strlen(info.fname))) {
			// Where this entry's long name begins.
			*next = dir.blk_ofs == 0xffffffff ? dir.dptr
							  : dir.blk_ofs;
			return packer->used == 0 ? ERR_RANGE : STATUS_OK;
		}
		result = dir_next(&dir, 0);
	}
	return result == FR_NO_FILE ? STATUS_OK : fat_status(result);
}

// ---- create, remove, rename

static enum status fill_directory(FF_DIR *parent, u32 *cluster)
{
	BYTE *entry = fat.win;
	u32 time = get_fattime();
	FFOBJID chain = {.fs = &fat, .id = fat.id};
	DWORD first = create_chain(&chain, 0);
	FRESULT result;

	if (first == 0)
		return ERR_NOSPACE;
	if (first == 1 || first == 0xffffffff)
		return fat_link_status(first);
	result = dir_clear(&fat, first);
	if (result != FR_OK)
		return fat_status(result);
	// The window is at the cluster's first sector now.
	memset(entry, ' ', 11);
	entry[0] = '.';
	entry[ENTRY_ATTRIBUTES] = AM_DIR;
	st_dword(entry + ENTRY_MODIFIED, time);
	st_clust(&fat, entry, first);
	memcpy(entry + ENTRY_BYTES, entry, ENTRY_BYTES);
	entry[ENTRY_BYTES + 1] = '.';
	st_clust(&fat, entry + ENTRY_BYTES, parent->obj.sclust);
	fat.wflag = 1;
	*cluster = first;
	return STATUS_OK;
}

enum status volume_create(u64 directory, const struct fs_name *name, u32 mode,
			  u64 *node)
{
	struct object object;
	FF_DIR dir;
	enum status status = open_directory(directory, &object, &dir);
	bool folder = (mode & FS_TYPE_MASK) == FS_TYPE_DIRECTORY;
	u32 cluster = 0;
	u32 time = get_fattime();

	if (status == STATUS_OK)
		status = volume_writable();
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
		status = fat_status(dir_register(&dir));
	if (status != STATUS_OK)
		return status;
	dir.dir[ENTRY_ATTRIBUTES] = folder ? AM_DIR : AM_ARC;
	if (!(mode & 0200))
		dir.dir[ENTRY_ATTRIBUTES] |= ATTRIBUTE_READONLY;
	st_dword(dir.dir + ENTRY_CREATED, time);
	st_word(dir.dir + ENTRY_ACCESSED, (WORD)(time >> 16));
	st_dword(dir.dir + ENTRY_MODIFIED, time);
	st_clust(&fat, dir.dir, cluster);
	fat.wflag = 1;
	*node = node_at(location_in(&dir));
	return STATUS_OK;
}

static enum status check_empty(u32 cluster)
{
	FF_DIR dir = directory_at(cluster);
	FRESULT result = dir_sdi(&dir, 0);

	if (result == FR_OK)
		result = dir_read(&dir, 0);
	if (result == FR_OK)
		return ERR_NOTEMPTY;
	return result == FR_NO_FILE ? STATUS_OK : fat_status(result);
}

// Take the entry where dir stands away; the clusters go, or wait for the last
// release.
static enum status drop(FF_DIR *dir, const struct object *object)
{
	FFOBJID chain = object_chain(object);
	enum status status = fat_status(dir_remove(dir));

	contents_forget();
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
	return fat_status(remove_chain(&chain, object->cluster, 0));
}

enum status volume_remove(u64 directory, const struct fs_name *name, bool rmdir)
{
	struct object parent, object;
	FF_DIR dir;
	enum status status = open_directory(directory, &parent, &dir);

	if (status == STATUS_OK)
		status = volume_writable();
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
	st_clust(&fat, fat.win + ENTRY_BYTES, parent);
	fat.wflag = 1;
	return STATUS_OK;
}

// A new name for the object, with all that its old entry said.
static enum status put_name(FF_DIR *dir, const struct fs_name *name,
			    const BYTE *entry)
{
	const TCHAR *path = name->text;
	BYTE flags;
	FRESULT result = create_name(dir, &path);

	if (result == FR_OK)
		result = dir_register(dir);
	if (result != FR_OK)
		return fat_status(result);
	flags = dir->dir[ENTRY_CASE];
	memcpy(dir->dir + ENTRY_ATTRIBUTES, entry + ENTRY_ATTRIBUTES, ENTRY_BYTES - ENTRY_ATTRIBUTES);
	dir->dir[ENTRY_CASE] = flags;
	fat.wflag = 1;
	return STATUS_OK;
}

static enum status replace(FF_DIR *dir, const struct object *moved,
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
	FF_DIR old, new;
	enum status status = open_directory(from, &source, &old);
	bool exists;

	if (status == STATUS_OK)
		status = open_directory(to, &target, &new);
	if (status == STATUS_OK)
		status = volume_writable();
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
	status = fat_status(dir_remove(&old));
	if (status == STATUS_OK)
		status = put_name(&new, to_name, entry);
	if (status != STATUS_OK)
		return status;
	contents_forget();
	if (moved.hold) {
		moved.hold->location = location_in(&new);
		journal_holds_changed();
	}
	if (moved.directory && source.cluster != target.cluster)
		return set_parent(moved.cluster, target.cluster);
	return STATUS_OK;
}
