// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What makes a request to the FAT server happen once, whatever dies when. FatFs
// writes directory, FAT and FSINFO sectors; here they do not go to the disk but
// into a redo journal in the server's stash. When the request is done the journal
// is committed, together with the table of held nodes and the answer; then it is
// written to the disk, and then forgotten. A new instance that finds a committed
// journal writes it again; what was not committed never happened, and the client
// sends the request again.
//
// File contents go to the disk directly, before the commit that makes them
// reachable; writing them twice is harmless.
//
// A request that changes more sectors than the journal holds is written in parts;
// only a server that dies right then can leave lost clusters.
#ifndef SERVICES_FAT_JOURNAL_H
#define SERVICES_FAT_JOURNAL_H
#include "lib/base/status.h"
#include "services/fat/disk.h"

#define HOLDS 256
#define ANSWER_WORDS 11 // of a record of lib/ipc, opaque here

// A node that a client keeps open. Its number stays what it was when its
// directory entry moves or goes.
struct hold {
	u64 node; // 0: free
	u64 location; // of the entry now; 0: the name is gone
	u32 count;
	u32 cluster; // of a file whose name is gone
	u32 size_bytes;
	u32 reserved;
	u64 holder; // whose holds these are; ~0: several clients'
};

struct answer {
	u64 word[ANSWER_WORDS];
};

// Take over the stash: replay what was committed. The memory may be anything.
// answers: where the records go on commit (may be NULL), nanswers of them.
[[nodiscard]] enum status journal_open(void *memory, u64 bytes,
				       struct answer *answers, u32 nanswers);
u64 journal_bytes_min(void);

// The table of holds as this request sees it; journal_holds_changed() after a
// change.
struct hold *journal_holds(void);
void journal_holds_changed(void);

// Sectors of directories and FATs, through journal and cache.
[[nodiscard]] enum status journal_read(u64 sector, u32 count, u8 *data);
[[nodiscard]] enum status journal_write(u64 sector, u32 count, const u8 *data);
// Sectors first..first+count are mirrored by distance sectors (the second FAT).
void journal_mirror(u64 first, u64 count, u64 distance);
// The disk's content changed under the cache.
void journal_forget(u64 sector, u64 count);

// Is there anything to commit?
bool journal_dirty(void);
// index: which record the answer replaces; answer NULL: none.
[[nodiscard]] enum status journal_commit(u32 index, const struct answer *answer);
void journal_rollback(void);
#endif
