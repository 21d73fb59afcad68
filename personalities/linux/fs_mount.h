// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Mounts served by another process (abi/fs.idl).
#ifndef PERSONALITIES_LINUX_FS_MOUNT_H
#define PERSONALITIES_LINUX_FS_MOUNT_H
#include "personalities/linux/mount.h"

struct session;
// Get the server's endpoint from vfs and its root. Big lock held or not needed.
[[nodiscard]] i64 fs_mount_open(struct mount *mount, struct session *vfs);
#endif
