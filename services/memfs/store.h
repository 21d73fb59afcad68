// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The state of a memory file system: everything but the contents of larger files
// lies in one arena, the server's stash, which outlives the server. There are no
// pointers in it, only offsets and inode numbers.
//
//   superblock | answers | journal | slot map | inodes | buckets | heap
//
// Every change goes through an undo journal in the arena: store_touch() saves the
// old bytes of a place before it is changed, store_commit() forgets them,
// store_rollback() puts them back. A new instance that finds saved bytes rolls
// back, so that a request was either carried out or not at all; the client sends
// it again. The record of the answer (lib/ipc) is part of the same change.
//
// The heap hands out blocks of 64 << class bytes. Blocks are not joined again.
//
// Files: store.c arena, journal, heap; names.c directories; file.c contents;
// check.c the check of a whole arena; populate.c the first contents.
#ifndef SERVICES_MEMFS_STORE_H
#define SERVICES_MEMFS_STORE_H
#include "abi/fs_types.h"
#include "lib/base/status.h"
#include "lib/fs/fs.h"

#define STORE_MAGIC 0x3153464d454d4f4bull
#define STORE_VERSION 1
#define STORE_BYTES_MIN (256u << 10)
#define STORE_JOURNAL_BYTES (64u << 10)
#define STORE_RECORD_BYTES (16u << 10) // answers of lib/ipc
#define STORE_TAIL 512 // never handed out: a broken name is read within the arena
#define STORE_CLASSES 7 // 64 to 4,096 bytes
#define STORE_BLOCK 64
#define STORE_SLOTS_MAX 65536
#define STORE_ROOT 1
#define STORE_PENDING 8
#define INLINE_MAX 512 // contents up to this size stay in the heap
#define SYMLINK_MAX 4095
#define LINKS_MAX 65000
#define HOLDER_SEVERAL 0xffffffff

// Classes of memory objects: a file moves to the next when it outgrows one.
#define OBJECT_CLASSES 3 // 2 MiB, 1 GiB, 512 GiB
#define OBJECT_BYTES(class) ((2ull << 20) << (9 * (class)))
#define STORE_FILE_MAX OBJECT_BYTES(OBJECT_CLASSES - 1)

enum content : u32 {
	CONTENT_NONE = 0, // nothing yet: reads as zero
	CONTENT_INLINE = 1, // place: heap offset; class: of the block
	CONTENT_OBJECT = 2, // place: slot; class: of the object
	CONTENT_ARCHIVE = 3, // archive: offset in the boot archive, not changed yet
};

struct store_super {
	u64 magic;
	u32 version;
	u32 checksum; // of the fields from bytes to journal_bytes
	u64 bytes;
	u32 record, journal, journal_bytes, slot_map;
	u32 slots, inodes, inode_table, buckets;
	u32 bucket_table, heap;
	u32 checked_end; // nothing before it changes
	// What changes:
	u32 heap_used; // offset of the first byte never handed out
	u32 free_block[STORE_CLASSES];
	u32 free_inode; // list through inode.next_free
	u32 inodes_unused; // first inode never used
	u32 inodes_in_use;
	u32 slot_hint;
	u32 generation;
	u32 populated;
};

struct inode {
	u32 mode; // 0: free
	u32 generation;
	u32 uid, gid;
	u32 links, holds;
	u64 size_bytes, device;
	i64 atime_ns, mtime_ns, ctime_ns;
	enum content content;
	u32 place, class;
	u32 sparse; // pages may be absent that lie below the size
	u64 archive;
	// Directories:
	u32 parent, first, last, entries;
	u64 sequence; // of the next entry
	u32 next_free;
	u32 holder; // whose holds these are; HOLDER_SEVERAL: several clients'
	u32 reserved[2];
};
static_assert(sizeof(struct inode) == 128);

struct name_entry {
	u32 next_hash;
	u32 next, previous; // in the directory, by sequence
	u32 inode, directory, hash;
	u64 sequence;
	u8 class, name_bytes;
	char name[]; // not terminated
};

struct store {
	u8 *base;
	struct store_super *super;
	const u8 *archive;
	u64 archive_bytes;
	// Slots whose objects go when the change is committed, or undone.
	u32 doomed[STORE_PENDING], ndoomed;
	u32 created[STORE_PENDING], ncreated;
};

// Make a new, empty arena (zeroed memory not required). ERR_RANGE: too small.
[[nodiscard]] enum status store_format(struct store *store, void *memory,
				       u64 bytes, u32 slots);
// Take over what a predecessor left: undo what it did not finish, check all.
// ERR_EMPTY: never formatted; ERR_CORRUPT: fails a check; why says which.
[[nodiscard]] enum status store_open(struct store *store, void *memory,
				     u64 bytes, u32 slots, const char **why);
// The check alone: nullptr, or what is wrong.
const char *store_check(const struct store *store);

void store_touch(struct store *store, void *place, u32 bytes);
void store_commit(struct store *store);
void store_rollback(struct store *store);

// Heap: offset, or 0 when full.
u32 store_class(u32 bytes);
u32 store_alloc(struct store *store, u32 class);
void store_free(struct store *store, u32 offset, u32 class);
static inline void *store_at(const struct store *store, u32 offset)
{
	return store->base + offset;
}

struct inode *store_inode(const struct store *store, u32 index);
u32 store_index(const struct store *store, const struct inode *inode);
// The inode of a node number (generation << 32 | index). nullptr: stale.
struct inode *store_node(const struct store *store, u64 node);
u64 store_number(const struct store *store, const struct inode *inode);
// A free one, or nullptr.
struct inode *store_inode_new(struct store *store, u32 mode, u32 uid, u32 gid);
// Free it if neither names nor holds are left.
void store_inode_put(struct store *store, struct inode *inode);
// Holds, which keep a file without names. holder: which client (any number).
void store_hold(struct store *store, struct inode *inode, u32 holder);
void store_release(struct store *store, struct inode *inode);
// That client died: undo, and commit, what holds it had alone.
void store_release_holder(struct store *store, u32 holder);
// A free slot for an object, or STORE_SLOTS_MAX.
u32 store_slot_new(struct store *store);
void store_slot_doom(struct store *store, u32 slot);

// ---- names.c: each either does all or returns an error; the caller commits
[[nodiscard]] enum status names_lookup(struct store *store, u64 directory,
				       const struct fs_name *name, u64 *node,
				       u32 *mode);
struct new_file {
	u32 mode, uid, gid;
	u64 device;
	const char *target; // of a symbolic link
	u32 target_bytes;
};
[[nodiscard]] enum status names_create(struct store *store, u64 directory,
				       const struct fs_name *name,
				       const struct new_file *what, u64 *node);
[[nodiscard]] enum status names_link(struct store *store, u64 directory,
				     const struct fs_name *name, u64 node);
[[nodiscard]] enum status names_unlink(struct store *store, u64 directory,
				       const struct fs_name *name, bool rmdir);
[[nodiscard]] enum status names_rename(struct store *store, u64 from,
				       const struct fs_name *from_name, u64 to,
				       const struct fs_name *to_name,
				       u32 flags);
[[nodiscard]] enum status names_list(struct store *store, u64 directory,
				     u64 cookie, struct fs_packer *packer,
				     u64 *next);
u32 names_find(const struct store *store, u32 directory, const char *name,
	       u32 bytes); // offset of the entry, or 0

// ---- file.c
[[nodiscard]] enum status file_read(struct store *store, u64 node, u64 offset,
				    u8 *data, u32 bytes, u32 *done);
[[nodiscard]] enum status file_write(struct store *store, u64 node, u64 offset,
				     const u8 *data, u32 bytes, u32 *done);
[[nodiscard]] enum status file_resize(struct store *store, struct inode *inode,
				      u64 size);
// Bring the contents into an object that the file need not leave soon.
[[nodiscard]] enum status file_to_object(struct store *store,
					 struct inode *inode, u32 class);
void file_free(struct store *store, struct inode *inode);

// ---- populate.c: make the tree that the archive names, but kochab/.
void populate(struct store *store,
	      void (*report)(const char *path, u64 position, const char *why));
#endif
