// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The tree of an archive: what tarfs knows about it, built once in the heap.
// Nodes are numbered in the order in which the archive names them, from 1 (the
// root), so the same archive gives the same numbers to every instance. A later
// member with the path of an earlier one replaces its contents.
//
// Freestanding but for an allocator: also built for the host's tests.
#ifndef SERVICES_TARFS_TREE_H
#define SERVICES_TARFS_TREE_H
#include "lib/base/status.h"

#define TREE_ROOT 1
#define TREE_DEPTH_MAX 128

struct tree_node {
	u32 parent, first_child, last_child, next_sibling;
	u32 next_hash; // next node in the same bucket
	u32 hash;
	u32 name; // offset in names
	u32 name_bytes;
	u32 mode, uid, gid, children;
	i64 mtime_s;
	u64 size_bytes;
	u64 data_offset; // in the archive: of the data, or of a link's target
	u64 device;
};

struct tree {
	const u8 *archive;
	u64 archive_bytes;
	struct tree_node *node; // [0] is not used
	u32 count, room;
	char *names;
	u32 names_used, names_room;
	u32 *bucket;
	u32 buckets; // a power of two
	u32 skipped; // members not understood or with unacceptable paths
	void *(*resize)(void *memory, usize bytes); // as realloc
};

// Build. report is called with a text for each member that is left out.
// ERR_MEMORY; ERR_CORRUPT: the archive ends early at a broken member, what
// stood before it is in the tree.
[[nodiscard]] enum status tree_build(struct tree *tree, const void *archive,
				     u64 bytes,
				     void *(*resize)(void *, usize),
				     void (*report)(const char *path,
						    u64 position,
						    const char *why));
// nullptr: no such node.
const struct tree_node *tree_node(const struct tree *tree, u64 number);
static inline const char *tree_name(const struct tree *tree,
				    const struct tree_node *node)
{
	return tree->names + node->name;
}
// 0: not there.
u32 tree_find(const struct tree *tree, u32 directory, const char *name,
	      u32 bytes);
#endif
