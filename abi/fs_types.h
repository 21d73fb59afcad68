// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Structures that travel in the buffer of a file-system session.
#ifndef KOCHAB_ABI_FS_TYPES_H
#define KOCHAB_ABI_FS_TYPES_H
#include "lib/base/types.h"

#define FS_TYPE_MASK 0170000
#define FS_TYPE_FIFO 0010000
#define FS_TYPE_CHARACTER 0020000
#define FS_TYPE_DIRECTORY 0040000
#define FS_TYPE_BLOCK 0060000
#define FS_TYPE_FILE 0100000
#define FS_TYPE_SYMLINK 0120000
#define FS_TYPE_SOCKET 0140000

#define FS_NAME_MAX 255

#define FS_READONLY 1 // flags of root

#define FS_SET_MODE 1
#define FS_SET_UID 2
#define FS_SET_GID 4
#define FS_SET_SIZE 8
#define FS_SET_ATIME 16
#define FS_SET_MTIME 32

#define FS_RENAME_NOREPLACE 1
#define FS_RENAME_EXCHANGE 2

struct fs_attributes {
	u64 node; // inode number
	u32 mode, links, uid, gid;
	u64 size_bytes, blocks_512, device;
	i64 atime_ns, mtime_ns, ctime_ns;
	u32 block_bytes, reserved;
};

// Followed by name (name_bytes, no NUL); entries start at multiples of 8.
struct fs_entry {
	u64 node, next_cookie;
	u32 mode; // type bits
	u16 name_bytes;
	u16 entry_bytes; // distance to the next entry
};

struct fs_statistics {
	u64 block_bytes, blocks, blocks_free, files, files_free;
	u32 name_max, flags, type, reserved;
};
#endif
