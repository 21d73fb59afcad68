// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The walk of a path: see mounts.h. What is still to be walked stands at the end
// of a buffer; the target of a symbolic link is put in front of it. So the rest is
// always a tail of the client's path, unless the last component was a link that
// is followed.
#include "lib/base/bits.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"
#include "services/vfs/mounts.h"

#define BUFFER_BYTES (2 * VFS_PATH_MAX)

struct mount mounts[VFS_MOUNTS];

struct walker {
	u32 mount;
	u64 node, parent_node;
	u32 mode; // of node, 0: not known yet
	u32 links; // symbolic links followed
	u32 flags;
	u32 at; // where the rest begins in buffer
	char buffer[BUFFER_BYTES];
};

static struct walker walker; // too large for the stack; one walk at a time

// ---- the arguments

static enum status bad(const char **why, const char *text)
{
	*why = text;
	return ERR_FORMAT;
}

static enum status parse_one(struct word word, const char **why)
{
	const char *equals = memchr(word.text, '=', word.bytes);
	const char *path, *comma;
	usize bytes;
	u64 number;

	if (!equals)
		return STATUS_OK; // not ours
	if (parse_u64(word.text, (usize)(equals - word.text), VFS_MOUNTS - 1,
		      &number) != STATUS_OK)
		return bad(why, "number of a mount");
	path = equals + 1;
	bytes = word.bytes - (usize)(path - word.text);
	comma = memchr(path, ',', bytes);
	if (comma) {
		usize flags = bytes - (usize)(comma - path);

		if (flags != 3 || memcmp(comma, ",ro", 3) != 0)
			return bad(why, "flag of a mount");
		bytes = (usize)(comma - path);
	}
	if (bytes == 0 || bytes >= sizeof(mounts[0].path) || path[0] != '/' ||
	    (bytes > 1 && path[bytes - 1] == '/') ||
	    (number == 0) != (bytes == 1))
		return bad(why, "path of a mount");
	if (mounts[number].used)
		return bad(why, "a mount is there twice");
	mounts[number] = (struct mount){.used = true, .read_only = comma};
	memcpy(mounts[number].path, path, bytes);
	mounts[number].name = strrchr(mounts[number].path, '/') + 1;
	return STATUS_OK;
}

enum status mounts_parse(const char *arguments, const char **why)
{
	usize bytes = strlen(arguments);
	struct word word;

	while (parse_word(&arguments, &bytes, &word)) {
		enum status status = parse_one(word, why);

		if (status != STATUS_OK)
			return status;
	}
	return mounts[0].used ? STATUS_OK : bad(why, "no mount 0");
}

// ---- steps

static enum status go_root(struct walker *w)
{
	enum status status = mount_ready(0);

	w->mount = 0;
	w->node = mounts[0].root;
	w->parent_node = w->node;
	w->mode = FS_TYPE_DIRECTORY | 0755;
	return status;
}

static enum status go_up(struct walker *w)
{
	while (mounts[w->mount].known && w->node == mounts[w->mount].root) {
		if (w->mount == 0) {
			w->parent_node = w->node;
			w->mode = FS_TYPE_DIRECTORY | 0755;
			return STATUS_OK;
		}
		w->node = mounts[w->mount].parent_node;
		w->mount = mounts[w->mount].parent_mount;
		w->mode = FS_TYPE_DIRECTORY | 0755;
		return STATUS_OK;
	}
	w->parent_node = w->node;
	return mount_lookup(w->mount, w->node, "..", 2, &w->node, &w->mode);
}

// Is another file system mounted at this name?
static u32 mount_at(const struct walker *w, const char *name, u32 bytes)
{
	for (u32 i = 1; i < VFS_MOUNTS; i++) {
		const struct mount *mount = &mounts[i];

		if (!mount->used || !mount->known ||
		    strlen(mount->name) != bytes ||
		    memcmp(mount->name, name, bytes) != 0)
			continue;
		if (mount->parent_mount == w->mount &&
		    mount->parent_node == w->node)
			return i;
	}
	return 0;
}

static enum status go_down(struct walker *w, const char *name, u32 bytes)
{
	u32 other;

	if (w->mode != 0 && (w->mode & FS_TYPE_MASK) != FS_TYPE_DIRECTORY)
		return ERR_NOTDIR;
	if (bytes > FS_NAME_MAX)
		return ERR_NAMETOOLONG;
	other = mount_at(w, name, bytes);
	w->parent_node = w->node;
	if (other != 0) {
		w->mount = other;
		w->node = mounts[other].root;
		w->mode = FS_TYPE_DIRECTORY | 0755;
		return STATUS_OK;
	}
	return mount_lookup(w->mount, w->node, name, bytes, &w->node, &w->mode);
}

// Put the link's target in front of the rest.
static enum status follow(struct walker *w)
{
	static char target[VFS_PATH_MAX];
	u32 bytes = 0;
	enum status status;

	if (++w->links > VFS_SYMLINKS_MAX)
		return ERR_LOOP;
	status = mount_read_link(w->mount, w->node, target, &bytes);
	if (status != STATUS_OK)
		return status;
	if (bytes == 0)
		return ERR_NOENT;
	if (bytes > VFS_PATH_MAX || bytes > w->at)
		return ERR_NAMETOOLONG;
	w->at -= bytes;
	memcpy(w->buffer + w->at, target, bytes);
	w->node = w->parent_node; // targets are relative to the link's place
	w->mode = FS_TYPE_DIRECTORY | 0755;
	return target[0] == '/' ? go_root(w) : STATUS_OK;
}

static void skip_slashes(struct walker *w)
{
	while (w->at < BUFFER_BYTES && w->buffer[w->at] == '/')
		w->at++;
}

static enum status step(struct walker *w, u32 start, u32 bytes)
{
	const char *name = w->buffer + start;
	bool slash = w->at < BUFFER_BYTES;
	enum status status;
	bool last;

	if (bytes == 1 && name[0] == '.') {
		if (w->mode != 0)
			return (w->mode & FS_TYPE_MASK) == FS_TYPE_DIRECTORY
				       ? STATUS_OK
				       : ERR_NOTDIR;
		return mount_lookup(w->mount, w->node, ".", 1, &w->node,
				    &w->mode);
	}
	if (bytes == 2 && name[0] == '.' && name[1] == '.')
		return go_up(w);
	status = go_down(w, name, bytes);
	if (status != STATUS_OK)
		return status;
	last = !slash;
	if ((w->mode & FS_TYPE_MASK) == FS_TYPE_SYMLINK &&
	    (!last || (w->flags & VFS_FOLLOW)))
		return follow(w);
	if (slash && (w->mode & FS_TYPE_MASK) != FS_TYPE_DIRECTORY)
		return ERR_NOTDIR;
	return STATUS_OK;
}

static enum status finish(struct walker *w, struct walk_result *result)
{
	enum status status = STATUS_OK;

	if (w->mode == 0 && (w->flags & VFS_PARENT))
		w->mode = FS_TYPE_DIRECTORY; // its server will see
	if (w->mode == 0)
		status = mount_lookup(w->mount, w->node, ".", 1, &w->node,
				      &w->mode);
	if (status != STATUS_OK)
		return status;
	if ((w->flags & VFS_DIRECTORY) &&
	    (w->mode & FS_TYPE_MASK) != FS_TYPE_DIRECTORY)
		return ERR_NOTDIR;
	result->mount = w->mount;
	result->node = w->node;
	result->mode = w->mode;
	result->parent_node = w->parent_node;
	return STATUS_OK;
}

enum status walk(u32 mount, u64 node, const char *path, u32 path_bytes,
		 u32 flags, struct walk_result *result)
{
	struct walker *w = &walker;
	enum status status = STATUS_OK;

	*result = (struct walk_result){};
	if (path_bytes == 0)
		return ERR_NOENT;
	if (path_bytes >= VFS_PATH_MAX)
		return ERR_NAMETOOLONG;
	if (mount >= VFS_MOUNTS || !mounts[mount].used)
		return ERR_STALE;
	w->mount = mount;
	w->node = node;
	w->parent_node = node;
	w->mode = 0;
	w->links = 0;
	w->flags = flags;
	w->at = BUFFER_BYTES - path_bytes;
	memcpy(w->buffer + w->at, path, path_bytes);
	if (memchr(w->buffer + w->at, '\0', path_bytes))
		return ERR_ARGUMENT;
	// Without it ".." could not tell the root of a mount.
	status = mount_ready(mount);
	if (status == STATUS_OK && w->buffer[w->at] == '/')
		status = go_root(w);
	while (status == STATUS_OK) {
		u32 start, bytes, behind;

		skip_slashes(w);
		start = w->at;
		while (w->at < BUFFER_BYTES && w->buffer[w->at] != '/')
			w->at++;
		bytes = w->at - start;
		if (bytes == 0)
			break;
		behind = w->at;
		while (behind < BUFFER_BYTES && w->buffer[behind] == '/')
			behind++;
		if ((flags & VFS_PARENT) && behind == BUFFER_BYTES) {
			u32 left = BUFFER_BYTES - start;

			// A link's target may end the path where the client's
			// last component was "." or the like: name the tail.
			result->last_offset =
				left <= path_bytes ? path_bytes - left : 0;
			result->last_bytes = bytes;
			break;
		}
		status = step(w, start, bytes);
	}
	if (status != STATUS_OK)
		return status;
	return finish(w, result);
}
