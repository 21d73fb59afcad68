// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The table of mounts: those that vfs lists, and our own /dev and /proc.
#include "personalities/linux/mount.h"

#include "gen/abi/vfs.h"
#include "lib/base/format.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/container.h"
#include "personalities/linux/fs_mount.h"

struct mount mounts[MOUNTS_MAX];
u32 nmounts;

static struct mount *mount_add(const char *path, const char *type,
			       const struct mount_operations *operations)
{
	struct mount *mount;
	const char *slash = strrchr(path, '/');

	if (nmounts == MOUNTS_MAX || !slash ||
	    strlen(path) >= sizeof(mount->path))
		return nullptr;
	mount = &mounts[nmounts];
	*mount =
		(struct mount){.operations = operations, .number = nmounts + 1};
	strlcpy(mount->path, path, sizeof(mount->path));
	strlcpy(mount->type, type, sizeof(mount->type));
	strlcpy(mount->name, slash + 1, sizeof(mount->name));
	nmounts++;
	return mount;
}

struct mount *mount_on(const struct mount *below, u64 node, const char *name)
{
	for (u32 i = 1; i < nmounts; i++)
		if (mounts[i].below == below && mounts[i].below_node == node &&
		    string_equal(mounts[i].name, name))
			return &mounts[i];
	return nullptr;
}

// Find the directory that a mount lies in. Names on the way are plain.
static i64 mount_place(struct mount *mount)
{
	struct mount *at = &mounts[0];
	u64 node = at->root;
	const char *rest = mount->path;
	char name[NAME_LIMIT + 1];
	bool last = false;
	u32 mode;

	while (path_next(&rest, name, &last) == 1) {
		struct mount *over = mount_on(at, node, name);
		i64 error;

		if (last) {
			mount->below = at;
			mount->below_node = node;
			mount->hidden_point =
				at->operations->lookup(nullptr, at, node, name,
						       &node, &mode) != 0;
			return 0;
		}
		if (over) {
			at = over;
			node = over->root;
			continue;
		}
		error = at->operations->lookup(nullptr, at, node, name, &node,
					       &mode);
		if (error)
			return error;
	}
	return -ENOENT;
}

// One line of vfs: "number path type flags".
static void mount_line(struct session *session, struct word line)
{
	struct word number, path, type, flags;
	char path_text[64], type_text[16];
	struct mount *mount;
	u64 value;

	if (!parse_word(&line.text, &line.bytes, &number) ||
	    !parse_word(&line.text, &line.bytes, &path) ||
	    !parse_word(&line.text, &line.bytes, &type) ||
	    !parse_word(&line.text, &line.bytes, &flags) ||
	    path.bytes >= sizeof(path_text) ||
	    parse_u64(number.text, number.bytes, 15, &value) != STATUS_OK)
		return;
	format_text(path_text, sizeof(path_text), "%.*s", (int)path.bytes,
		    path.text);
	format_text(type_text, sizeof(type_text), "%.*s", (int)type.bytes,
		    type.text);
	mount = mount_add(path_text, type_text, &fs_mount_operations);
	if (!mount)
		return;
	mount->vfs_number = (u32)value;
	mount->read_only = word_equal(flags, "ro");
	if (fs_mount_open(mount, session) == 0)
		return;
	log_print("linux: mount %s cannot be used", path_text);
	nmounts--;
}

static i64 mounts_ask(struct session *session)
{
	static char text[2048];
	struct word line;
	const char *at = text;
	u32 length;
	usize left;

	if (vfs_list_mounts(session, text, sizeof(text), &length) !=
		    STATUS_OK ||
	    length > sizeof(text))
		return -EIO;
	left = length;
	while (parse_line(&at, &left, &line))
		mount_line(session, line);
	return nmounts ? 0 : -ENODEV;
}

i64 mounts_init(void)
{
	const struct startup_cap *cap =
		startup_need("vfs", STARTUP_ENDPOINT_CLIENT);
	static struct session session;
	struct mount *dev, *proc;
	i64 error;

	if (session_open(&session, handle_of(cap->handle), 8192, VFS_ATTACH,
			 VFS_VERSION) != STATUS_OK)
		return -ENOMEM;
	error = mounts_ask(&session);
	if (error)
		return error;
	dev = mount_add("/dev", "devtmpfs", &dev_mount_operations);
	proc = mount_add("/proc", "proc", &proc_mount_operations);
	if (!dev || !proc)
		return -ENOMEM;
	dev->root = proc->root = 1;
	for (u32 i = 1; i < nmounts; i++)
		if (mount_place(&mounts[i]))
			log_print("linux: no place for mount %s",
				  mounts[i].path);
	return 0;
}

usize mounts_text(char *to, usize size)
{
	usize length = 0;

	for (u32 i = 0; i < nmounts && length < size; i++)
		length += format_text(to + length, size - length,
				      "%s %s %s %s,relatime 0 0\n",
				      mounts[i].type, mounts[i].path,
				      mounts[i].type,
				      mounts[i].read_only ? "ro" : "rw");
	return length < size ? length : size;
}
