// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// vfs: which file system does a path lead to, and to which node of it
// (abi/vfs.idl). It holds the endpoints "mount.N" and gives clients one of their
// own, with a badge made from theirs, so that data does not pass through here.
// Without state: a new instance asks the file systems again.
#include "abi/constants.h"
#include "gen/abi/fs.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "gen/abi/vfs.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/ipc/server.h"
#include "lib/ipc/session.h"
#include "lib/sys/component.h"
#include "services/vfs/mounts.h"

#define BUFFER_BYTES 16384 // shared with each file system
#define CLIENT_BADGE BIT(40) // tells clients of a file system from vfs itself
#define DEPTH_MAX 256
#define ROUNDS_MAX 4096 // buffers full of one directory's entries

struct backend {
	const struct startup_cap *cap;
	struct session session;
	u32 flags; // of root
};

static struct backend backend[VFS_MOUNTS];
static struct server server;
static u64 caller; // badge of who is being served
static u8 listing[BUFFER_BYTES - 256]; // copy of a directory's entries

// ---- what walk.c asks for

static enum status reach(u32 mount)
{
	struct backend *b = &backend[mount];

	if (!b->cap)
		return ERR_NODEV;
	if (b->session.buffer)
		return STATUS_OK;
	return session_open(&b->session, handle_of(b->cap->handle),
			    BUFFER_BYTES, FS_ATTACH, FS_VERSION);
}

enum status mount_lookup(u32 mount, u64 directory, const char *name, u32 bytes,
			 u64 *node, u32 *mode)
{
	enum status status = reach(mount);
	u64 found;
	u32 kind;

	if (status == STATUS_OK)
		status = fs_lookup(&backend[mount].session, directory, name,
				   bytes, &found, &kind);
	if (status != STATUS_OK)
		return status;
	*node = found;
	*mode = kind;
	return STATUS_OK;
}

enum status mount_read_link(u32 mount, u64 node, char *target, u32 *bytes)
{
	enum status status = reach(mount);
	u32 length;

	if (status == STATUS_OK)
		status = fs_read_link(&backend[mount].session, node, target,
				      VFS_PATH_MAX, &length);
	if (status != STATUS_OK)
		return status;
	if (length > VFS_PATH_MAX)
		return ERR_PROTOCOL;
	*bytes = length;
	return STATUS_OK;
}

// Find the directory that the mount point lies in, and make its name there so
// that it is listed.
static enum status find_parent(struct mount *mount)
{
	struct walk_result parent;
	struct session *session;
	u32 bytes = (u32)(mount->name - mount->path);
	enum status status;
	u64 node;
	u32 mode;

	// Only mounts with shorter paths are above this one: it ends.
	status = walk(0, mounts[0].root, mount->path, bytes,
		      VFS_FOLLOW | VFS_DIRECTORY, &parent);
	if (status != STATUS_OK)
		return status;
	mount->parent_mount = parent.mount;
	mount->parent_node = parent.node;
	session = &backend[parent.mount].session;
	if (fs_lookup(session, parent.node, mount->name,
		      (u32)strlen(mount->name), &node, &mode) == ERR_NOENT)
		(void)!fs_create(session, parent.node, mount->name,
				 (u32)strlen(mount->name),
				 FS_TYPE_DIRECTORY | 0755, 0, 0, 0, &node);
	return STATUS_OK;
}

enum status mount_ready(u32 number)
{
	struct mount *mount = &mounts[number];
	enum status status;

	if (mount->known)
		return STATUS_OK;
	status = reach(number);
	if (status == STATUS_OK)
		status = fs_root(&backend[number].session, &mount->root,
				 &backend[number].flags);
	if (status != STATUS_OK)
		return status;
	if (number == 0) {
		mount->parent_node = mount->root;
		mount->known = true;
	}
	return STATUS_OK;
}

// ---- the protocol

static enum status op_attach(void *context, const struct vfs_attach_args *args)
{
	(void)context;
	(void)args;
	return STATUS_OK; // the server loop has done it
}

static enum status op_walk(void *context, const struct vfs_walk_args *args,
			   struct vfs_walk_result *result)
{
	static char path[VFS_PATH_MAX]; // the client's may change
	struct walk_result found;
	enum status status;

	(void)context;
	if (args->flags & ~(u32)(VFS_FOLLOW | VFS_PARENT | VFS_DIRECTORY))
		return ERR_ARGUMENT;
	if (args->path_bytes >= sizeof(path))
		return ERR_NAMETOOLONG;
	if (args->path_bytes == 0)
		return ERR_NOENT;
	memcpy(path, args->path, args->path_bytes);
	status = walk(args->mount, args->node, path, args->path_bytes,
		      args->flags, &found);
	if (status != STATUS_OK)
		return status;
	result->result_mount = found.mount;
	result->result_node = found.node;
	result->mode = found.mode;
	result->last = found.last_offset << 16 | found.last_bytes;
	result->parent_node = found.parent_node;
	return STATUS_OK;
}

static enum status op_open_mount(void *context,
				 const struct vfs_open_mount_args *args,
				 struct vfs_open_mount_result *result)
{
	u32 number = args->mount;
	enum status status;
	u32 slot;

	(void)context;
	if (number >= VFS_MOUNTS || !mounts[number].used)
		return ERR_RANGE;
	status = mount_ready(number);
	if (status != STATUS_OK)
		return status == ERR_QUOTA ? ERR_NODEV : status;
	slot = slot_alloc();
	server_free_after_reply(slot);
	status = sys_cap_mint(SELF_CNODE, slot,
			      handle_of(backend[number].cap->handle),
			      RIGHT_CALL | RIGHT_GRANT | RIGHT_DERIVE,
			      CLIENT_BADGE | caller);
	if (status != STATUS_OK) {
		log_print("endpoint of mount %u: %s", number,
			  status_text(status));
		return ERR_NODEV;
	}
	result->flags = backend[number].flags;
	if (mounts[number].read_only)
		result->flags |= FS_READONLY;
	result->endpoint = handle_of(slot);
	return STATUS_OK;
}

static enum status op_list_mounts(void *context,
				  const struct vfs_list_mounts_args *args,
				  struct vfs_list_mounts_result *result)
{
	static char text[VFS_MOUNTS * 96];
	usize used = 0;

	(void)context;
	for (u32 i = 0; i < VFS_MOUNTS; i++) {
		bool read_only = mounts[i].read_only ||
				 (backend[i].flags & FS_READONLY);

		if (!mounts[i].used)
			continue;
		used += format_text(text + used, sizeof(text) - used,
				    "%u %s fs %s\n", i, mounts[i].path,
				    read_only ? "ro" : "rw");
	}
	result->length = (u32)MIN(used, (usize)args->text_bytes);
	memcpy(args->text, text, result->length);
	return STATUS_OK;
}

// The name under which a directory lists a node.
static enum status name_of(u32 mount, u64 directory, u64 node,
			   struct fs_entry *entry, const char **name)
{
	u64 cookie = 0;

	for (u32 round = 0; round < ROUNDS_MAX; round++) {
		u32 bytes;
		enum status status =
			fs_read_directory(&backend[mount].session, directory,
					  cookie, listing, sizeof(listing),
					  &bytes, &cookie);

		if (status != STATUS_OK)
			return status;
		if (bytes == 0 || bytes > sizeof(listing))
			return bytes == 0 ? ERR_STALE : ERR_PROTOCOL;
		for (u32 at = 0; at + sizeof(*entry) <= bytes;) {
			memcpy(entry, listing + at, sizeof(*entry));
			if (entry->entry_bytes < sizeof(*entry) ||
			    entry->entry_bytes > bytes - at ||
			    entry->name_bytes >
				    entry->entry_bytes - sizeof(*entry))
				return ERR_PROTOCOL;
			*name = (const char *)listing + at + sizeof(*entry);
			if (entry->node == node)
				return STATUS_OK;
			at += entry->entry_bytes;
		}
	}
	return ERR_STALE;
}

// Put /name in front of what is there.
static bool prepend(char *path, u32 *at, const char *name, usize bytes)
{
	if (bytes + 1 > *at)
		return false;
	*at -= (u32)bytes;
	memcpy(path + *at, name, bytes);
	path[--*at] = '/';
	return true;
}

static enum status op_path_of(void *context, const struct vfs_path_of_args *args,
			      struct vfs_path_of_result *result)
{
	static char path[VFS_PATH_MAX];
	u32 at = sizeof(path);
	u32 mount = args->mount;
	u64 node = args->node;
	enum status status = STATUS_OK;

	(void)context;
	if (mount >= VFS_MOUNTS || !mounts[mount].used)
		return ERR_STALE;
	status = mount_ready(mount);
	for (u32 i = 0; status == STATUS_OK && node != mounts[mount].root; i++) {
		struct fs_entry entry;
		const char *name;
		u64 parent;
		u32 mode;

		if (i == DEPTH_MAX)
			return ERR_NAMETOOLONG;
		status = mount_lookup(mount, node, "..", 2, &parent, &mode);
		if (status == STATUS_OK)
			status = name_of(mount, parent, node, &entry, &name);
		if (status == STATUS_OK &&
		    !prepend(path, &at, name, entry.name_bytes))
			status = ERR_NAMETOOLONG;
		node = parent;
	}
	if (status != STATUS_OK)
		return status;
	if (mount != 0 && !prepend(path, &at, mounts[mount].path + 1,
				   strlen(mounts[mount].path + 1)))
		return ERR_NAMETOOLONG;
	if (at == sizeof(path))
		path[--at] = '/';
	if (args->path_bytes < sizeof(path) - at)
		return ERR_NAMETOOLONG;
	result->length = (u32)sizeof(path) - at;
	memcpy(args->path, path + at, result->length);
	return STATUS_OK;
}

static const struct vfs_ops ops = {
	.attach = op_attach,
	.walk = op_walk,
	.open_mount = op_open_mount,
	.list_mounts = op_list_mounts,
	.path_of = op_path_of,
};

static enum status dispatch(void *context, struct server_session *session,
			    struct message *message)
{
	struct service_session view = server_view(session);

	if (!session) {
		message->word[0] = (u64)(i64)ERR_SESSION;
		message->nwords = 1;
		message->ncaps = 0;
		return ERR_SESSION;
	}
	caller = session->badge;
	return vfs_dispatch(&ops, context, &view, message);
}

// Mount points are found at the start, shortest path first, so that a walk never
// begins another one.
static void place_mounts(void)
{
	for (usize length = 1; length < sizeof(mounts[0].path); length++)
		for (u32 i = 0; i < VFS_MOUNTS; i++) {
			enum status status;

			if (!mounts[i].used || strlen(mounts[i].path) != length)
				continue;
			status = mount_ready(i);
			if (status == STATUS_OK && i != 0)
				status = find_parent(&mounts[i]);
			if (status != STATUS_OK) {
				log_print("%s: %s", mounts[i].path,
					  status_text(status));
				mounts[i].used = i == 0;
				continue;
			}
			mounts[i].known = true;
		}
}

int component_main(const struct startup *page)
{
	const struct startup_cap *endpoint =
		startup_need("vfs", STARTUP_ENDPOINT_SERVER);
	const char *why;
	enum status status;

	if (mounts_parse(page->arguments, &why) != STATUS_OK)
		component_fail("arguments: %s: %s", why, page->arguments);
	for (u32 i = 0; i < VFS_MOUNTS; i++) {
		char name[STARTUP_NAME];

		format_text(name, sizeof(name), "mount.%u", i);
		backend[i].cap = startup_find(name, STARTUP_ENDPOINT_CLIENT);
		if (mounts[i].used && !backend[i].cap) {
			log_print("%s: no endpoint", mounts[i].path);
			mounts[i].used = false;
		}
	}
	if (!mounts[0].used)
		component_fail("no root file system");
	place_mounts();
	server.dispatch = dispatch;
	status = server_init(&server, handle_of(endpoint->handle), VFS_ATTACH,
			     nullptr);
	if (status != STATUS_OK)
		component_fail("server: %s", status_text(status));
	component_ready();
	server_run(&server);
}
