// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The first contents of a memory file system: what the boot archive names, but
// kochab/. Files stay in the archive until they are changed. A member that comes
// later replaces an earlier one of the same path.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/tar/tar.h"
#include "services/memfs/store.h"

// Split off the next component. False at the end of the path.
static bool component(const char **path, struct fs_name *name)
{
	const char *end = strchr(*path, '/');
	usize bytes = end ? (usize)(end - *path) : strlen(*path);

	if (bytes == 0 || bytes > FS_NAME_MAX)
		return false;
	memcpy(name->text, *path, bytes);
	name->text[bytes] = '\0';
	name->bytes = (u32)bytes;
	*path += bytes + (end != nullptr);
	return true;
}

// The directory that a path's last component is to be in; missing ones are made.
static enum status parent_of(struct store *store, const char *path, bool make,
			     u64 *directory, struct fs_name *last)
{
	struct new_file folder = {.mode = FS_TYPE_DIRECTORY | 0755};
	u64 at = store_number(store, store_inode(store, STORE_ROOT));
	enum status status;
	u32 mode;

	if (!component(&path, last))
		return ERR_EMPTY; // the root itself
	while (*path) {
		status = names_lookup(store, at, last, &at, &mode);
		if (status == ERR_NOENT && make)
			status = names_create(store, at, last, &folder, &at);
		if (status != STATUS_OK)
			return status;
		if (!component(&path, last))
			return ERR_FORMAT;
	}
	*directory = at;
	return STATUS_OK;
}

static enum status find(struct store *store, const char *path, u64 *node)
{
	struct fs_name last;
	u64 directory;
	u32 mode;
	enum status status = parent_of(store, path, false, &directory, &last);

	if (status != STATUS_OK)
		return status;
	return names_lookup(store, directory, &last, node, &mode);
}

static void set_facts(struct store *store, u64 node,
		      const struct tar_entry *entry)
{
	struct inode *inode = store_node(store, node);

	store_touch(store, inode, sizeof(*inode));
	inode->mode = (inode->mode & FS_TYPE_MASK) | (entry->mode & 07777);
	inode->uid = entry->uid;
	inode->gid = entry->gid;
	if (entry->mtime_s != 0) {
		inode->mtime_ns = entry->mtime_s * 1000000000;
		inode->atime_ns = inode->mtime_ns;
	}
	if ((inode->mode & FS_TYPE_MASK) == FS_TYPE_FILE &&
	    entry->size_bytes != 0) {
		inode->content = CONTENT_ARCHIVE;
		inode->archive = entry->data_offset;
		inode->size_bytes = entry->size_bytes;
	}
}

static enum status put_link(struct store *store, const struct tar_entry *entry,
			    u64 directory, const struct fs_name *last)
{
	char path[TAR_PATH_MAX + 1];
	u64 node;
	enum status status = tar_normal_path(entry->link, TAR_LINK_MAX, path);

	if (status == STATUS_OK)
		status = find(store, path, &node);
	if (status == STATUS_OK)
		status = names_link(store, directory, last, node);
	return status;
}

static enum status put(struct store *store, const struct tar_entry *entry)
{
	struct new_file what = {
		.mode = entry->mode,
		.uid = entry->uid,
		.gid = entry->gid,
		.device = entry->device,
		.target = entry->link,
		.target_bytes = (u32)strlen(entry->link),
	};
	struct fs_name last;
	u64 directory, node;
	u32 mode;
	enum status status =
		parent_of(store, entry->path, true, &directory, &last);

	if (status == ERR_EMPTY) {
		node = store_number(store, store_inode(store, STORE_ROOT));
		set_facts(store, node, entry);
		return STATUS_OK;
	}
	if (status != STATUS_OK)
		return status;
	status = names_lookup(store, directory, &last, &node, &mode);
	if (status == STATUS_OK) {
		bool folder = (mode & FS_TYPE_MASK) == FS_TYPE_DIRECTORY;

		if (folder && (entry->mode & FS_TYPE_MASK) ==
				      FS_TYPE_DIRECTORY) {
			set_facts(store, node, entry);
			return STATUS_OK;
		}
		status = names_unlink(store, directory, &last, folder);
	}
	if (status != STATUS_OK && status != ERR_NOENT)
		return status;
	if (entry->hard_link)
		return put_link(store, entry, directory, &last);
	status = names_create(store, directory, &last, &what, &node);
	if (status == STATUS_OK)
		set_facts(store, node, entry);
	return status;
}

static bool is_wanted(const char *path)
{
	return !string_equal(path, "kochab") &&
	       !string_starts_with(path, "kochab/");
}

void populate(struct store *store,
	      void (*report)(const char *, u64, const char *))
{
	struct tar_reader reader;
	struct tar_entry entry;
	enum status status;

	tar_open(&reader, store->archive, store->archive_bytes);
	for (;;) {
		status = tar_next(&reader, &entry);
		if (status == ERR_EMPTY || status == ERR_CORRUPT)
			break;
		if (status == STATUS_OK && !is_wanted(entry.path))
			continue;
		if (status == STATUS_OK)
			status = put(store, &entry);
		if (status == STATUS_OK) {
			store_commit(store);
			continue;
		}
		store_rollback(store);
		report(entry.path, reader.member, status_text(status));
	}
	if (status == ERR_CORRUPT)
		report("", reader.member, "no valid header");
	if (reader.skipped != 0)
		report("(members with long names or of unknown kinds)", 0,
		       "not understood");
	store_touch(store, &store->super->populated, sizeof(u32));
	store->super->populated = 1;
	store_commit(store);
}
