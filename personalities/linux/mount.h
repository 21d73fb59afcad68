// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Mounts and what can be done in them. The operations of a mount of another
// process are calls to its file system server over a few sessions, during which
// the big lock is dropped. Results are 0 (or a count) or negative errors.
#ifndef PERSONALITIES_LINUX_MOUNT_H
#define PERSONALITIES_LINUX_MOUNT_H
#include "abi/fs_types.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/path.h"

#define MOUNTS_MAX 20u

struct mount_operations {
	i64 (*lookup)(struct thread *, struct mount *, u64 directory,
		      const char *name, u64 *node, u32 *mode);
	i64 (*attributes)(struct thread *, struct mount *, u64 node,
			  struct fs_attributes *);
	i64 (*read_link)(struct thread *, struct mount *, u64 node,
			 char *target, usize size);
	// struct fs_entry records; bytes, and where to go on.
	i64 (*read_directory)(struct thread *, struct mount *, u64 node,
			      u64 *cookie, void *entries, usize size);
	// NULL: the mount is ours, and read-only
	i64 (*create)(struct mount *, u64 directory, const char *name, u32 mode,
		      u32 uid, u32 gid, u64 device, u64 *node);
	i64 (*symlink)(struct mount *, u64 directory, const char *name,
		       const char *target, u32 uid, u32 gid);
	i64 (*link)(struct mount *, u64 directory, const char *name, u64 node);
	i64 (*unlink)(struct mount *, u64 directory, const char *name,
		      bool is_dir);
	i64 (*rename)(struct mount *, u64 from, const char *from_name, u64 to,
		      const char *to_name, u32 flags);
	i64 (*set_attributes)(struct mount *, u64 node, u32 mask,
			      const struct fs_attributes *);
	i64 (*statistics)(struct mount *, struct fs_statistics *);
	i64 (*sync)(struct mount *, u64 node);
	i64 (*hold)(struct mount *, u64 node, bool hold);
	i64 (*read)(struct mount *, u64 node, u64 offset, struct io *);
	i64 (*write)(struct mount *, u64 node, u64 offset, struct io *);
	// memory of the file's contents, in a new capability
	i64 (*map)(struct mount *, u64 node, u32 flags, u64 *size,
		   struct handle *memory);
};

struct mount {
	const struct mount_operations *operations;
	u32 number; // device number of stat
	u32 vfs_number;
	u64 root;
	bool read_only, hidden_point; // its name is not in the directory below
	char path[64], type[16];
	struct mount *below;
	u64 below_node;
	char name[32]; // last component of path
	struct connections *connections;
};

extern struct mount mounts[MOUNTS_MAX];
extern u32 nmounts;

[[nodiscard]] i64 mounts_init(void);
// The mount on this name of a directory, or NULL.
struct mount *mount_on(const struct mount *below, u64 node, const char *name);
extern const struct mount_operations dev_mount_operations;
extern const struct mount_operations proc_mount_operations;
extern const struct mount_operations fs_mount_operations;

// /proc: a link that leads to an object rather than a path. 0: place is set.
i64 proc_magic(struct thread *thread, u64 node, struct place *place,
	       char *path);
// The file behind /proc/N/fd/K, with a reference, or NULL.
struct file *proc_fd_file(const struct place *place);

usize mounts_text(char *to, usize size);
#endif
