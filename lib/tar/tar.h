// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Reads ustar archives in memory (POSIX.1-1988 tar interchange format), as the
// boot archive is: a header of 512 bytes for each member, its data padded to
// 512. Several archives may follow each other: blocks of zeroes between and
// behind them are skipped. Nothing is allocated; data stays where it is.
//
// Every field is checked: checksum, octal numbers, that the data lies within the
// archive, and that the path stays inside. Members that this reader does not
// know (GNU and pax long names, sparse files) are passed over and counted.
#ifndef LIB_TAR_TAR_H
#define LIB_TAR_TAR_H
#include "lib/base/status.h"

#define TAR_BLOCK_BYTES 512
#define TAR_PATH_MAX 256 // prefix, slash, name
#define TAR_LINK_MAX 100

struct tar_reader {
	const u8 *archive;
	u64 bytes;
	u64 position; // of the next header
	u64 member; // position of the header last looked at, for messages
	u32 skipped; // members passed over
};

struct tar_entry {
	// Relative, without "." and empty components, without a slash at the
	// end; the root itself is "".
	char path[TAR_PATH_MAX + 1];
	char link[TAR_LINK_MAX + 1]; // target of a symbolic or hard link
	u32 mode; // type bits as in abi/fs_types.h, and permissions
	bool hard_link; // mode says regular file; link is the other's path
	u32 uid, gid;
	i64 mtime_s;
	u64 size_bytes, data_offset; // of a regular file
	u64 device; // major << 32 | minor of a device node
};

void tar_open(struct tar_reader *reader, const void *archive, u64 bytes);
// The next member. ERR_EMPTY: there is none left. ERR_CORRUPT: what stands at
// reader->member is no valid header; reading cannot go on. ERR_FORMAT: its path
// is not acceptable (too long, empty or leads outside); it was passed over.
[[nodiscard]] enum status tar_next(struct tar_reader *reader,
				   struct tar_entry *entry);

// The path rule by itself: writes the normal form of path (at most length bytes,
// or up to a NUL) into out. ERR_FORMAT.
[[nodiscard]] enum status tar_normal_path(const char *path, usize length,
					  char out[TAR_PATH_MAX + 1]);
#endif
