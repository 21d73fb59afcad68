// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Directories of memfs: see store.h. An entry hangs in two lists: one by the hash
// of directory and name, to be found, and one of its directory, in the order in
// which entries came, to be listed. A listing's cookie is the sequence number
// from which to go on, so entries that come and go do not disturb it.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/memfs/backing.h"
#include "services/memfs/store.h"

#define COOKIE_END 0x7fffffffffffffff
#define DEPTH_MAX 4096

static u32 type_of(const struct inode *inode)
{
	return inode->mode & FS_TYPE_MASK;
}

static bool is_directory(const struct inode *inode)
{
	return type_of(inode) == FS_TYPE_DIRECTORY;
}

static struct name_entry *entry_at(const struct store *store, u32 offset)
{
	return store_at(store, offset);
}

static u32 *bucket_of(const struct store *store, u32 hash)
{
	u32 *table = store_at(store, store->super->bucket_table);

	return &table[hash & (store->super->buckets - 1)];
}

u32 names_find(const struct store *store, u32 directory, const char *name,
	       u32 bytes)
{
	u32 hash = fs_hash(directory, name, bytes);
	u32 at = *bucket_of(store, hash);

	while (at != 0) {
		const struct name_entry *entry = entry_at(store, at);

		if (entry->hash == hash && entry->directory == directory &&
		    entry->name_bytes == bytes &&
		    memcmp(entry->name, name, bytes) == 0)
			return at;
		at = entry->next_hash;
	}
	return 0;
}

static void touch_time(struct store *store, struct inode *inode)
{
	store_touch(store, inode, sizeof(*inode));
	inode->mtime_ns = backing_time_ns();
	inode->ctime_ns = inode->mtime_ns;
}

static void touch_change_time(struct store *store, struct inode *inode)
{
	store_touch(store, inode, sizeof(*inode));
	inode->ctime_ns = backing_time_ns();
}

// The directory of that number, alive and with a name.
static enum status directory_of(const struct store *store, u64 node,
				struct inode **out)
{
	struct inode *inode = store_node(store, node);

	if (!inode)
		return ERR_STALE;
	if (!is_directory(inode))
		return ERR_NOTDIR;
	*out = inode;
	return STATUS_OK;
}

static enum status insert(struct store *store, struct inode *directory,
			  const struct fs_name *name, u32 inode)
{
	u32 index = store_index(store, directory);
	u32 bytes = (u32)OFFSET_OF(struct name_entry, name) + name->bytes;
	u32 class = store_class(bytes);
	u32 offset = store_alloc(store, class);
	struct name_entry *entry, *last;
	u32 *bucket;

	if (offset == 0)
		return ERR_NOSPACE;
	touch_time(store, directory);
	entry = entry_at(store, offset);
	*entry = (struct name_entry){
		.inode = inode,
		.directory = index,
		.hash = fs_hash(index, name->text, name->bytes),
		.sequence = directory->sequence++,
		.previous = directory->last,
		.class = (u8)class,
		.name_bytes = (u8)name->bytes,
	};
	memcpy(entry->name, name->text, name->bytes);
	bucket = bucket_of(store, entry->hash);
	store_touch(store, bucket, sizeof(*bucket));
	entry->next_hash = *bucket;
	*bucket = offset;
	if (directory->last) {
		last = entry_at(store, directory->last);
		store_touch(store, last, sizeof(*last));
		last->next = offset;
	} else {
		directory->first = offset;
	}
	directory->last = offset;
	directory->entries++;
	return STATUS_OK;
}

static void unhash(struct store *store, u32 offset)
{
	struct name_entry *entry = entry_at(store, offset);
	u32 *link = bucket_of(store, entry->hash);

	while (*link != offset)
		link = &entry_at(store, *link)->next_hash;
	store_touch(store, link, sizeof(*link));
	*link = entry->next_hash;
}

static void erase(struct store *store, struct inode *directory, u32 offset)
{
	struct name_entry *entry = entry_at(store, offset);

	touch_time(store, directory);
	unhash(store, offset);
	if (entry->previous) {
		struct name_entry *before = entry_at(store, entry->previous);

		store_touch(store, before, sizeof(*before));
		before->next = entry->next;
	} else {
		directory->first = entry->next;
	}
	if (entry->next) {
		struct name_entry *behind = entry_at(store, entry->next);

		store_touch(store, behind, sizeof(*behind));
		behind->previous = entry->previous;
	} else {
		directory->last = entry->previous;
	}
	directory->entries--;
	store_free(store, offset, entry->class);
}

enum status names_lookup(struct store *store, u64 directory,
			 const struct fs_name *name, u64 *node, u32 *mode)
{
	struct inode *inode;
	enum status status = directory_of(store, directory, &inode);
	u32 offset;

	if (status != STATUS_OK)
		return status;
	if (string_equal(name->text, "..")) {
		inode = store_inode(store, inode->parent);
	} else if (!string_equal(name->text, ".")) {
		offset = names_find(store, store_index(store, inode),
				    name->text, name->bytes);
		if (offset == 0)
			return ERR_NOENT;
		inode = store_inode(store, entry_at(store, offset)->inode);
	}
	*node = store_number(store, inode);
	*mode = inode->mode;
	return STATUS_OK;
}

// May a new name be put into the directory?
static enum status free_name(const struct store *store,
			     const struct inode *directory,
			     const struct fs_name *name)
{
	if (fs_name_is_dots(name))
		return ERR_EXIST;
	if (directory->links == 0)
		return ERR_NOENT; // removed, but held
	if (names_find(store, store_index(store, directory), name->text,
		       name->bytes) != 0)
		return ERR_EXIST;
	return STATUS_OK;
}

static enum status write_target(struct store *store, struct inode *inode,
				const struct new_file *what)
{
	u32 class = store_class(what->target_bytes);
	u32 offset = store_alloc(store, class);

	if (offset == 0)
		return ERR_NOSPACE;
	memcpy(store_at(store, offset), what->target, what->target_bytes);
	inode->content = CONTENT_INLINE;
	inode->place = offset;
	inode->class = class;
	inode->size_bytes = what->target_bytes;
	return STATUS_OK;
}

enum status names_create(struct store *store, u64 directory,
			 const struct fs_name *name,
			 const struct new_file *what, u64 *node)
{
	struct inode *parent, *inode;
	enum status status = directory_of(store, directory, &parent);

	if (status == STATUS_OK)
		status = free_name(store, parent, name);
	if (status != STATUS_OK)
		return status;
	if ((what->mode & FS_TYPE_MASK) == FS_TYPE_DIRECTORY &&
	    parent->links >= LINKS_MAX)
		return ERR_NOSPACE;
	inode = store_inode_new(store, what->mode, what->uid, what->gid);
	if (!inode)
		return ERR_NOSPACE;
	inode->device = what->device;
	inode->links = 1;
	if (is_directory(inode)) {
		inode->links = 2;
		inode->parent = store_index(store, parent);
	}
	if (type_of(inode) == FS_TYPE_SYMLINK)
		status = write_target(store, inode, what);
	if (status == STATUS_OK)
		status = insert(store, parent, name, store_index(store, inode));
	if (status != STATUS_OK)
		return status;
	if (is_directory(inode))
		parent->links++;
	*node = store_number(store, inode);
	return STATUS_OK;
}

enum status names_link(struct store *store, u64 directory,
		       const struct fs_name *name, u64 node)
{
	struct inode *inode = store_node(store, node);
	struct inode *parent;
	enum status status = directory_of(store, directory, &parent);

	if (status == STATUS_OK && !inode)
		status = ERR_STALE;
	if (status == STATUS_OK)
		status = free_name(store, parent, name);
	if (status != STATUS_OK)
		return status;
	if (is_directory(inode))
		return ERR_ISDIR;
	if (inode->links == 0)
		return ERR_NOENT; // its last name is gone
	if (inode->links >= LINKS_MAX)
		return ERR_NOSPACE;
	status = insert(store, parent, name, store_index(store, inode));
	if (status != STATUS_OK)
		return status;
	touch_change_time(store, inode);
	inode->links++;
	return STATUS_OK;
}

// Take the name from its file; directories must be empty.
static void drop(struct store *store, struct inode *parent, u32 offset)
{
	struct inode *inode =
		store_inode(store, entry_at(store, offset)->inode);

	erase(store, parent, offset);
	touch_change_time(store, inode);
	if (is_directory(inode)) {
		inode->links = 0;
		parent->links--;
	} else {
		inode->links--;
	}
	store_inode_put(store, inode);
}

enum status names_unlink(struct store *store, u64 directory,
			 const struct fs_name *name, bool rmdir)
{
	struct inode *parent, *inode;
	enum status status = directory_of(store, directory, &parent);
	u32 offset;

	if (status != STATUS_OK)
		return status;
	if (fs_name_is_dots(name))
		return !rmdir ? ERR_ISDIR
			      : name->bytes == 2 ? ERR_NOTEMPTY : ERR_ARGUMENT;
	offset = names_find(store, store_index(store, parent), name->text,
			    name->bytes);
	if (offset == 0)
		return ERR_NOENT;
	inode = store_inode(store, entry_at(store, offset)->inode);
	if (rmdir && !is_directory(inode))
		return ERR_NOTDIR;
	if (!rmdir && is_directory(inode))
		return ERR_ISDIR;
	if (rmdir && inode->entries != 0)
		return ERR_NOTEMPTY;
	drop(store, parent, offset);
	return STATUS_OK;
}

// ---- rename

static bool inside(const struct store *store, const struct inode *directory,
		   const struct inode *tree)
{
	for (u32 i = 0; i < DEPTH_MAX; i++) {
		if (directory == tree)
			return true;
		if (store_index(store, directory) == STORE_ROOT)
			return false;
		directory = store_inode(store, directory->parent);
	}
	return true; // too deep to tell: refuse
}

static void set_parent(struct store *store, struct inode *inode,
		       struct inode *from, struct inode *to)
{
	if (!is_directory(inode) || from == to)
		return;
	store_touch(store, inode, sizeof(*inode));
	store_touch(store, from, sizeof(*from));
	store_touch(store, to, sizeof(*to));
	inode->parent = store_index(store, to);
	from->links--;
	to->links++;
}

static enum status may_replace(const struct inode *moved,
			       const struct inode *there)
{
	if (is_directory(moved) && !is_directory(there))
		return ERR_NOTDIR;
	if (!is_directory(moved) && is_directory(there))
		return ERR_ISDIR;
	if (is_directory(there) && there->entries != 0)
		return ERR_NOTEMPTY;
	return STATUS_OK;
}

static void exchange(struct store *store, struct inode *from, u32 from_entry,
		     struct inode *to, u32 to_entry)
{
	struct name_entry *a = entry_at(store, from_entry);
	struct name_entry *b = entry_at(store, to_entry);
	u32 first = a->inode;

	store_touch(store, a, sizeof(*a));
	store_touch(store, b, sizeof(*b));
	a->inode = b->inode;
	b->inode = first;
	set_parent(store, store_inode(store, b->inode), from, to);
	set_parent(store, store_inode(store, a->inode), to, from);
	touch_change_time(store, store_inode(store, a->inode));
	touch_change_time(store, store_inode(store, b->inode));
	touch_time(store, from);
	touch_time(store, to);
}

enum status names_rename(struct store *store, u64 from,
			 const struct fs_name *from_name, u64 to,
			 const struct fs_name *to_name, u32 flags)
{
	struct inode *source, *target, *moved, *there = nullptr;
	enum status status = directory_of(store, from, &source);
	u32 old, replaced;

	if (status == STATUS_OK)
		status = directory_of(store, to, &target);
	if (status != STATUS_OK)
		return status;
	if (fs_name_is_dots(from_name) || fs_name_is_dots(to_name) ||
	    (flags & ~(u32)(FS_RENAME_NOREPLACE | FS_RENAME_EXCHANGE)) ||
	    flags == (FS_RENAME_NOREPLACE | FS_RENAME_EXCHANGE))
		return ERR_ARGUMENT;
	old = names_find(store, store_index(store, source), from_name->text,
			 from_name->bytes);
	replaced = names_find(store, store_index(store, target), to_name->text,
			      to_name->bytes);
	if (old == 0 || target->links == 0)
		return ERR_NOENT;
	moved = store_inode(store, entry_at(store, old)->inode);
	if (replaced != 0)
		there = store_inode(store, entry_at(store, replaced)->inode);
	if (there && (flags & FS_RENAME_NOREPLACE))
		return ERR_EXIST;
	if (!there && (flags & FS_RENAME_EXCHANGE))
		return ERR_NOENT;
	if (is_directory(moved) && inside(store, target, moved))
		return ERR_ARGUMENT;
	if (there == moved)
		return STATUS_OK; // two names of one file stay
	if (flags & FS_RENAME_EXCHANGE) {
		if (is_directory(there) && inside(store, source, there))
			return ERR_ARGUMENT;
		exchange(store, source, old, target, replaced);
		return STATUS_OK;
	}
	if (there) {
		status = may_replace(moved, there);
		if (status != STATUS_OK)
			return status;
		drop(store, target, replaced);
	}
	status = insert(store, target, to_name, store_index(store, moved));
	if (status != STATUS_OK)
		return status;
	erase(store, source, old);
	set_parent(store, moved, source, target);
	touch_change_time(store, moved);
	return STATUS_OK;
}

enum status names_list(struct store *store, u64 directory, u64 cookie,
		       struct fs_packer *packer, u64 *next)
{
	struct inode *inode;
	enum status status = directory_of(store, directory, &inode);
	u32 at;

	if (status != STATUS_OK)
		return status;
	*next = COOKIE_END;
	for (at = inode->first; at != 0; at = entry_at(store, at)->next) {
		const struct name_entry *entry = entry_at(store, at);
		const struct inode *named = store_inode(store, entry->inode);

		if (entry->sequence < cookie)
			continue;
		if (!fs_pack(packer, store_number(store, named), named->mode,
			     entry->sequence + 1, entry->name,
			     entry->name_bytes)) {
			*next = entry->sequence;
			break;
		}
	}
	return packer->used == 0 && at != 0 ? ERR_RANGE : STATUS_OK;
}
