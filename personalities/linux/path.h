// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The tree of files: mounts (file systems of other processes, and our own /dev
// and /proc), places in them, and walking a path to a place. Big lock held;
// every call here may drop it.
#ifndef PERSONALITIES_LINUX_PATH_H
#define PERSONALITIES_LINUX_PATH_H
#include "abi/fs_types.h"
#include "lib/base/types.h"
#include "personalities/linux/linux_abi.h"

struct thread;
struct mount;

struct place {
	struct mount *mount;
	u64 node;
	u32 mode; // type bits at least
};

// A directory that somebody keeps: its canonical path is known.
struct directory {
	u32 references;
	struct place place;
	char *path; // canonical, from the container's root
};
struct directory *directory_create(const struct place *place, const char *path);
void directory_get(struct directory *directory);
void directory_put(struct directory *directory);

#define WALK_FOLLOW 1 // a final symbolic link, too
#define WALK_PARENT 2 // the last component need not exist
#define WALK_DIRECTORY 4 // must be one
#define WALK_NO_MAGIC 8 // links of /proc/N are looked at, not followed

// Big: from the heap (walk_create), not on the stack.
struct walk {
	struct place place; // of the result; mount NULL: does not exist
	struct place parent; // directory of the last component
	char name[NAME_LIMIT + 1]; // last component; "" when it was / or ..
	bool trailing_slash;
	char path[PATH_LIMIT]; // canonical path of the result
	char pending[PATH_LIMIT * 2]; // what is left to walk
	char target[PATH_LIMIT];
};

struct walk *walk_create(void);
void walk_free(struct walk *walk);
// Walk path (native memory) from the directory of dirfd. 0 or negative error.
i64 walk_path(struct thread *thread, i64 dirfd, const char *path, u32 flags,
	      struct walk *walk);
// The same with the path in guest memory.
i64 walk_guest(struct thread *thread, i64 dirfd, u64 path, u32 flags,
	       struct walk *walk);

// ---- pure text (path_text.c)
// Take the next component of *path into name. 0: none left; 1: taken;
// -ENAMETOOLONG. *last: nothing but slashes follows.
i64 path_next(const char **path, char *name, bool *last);
// Append a component, or remove the last one. False: too long.
bool path_append(char *path, usize size, const char *name);
void path_up(char *path);
// Is path the directory or below it?
bool path_within(const char *path, const char *directory);
#endif
