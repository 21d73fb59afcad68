// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The mounts that vfs knows, and the walk of a path over them. Stateless: all is
// in the manifest's arguments, "0=/ 1=/boot,ro 2=/disk1": number, directory,
// flags. Mount points are named by the directory they lie in and a name; they need
// not exist below, but vfs makes them so that they are listed.
//
// The walk asks the file systems through mount_lookup() and mount_read_link();
// main.c does it by calls, the host's tests have a tree of their own.
#ifndef SERVICES_VFS_MOUNTS_H
#define SERVICES_VFS_MOUNTS_H
#include "abi/fs_types.h"
#include "abi/vfs_types.h"
#include "lib/base/status.h"

struct mount {
	bool used, read_only;
	char path[64]; // absolute, no slash at the end; "/" for mount 0
	// The directory that the mount point lies in, and its name there.
	u32 parent_mount;
	u64 parent_node;
	const char *name; // last component of path
	u64 root; // node
	bool known; // root and parent_node are
};

struct walk_result {
	u32 mount;
	u64 node;
	u32 mode;
	u32 last_offset, last_bytes; // with VFS_PARENT
	u64 parent_node; // directory that node was found in
};

extern struct mount mounts[VFS_MOUNTS];

// Read the arguments. ERR_FORMAT: why tells.
[[nodiscard]] enum status mounts_parse(const char *arguments, const char **why);

// Start at (mount, node), or at the root where the path is absolute.
[[nodiscard]] enum status walk(u32 mount, u64 node, const char *path,
			       u32 path_bytes, u32 flags,
			       struct walk_result *result);

// Supplied by who links this. mount_ready makes root and parent_node known.
[[nodiscard]] enum status mount_ready(u32 mount);
[[nodiscard]] enum status mount_lookup(u32 mount, u64 directory,
				       const char *name, u32 bytes, u64 *node,
				       u32 *mode);
// At most VFS_PATH_MAX bytes.
[[nodiscard]] enum status mount_read_link(u32 mount, u64 node, char *target,
					  u32 *bytes);
#endif
