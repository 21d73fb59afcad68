// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What every server of abi/fs.idl needs: names out of a client's buffer, and
// directory entries into it. The buffer is shared with the client, who may change
// it at any time: a name is copied first and checked in the copy.
#ifndef LIB_FS_FS_H
#define LIB_FS_FS_H
#include "abi/fs_types.h"
#include "lib/base/status.h"

struct fs_name {
	char text[FS_NAME_MAX + 1]; // NUL-terminated
	u32 bytes;
};

// Copy and check: 1 to 255 bytes, no '/' and no NUL. ERR_NAMETOOLONG,
// ERR_NOENT (empty), ERR_ARGUMENT.
[[nodiscard]] enum status fs_name_copy(struct fs_name *name, const u8 *shared,
				       u32 bytes);
// "." or ".."
bool fs_name_is_dots(const struct fs_name *name);

// Entries of a directory, packed into the client's buffer one after the other.
struct fs_packer {
	u8 *out;
	u32 room, used;
};
// False: it does not fit any more.
bool fs_pack(struct fs_packer *packer, u64 node, u32 mode, u64 next_cookie,
	     const char *name, u32 bytes);

// Copy a structure out to a client who asked for bytes of it.
void fs_copy_out(u8 *shared, u32 bytes, const void *from, u32 from_bytes);

u32 fs_hash(u64 seed, const char *name, u32 bytes);
#endif
