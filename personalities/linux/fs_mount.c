// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Calls to file system servers. Each mount has a few sessions; a call takes a
// free one (or waits for one), drops the big lock, calls, and takes the lock.
// Data goes between the session's buffer and the guest directly.
#include "personalities/linux/fs_mount.h"

#include "gen/abi/fs.h"
#include "gen/abi/syscall_stubs.h"
#include "gen/abi/vfs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/carrier.h"
#include "personalities/linux/container.h"
#include "personalities/linux/sync.h"

#define CONNECTIONS 4u
#define BUFFER_BYTES 0x20000u
#define TRANSFER_MAX (BUFFER_BYTES - 4096u)

struct connection {
	struct session session;
	bool open, busy;
};

struct connections {
	struct handle endpoint;
	struct wait_queue freed;
	struct connection connection[CONNECTIONS];
};

i64 fs_mount_open(struct mount *mount, struct session *vfs)
{
	struct connections *all = object_alloc(sizeof(*all));
	u32 slot = slot_alloc(), flags;

	if (!all)
		return -ENOMEM;
	if (vfs_open_mount(vfs, mount->vfs_number, handle_of(slot), &flags) !=
	    STATUS_OK) {
		slot_free(slot);
		object_free(all);
		return -ENODEV;
	}
	all->endpoint = handle_of(slot);
	wait_queue_init(&all->freed);
	mount->connections = all;
	struct connection *first = &all->connection[0];

	if (session_open(&first->session, all->endpoint, BUFFER_BYTES,
			 FS_ATTACH, FS_VERSION) != STATUS_OK)
		return -ENOMEM;
	first->open = true;
	return status_errno(fs_root(&first->session, &mount->root, &flags));
}

static struct connection *connection_take(struct connections *all)
{
	for (;;) {
		struct wait_entry entry;

		for (u32 i = 0; i < CONNECTIONS; i++) {
			struct connection *c = &all->connection[i];

			if (c->busy)
				continue;
			if (!c->open) {
				if (session_open(&c->session, all->endpoint,
						 BUFFER_BYTES, FS_ATTACH,
						 FS_VERSION) != STATUS_OK)
					break;
				c->session.lane = i;
				c->open = true;
			}
			c->busy = true;
			return c;
		}
		wait_enter(&all->freed, &entry);
		(void)!wait_park(0);
		wait_leave(&entry);
	}
}

static struct session *begin(struct mount *mount)
{
	struct connection *c = connection_take(mount->connections);

	mutex_unlock(&container_lock);
	return &c->session;
}

static i64 end(struct mount *mount, struct session *session, enum status status)
{
	struct connection *c =
		CONTAINER_OF(session, struct connection, session);

	mutex_lock(&container_lock);
	c->busy = false;
	wait_wake(&mount->connections->freed);
	return status_errno(status);
}

static i64 lookup(struct thread *thread, struct mount *mount, u64 directory,
		  const char *name, u64 *node, u32 *mode)
{
	struct session *s = begin(mount);

	(void)thread;
	return end(
		mount, s,
		fs_lookup(s, directory, name, (u32)strlen(name), node, mode));
}

static i64 attributes(struct thread *thread, struct mount *mount, u64 node,
		      struct fs_attributes *out)
{
	struct session *s = begin(mount);

	(void)thread;
	return end(mount, s, fs_get_attributes(s, node, out, sizeof(*out)));
}

static i64 read_link(struct thread *thread, struct mount *mount, u64 node,
		     char *target, usize size)
{
	struct session *s = begin(mount);
	u32 length = 0;
	i64 error;

	(void)thread;
	error = end(mount, s,
		    fs_read_link(s, node, target, (u32)size, &length));
	if (error)
		return error;
	return length <= size ? (i64)length : -EIO;
}

static i64 read_directory(struct thread *thread, struct mount *mount, u64 node,
			  u64 *cookie, void *entries, usize size)
{
	struct session *s = begin(mount);
	u32 bytes = 0;
	i64 error;

	(void)thread;
	error = end(mount, s,
		    fs_read_directory(s, node, *cookie, entries, (u32)size,
				      &bytes, cookie));
	if (error)
		return error;
	return bytes <= size ? (i64)bytes : -EIO;
}

static i64 create(struct mount *mount, u64 directory, const char *name,
		  u32 mode, u32 uid, u32 gid, u64 device, u64 *node)
{
	struct session *s = begin(mount);

	return end(mount, s,
		   fs_create(s, directory, name, (u32)strlen(name), mode, uid,
			     gid, device, node));
}

static i64 make_symlink(struct mount *mount, u64 directory, const char *name,
			const char *target, u32 uid, u32 gid)
{
	struct session *s = begin(mount);

	return end(mount, s,
		   fs_symlink(s, directory, name, (u32)strlen(name), target,
			      (u32)strlen(target), uid, gid, nullptr));
}

static i64 make_link(struct mount *mount, u64 directory, const char *name,
		     u64 node)
{
	struct session *s = begin(mount);

	return end(mount, s,
		   fs_link(s, directory, name, (u32)strlen(name), node));
}

static i64 remove(struct mount *mount, u64 directory, const char *name,
		  bool is_dir)
{
	struct session *s = begin(mount);

	return end(mount, s,
		   is_dir ? fs_rmdir(s, directory, name, (u32)strlen(name))
			  : fs_unlink(s, directory, name, (u32)strlen(name)));
}

static i64 move(struct mount *mount, u64 from, const char *from_name, u64 to,
		const char *to_name, u32 flags)
{
	struct session *s = begin(mount);

	return end(mount, s,
		   fs_rename(s, from, from_name, (u32)strlen(from_name), to,
			     to_name, (u32)strlen(to_name), flags));
}

static i64 set_attributes(struct mount *mount, u64 node, u32 mask,
			  const struct fs_attributes *in)
{
	struct session *s = begin(mount);

	return end(mount, s, fs_set_attributes(s, node, mask, in, sizeof(*in)));
}

static i64 statistics(struct mount *mount, struct fs_statistics *out)
{
	struct session *s = begin(mount);

	return end(mount, s, fs_statistics(s, out, sizeof(*out)));
}

static i64 make_durable(struct mount *mount, u64 node)
{
	struct session *s = begin(mount);

	return end(mount, s, fs_sync(s, node));
}

static i64 keep(struct mount *mount, u64 node, bool hold)
{
	struct session *s = begin(mount);

	return end(mount, s, hold ? fs_hold(s, node) : fs_release(s, node));
}

// One message each way; the data lies in the session's buffer. Other than the
// generated stubs these copy from and to guest memory, which may fault.
static enum status transfer(struct session *s, u64 opcode, u64 node, u64 offset,
			    u32 bytes, u64 packed, u32 *done)
{
	struct message m = {
		.word = {opcode | FS_VERSION << 16, node, offset, packed},
		.nwords = 4};
	enum status status = session_call(s, &m);

	if (status != STATUS_OK)
		return status;
	status = status_from_word(m.word[0]);
	if (status != STATUS_OK)
		return status;
	if (m.nwords != 2 || m.ncaps != 0 || m.word[1] > bytes)
		return ERR_PROTOCOL;
	*done = (u32)m.word[1];
	return STATUS_OK;
}

static i64 read_bytes(struct mount *mount, u64 node, u64 offset, struct io *io)
{
	u32 bytes = (u32)MIN(io->left, (u64)TRANSFER_MAX), done = 0;
	struct session *s = begin(mount);
	enum status status;
	i64 error = 0;
	u64 packed;
	u8 *data;

	s->used = 0;
	status = session_reserve(s, bytes, &packed, &data);
	if (status == STATUS_OK)
		status = transfer(s, FS_READ, node, offset, bytes, packed,
				  &done);
	if (status == STATUS_OK && done)
		error = io_put(io, data, done);
	if (end(mount, s, status))
		return status_errno(status);
	return error ? error : (i64)done;
}

static i64 write_bytes(struct mount *mount, u64 node, u64 offset, struct io *io)
{
	u32 bytes = (u32)MIN(io->left, (u64)TRANSFER_MAX), done = 0;
	struct session *s = begin(mount);
	struct io before = *io;
	enum status status;
	i64 error = 0;
	u64 packed;
	u8 *data;

	s->used = 0;
	status = session_reserve(s, bytes, &packed, &data);
	if (status == STATUS_OK)
		error = io_get(io, data, bytes);
	if (status == STATUS_OK && !error)
		status = transfer(s, FS_WRITE, node, offset, bytes, packed,
				  &done);
	if (end(mount, s, status))
		return status_errno(status);
	if (error)
		return error;
	*io = before; // advance by what was taken
	io->address += done;
	io->left -= done;
	return done;
}

static i64 map_contents(struct mount *mount, u64 node, u32 flags, u64 *size,
			struct handle *memory)
{
	u32 slot = slot_alloc();
	struct session *s = begin(mount);
	i64 error =
		end(mount, s, fs_map(s, node, flags, handle_of(slot), size));

	if (!error && cap_adopt(slot, memory) != STATUS_OK)
		error = -ENOMEM;
	slot_free(slot);
	return error;
}

const struct mount_operations fs_mount_operations = {
	.lookup = lookup,
	.attributes = attributes,
	.read_link = read_link,
	.read_directory = read_directory,
	.create = create,
	.symlink = make_symlink,
	.link = make_link,
	.unlink = remove,
	.rename = move,
	.set_attributes = set_attributes,
	.statistics = statistics,
	.sync = make_durable,
	.hold = keep,
	.read = read_bytes,
	.write = write_bytes,
	.map = map_contents,
};
