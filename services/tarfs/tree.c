// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See tree.h.
#include "services/tarfs/tree.h"

#include "abi/fs_types.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/fs/fs.h"
#include "lib/tar/tar.h"

#define BUCKETS_MIN 1024
#define LINK_POSITION 157 // of a header's link field

const struct tree_node *tree_node(const struct tree *tree, u64 number)
{
	if (number == 0 || number > tree->count)
		return nullptr;
	return &tree->node[number];
}

u32 tree_find(const struct tree *tree, u32 directory, const char *name,
	      u32 bytes)
{
	u32 hash = fs_hash(directory, name, bytes);
	u32 at = tree->bucket[hash & (tree->buckets - 1)];

	for (; at != 0; at = tree->node[at].next_hash) {
		const struct tree_node *node = &tree->node[at];

		if (node->hash == hash && node->parent == directory &&
		    node->name_bytes == bytes &&
		    memcmp(tree_name(tree, node), name, bytes) == 0)
			return at;
	}
	return 0;
}

static bool grow(struct tree *tree, u32 name_bytes)
{
	if (tree->count + 1 >= tree->room) {
		u32 room = MAX(tree->room * 2, 512u);
		void *larger = tree->resize(tree->node,
					    room * sizeof(tree->node[0]));

		if (!larger)
			return false;
		tree->node = larger;
		tree->room = room;
	}
	if (tree->names_used + name_bytes + 1 > tree->names_room) {
		u32 room = MAX(tree->names_room * 2, 16384u);
		void *larger = tree->resize(tree->names, room);

		if (!larger)
			return false;
		tree->names = larger;
		tree->names_room = room;
	}
	return true;
}

static u32 add(struct tree *tree, u32 directory, const char *name, u32 bytes)
{
	struct tree_node *node, *parent;
	u32 number, slot;

	if (!grow(tree, bytes))
		return 0;
	number = ++tree->count;
	node = &tree->node[number];
	*node = (struct tree_node){
		.parent = directory,
		.hash = fs_hash(directory, name, bytes),
		.name = tree->names_used,
		.name_bytes = bytes,
		.mode = FS_TYPE_DIRECTORY | 0755,
	};
	memcpy(tree->names + tree->names_used, name, bytes);
	tree->names[tree->names_used + bytes] = '\0';
	tree->names_used += bytes + 1;
	if (directory == 0)
		return number;
	slot = node->hash & (tree->buckets - 1);
	node->next_hash = tree->bucket[slot];
	tree->bucket[slot] = number;
	parent = &tree->node[directory];
	if (parent->last_child)
		tree->node[parent->last_child].next_sibling = number;
	else
		parent->first_child = number;
	parent->last_child = number;
	parent->children++;
	return number;
}

// The node with this path; missing ones are made, as directories.
static enum status place(struct tree *tree, const char *path, u32 *out)
{
	u32 at = TREE_ROOT;
	u32 depth = 0;

	while (*path) {
		const char *end = strchr(path, '/');
		u32 bytes = (u32)(end ? (usize)(end - path) : strlen(path));
		u32 next = tree_find(tree, at, path, bytes);

		if ((tree->node[at].mode & FS_TYPE_MASK) != FS_TYPE_DIRECTORY ||
		    ++depth > TREE_DEPTH_MAX)
			return ERR_NOTDIR;
		if (next == 0)
			next = add(tree, at, path, bytes);
		if (next == 0)
			return ERR_MEMORY;
		at = next;
		path += bytes + (end != nullptr);
	}
	*out = at;
	return STATUS_OK;
}

static u32 find_path(const struct tree *tree, const char *path)
{
	u32 at = TREE_ROOT;

	while (at && *path) {
		const char *end = strchr(path, '/');
		u32 bytes = (u32)(end ? (usize)(end - path) : strlen(path));

		at = tree_find(tree, at, path, bytes);
		path += bytes + (end != nullptr);
	}
	return at;
}

static enum status put(struct tree *tree, const struct tar_entry *entry,
		       u64 member)
{
	char target[TAR_PATH_MAX + 1];
	struct tree_node *node;
	enum status status;
	u32 number, other = 0;

	if (entry->hard_link) {
		status = tar_normal_path(entry->link, TAR_LINK_MAX, target);
		if (status != STATUS_OK)
			return status;
		other = find_path(tree, target);
		if (other == 0)
			return ERR_NOENT;
	}
	status = place(tree, entry->path, &number);
	if (status != STATUS_OK)
		return status;
	node = &tree->node[number];
	if (node->children != 0 &&
	    (entry->mode & FS_TYPE_MASK) != FS_TYPE_DIRECTORY)
		return ERR_ISDIR;
	node->mode = entry->mode;
	node->uid = entry->uid;
	node->gid = entry->gid;
	node->mtime_s = entry->mtime_s;
	node->device = entry->device;
	node->size_bytes = entry->size_bytes;
	node->data_offset = entry->data_offset;
	if ((entry->mode & FS_TYPE_MASK) == FS_TYPE_SYMLINK) {
		node->size_bytes = strlen(entry->link);
		node->data_offset = member + LINK_POSITION;
	}
	if (other != 0 && other != number) {
		node->mode = tree->node[other].mode;
		node->size_bytes = tree->node[other].size_bytes;
		node->data_offset = tree->node[other].data_offset;
		node->device = tree->node[other].device;
	}
	return STATUS_OK;
}

static enum status start(struct tree *tree)
{
	u32 buckets = BUCKETS_MIN;

	// About one bucket for each member of a kilobyte.
	while (buckets < (1u << 16) && (u64)buckets * 2048 < tree->archive_bytes)
		buckets *= 2;
	tree->bucket = tree->resize(nullptr, buckets * sizeof(u32));
	if (!tree->bucket)
		return ERR_MEMORY;
	memset(tree->bucket, 0, buckets * sizeof(u32));
	tree->buckets = buckets;
	return add(tree, 0, "", 0) == TREE_ROOT ? STATUS_OK : ERR_MEMORY;
}

enum status tree_build(struct tree *tree, const void *archive, u64 bytes,
		       void *(*resize)(void *, usize),
		       void (*report)(const char *, u64, const char *))
{
	struct tar_reader reader;
	struct tar_entry entry;
	enum status status;

	*tree = (struct tree){.archive = archive,
			      .archive_bytes = bytes,
			      .resize = resize};
	status = start(tree);
	if (status != STATUS_OK)
		return status;
	tar_open(&reader, archive, bytes);
	for (;;) {
		status = tar_next(&reader, &entry);
		if (status == ERR_EMPTY || status == ERR_CORRUPT)
			break;
		if (status == STATUS_OK)
			status = put(tree, &entry, reader.member);
		if (status == ERR_MEMORY)
			return status;
		if (status == STATUS_OK)
			continue;
		report(entry.path, reader.member, status_text(status));
		tree->skipped++;
	}
	if (reader.skipped != 0)
		report("(members with long names or of unknown kinds)", 0,
		       "not understood");
	tree->skipped += reader.skipped;
	if (status == ERR_CORRUPT)
		report("", reader.member, "no valid header");
	return status == ERR_EMPTY ? STATUS_OK : status;
}
