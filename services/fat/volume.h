// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A FAT volume by nodes. A node is the place of a directory entry on the disk
// (sector and index), with a check sum that only this server can make, so the
// same number names the same file for every instance, and a made-up number names
// nothing. While a client holds a node, its number stays although the entry moves
// (rename) or goes (unlink): see struct hold in journal.h.
//
// Requests that change something stand between volume_begin() and volume_commit()
// or volume_rollback().
#ifndef SERVICES_FAT_VOLUME_H
#define SERVICES_FAT_VOLUME_H
#include "abi/fs_types.h"
#include "lib/base/status.h"
#include "lib/fs/fs.h"
#include "services/fat/journal.h"

#define VOLUME_ROOT 1

// secret: makes node numbers; the same for all instances.
[[nodiscard]] enum status volume_mount(u64 secret);
i64 volume_now_ns(void); // supplied by who links this

void volume_begin(void);
[[nodiscard]] enum status volume_commit(u32 index, const struct answer *answer);
void volume_rollback(void);

[[nodiscard]] enum status volume_lookup(u64 directory, const struct fs_name *name,
					u64 *node, u32 *mode);
[[nodiscard]] enum status volume_attributes(u64 node, struct fs_attributes *out);
[[nodiscard]] enum status volume_set_attributes(u64 node, u32 mask,
						const struct fs_attributes *in);
[[nodiscard]] enum status volume_read(u64 node, u64 offset, u8 *data, u32 bytes,
				      u32 *done);
[[nodiscard]] enum status volume_write(u64 node, u64 offset, const u8 *data,
				       u32 bytes, u32 *done);
[[nodiscard]] enum status volume_create(u64 directory, const struct fs_name *name,
					u32 mode, u64 *node);
[[nodiscard]] enum status volume_remove(u64 directory, const struct fs_name *name,
					bool rmdir);
[[nodiscard]] enum status volume_rename(u64 from, const struct fs_name *from_name,
					u64 to, const struct fs_name *to_name,
					u32 flags);
[[nodiscard]] enum status volume_list(u64 directory, u64 cookie,
				      struct fs_packer *packer, u64 *next);
// holder: which client asks (not ~0).
[[nodiscard]] enum status volume_hold(u64 node, u64 holder);
void volume_release(u64 node);
// That client died: undo what holds it had alone.
void volume_release_holder(u64 holder);
[[nodiscard]] enum status volume_statistics(struct fs_statistics *out);
#endif
