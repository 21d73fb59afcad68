// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Nodes of a FAT volume: which directory entry a number names, what it says, and
// the holds that keep a number when its entry moves or goes (journal.h).
#ifndef SERVICES_FAT_NODES_H
#define SERVICES_FAT_NODES_H
#include "services/fat/fatfs.h"
#include "services/fat/journal.h"
#include "services/fat/volume.h"

#define HOLD_DIRECTORY 1 // reserved of a hold: it was a directory

// What a node is now.
struct object {
	u64 node;
	u64 location; // sector << 4 | index; 0: root, or no name any more
	struct hold *hold; // nullptr: not held
	bool directory, read_only;
	u32 cluster; // 0: none, or the root
	u32 size_bytes;
	u32 modified, accessed; // date << 16 | time
};

void nodes_start(u64 secret);

// STALE: no such node (any more); NODEV, CORRUPT, errors of the disk.
enum status object_load(u64 node, struct object *object);
// Write cluster, size, dates and the read-only bit back.
enum status object_store(struct object *object);
u32 object_mode(const struct object *object);
FFOBJID object_chain(const struct object *object);
void read_entry(struct object *object, const BYTE *entry);

u64 location_in(const FF_DIR *dir); // of the entry where dir stands
u64 node_at(u64 location);
struct hold *hold_of(u64 node); // 0: a free one; nullptr: none
#endif
