// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Walking paths, one component at a time, over mounts of other processes and our
// own, through symbolic links. `..` goes by the canonical path, so it is right
// across mounts and after links.
#include "personalities/linux/path.h"

#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"

#define LINKS_MAX 40u

struct directory *directory_create(const struct place *place, const char *path)
{
	struct directory *directory = object_alloc(sizeof(*directory));

	if (!directory)
		return nullptr;
	*directory = (struct directory){1, *place, text_copy(path)};
	if (directory->path)
		return directory;
	object_free(directory);
	return nullptr;
}

void directory_get(struct directory *directory)
{
	directory->references++;
}

void directory_put(struct directory *directory)
{
	if (!directory || --directory->references)
		return;
	object_free(directory->path);
	object_free(directory);
}

struct walk *walk_create(void)
{
	return buffer_alloc(sizeof(struct walk));
}

void walk_free(struct walk *walk)
{
	object_free(walk);
}

static void start_at(struct walk *walk, const struct directory *directory)
{
	walk->place = directory->place;
	strlcpy(walk->path, directory->path, sizeof(walk->path));
}

static bool is_directory(const struct place *place)
{
	return (place->mode & S_IFMT) == S_IFDIR;
}

// One name in walk->place. walk->place becomes what it names.
static i64 descend(struct thread *thread, struct walk *walk, const char *name)
{
	struct place *at = &walk->place;
	struct mount *over = mount_on(at->mount, at->node, name);
	u64 node;
	u32 mode;
	i64 error;

	if (over) {
		*at = (struct place){over, over->root, S_IFDIR | 0755};
		return 0;
	}
	error = at->mount->operations->lookup(thread, at->mount, at->node, name,
					      &node, &mode);
	if (!error)
		*at = (struct place){at->mount, node, mode};
	return error;
}

// Go to the directory that the canonical path names: no links in it.
static i64 go_canonical(struct thread *thread, struct walk *walk)
{
	char name[NAME_LIMIT + 1];
	const char *rest = walk->path;
	bool last;

	walk->place =
		(struct place){&mounts[0], mounts[0].root, S_IFDIR | 0755};
	while (path_next(&rest, name, &last) == 1) {
		i64 error = descend(thread, walk, name);

		if (error)
			return error;
	}
	return 0;
}

static i64 go_up(struct thread *thread, struct walk *walk)
{
	const struct directory *root = thread->directories->root;

	if (string_equal(walk->path, root->path))
		return 0;
	path_up(walk->path);
	return go_canonical(thread, walk);
}

// Put the link's target in front of what is left. The walk is at the directory.
static i64 follow(struct thread *thread, struct walk *walk,
		  const struct place *link, const char **rest)
{
	i64 length = link->mount->operations->read_link(
		thread, link->mount, link->node, walk->target,
		sizeof(walk->target) - 1);
	usize left = strlen(*rest);

	if (length < 0)
		return length;
	if (length == 0)
		return -ENOENT;
	if ((usize)length + left + 2 > sizeof(walk->pending))
		return -ENAMETOOLONG;
	memmove(walk->pending + length, *rest, left + 1);
	memcpy(walk->pending, walk->target, (usize)length);
	*rest = walk->pending;
	if (walk->pending[0] == '/')
		start_at(walk, thread->directories->root);
	return 0;
}

static bool is_magic(const struct place *place)
{
	return place->mount->operations == &proc_mount_operations;
}

// After descending to a link: where it leads. True in *again: walk on from
// the place of the link's directory.
static i64 step_link(struct thread *thread, struct walk *walk,
		     const struct place *directory, const char **rest,
		     u32 flags, bool *again)
{
	struct place link = walk->place;

	*again = false;
	if (is_magic(&link) && !(flags & WALK_NO_MAGIC)) {
		i64 result =
			proc_magic(thread, link.node, &walk->place, walk->path);

		if (result != -EAGAIN)
			return result;
	}
	walk->place = *directory;
	path_up(walk->path);
	*again = true;
	return follow(thread, walk, &link, rest);
}

static i64 walk_on(struct thread *thread, struct walk *walk, const char *rest,
		   u32 flags)
{
	char name[NAME_LIMIT + 1];
	u32 links = 0;
	bool last;
	i64 result;

	walk->parent = walk->place;
	while ((result = path_next(&rest, name, &last)) == 1) {
		struct place directory = walk->place;
		bool again;

		strlcpy(walk->name, name, sizeof(walk->name));

		walk->trailing_slash = last && *rest == '/';
		if (!is_directory(&directory))
			return -ENOTDIR;
		walk->parent = directory;
		if (string_equal(walk->name, ".")) {
			walk->name[0] = 0;
			continue;
		}
		if (string_equal(walk->name, "..")) {
			walk->name[0] = 0;
			result = go_up(thread, walk);
			if (result)
				return result;
			continue;
		}
		result = descend(thread, walk, walk->name);
		if (result == -ENOENT && last && (flags & WALK_PARENT)) {
			walk->place.mount = nullptr;
			return path_append(walk->path, sizeof(walk->path),
					   walk->name)
				? 0
				: -ENAMETOOLONG;
		}
		if (result)
			return result;
		if (!path_append(walk->path, sizeof(walk->path), walk->name))
			return -ENAMETOOLONG;
		if ((walk->place.mode & S_IFMT) != S_IFLNK ||
		    (last && !(flags & WALK_FOLLOW) && !walk->trailing_slash))
			continue;
		if (++links > LINKS_MAX)
			return -ELOOP;
		result = step_link(thread, walk, &directory, &rest, flags,
				   &again);
		if (result)
			return result;
	}
	if (result)
		return result;
	if ((walk->trailing_slash || (flags & WALK_DIRECTORY)) &&
	    !is_directory(&walk->place))
		return -ENOTDIR;
	return 0;
}

i64 walk_path(struct thread *thread, i64 dirfd, const char *path, u32 flags,
	      struct walk *walk)
{
	struct file *file;

	if (!*path)
		return -ENOENT;
	walk->trailing_slash = false;
	walk->name[0] = 0;
	if (*path == '/') {
		start_at(walk, thread->directories->root);
	} else if (dirfd == AT_FDCWD) {
		start_at(walk, thread->directories->current);
	} else {
		file = files_get(thread, (u64)dirfd);
		if (!file)
			return -EBADF;
		if (!file_is_directory(file)) {
			file_put(file);
			return -ENOTDIR;
		}
		walk->place = file->place;
		strlcpy(walk->path, file->path, sizeof(walk->path));
		file_put(file);
	}
	return walk_on(thread, walk, path, flags);
}

i64 walk_guest(struct thread *thread, i64 dirfd, u64 path, u32 flags,
	       struct walk *walk)
{
	char *text = buffer_alloc(PATH_LIMIT);
	i64 error = text ? guest_text_in(text, path, PATH_LIMIT) : -ENOMEM;

	if (error >= 0)
		error = walk_path(thread, dirfd, text, flags, walk);
	object_free(text);
	return error;
}
