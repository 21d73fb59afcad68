// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The memory file system's server: abi/fs.idl over a store (store.h). A request is
// one change: carried out, its answer recorded, and both committed; or, if it
// fails or the server dies on the way, undone. The argument "populate" fills a new
// store from the boot archive.
#include "abi/constants.h"
#include "gen/abi/fs.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/ipc/server.h"
#include "lib/ipc/session.h"
#include "lib/sys/component.h"
#include "services/memfs/backing.h"
#include "services/memfs/native.h"
#include "services/memfs/store.h"

static struct store store;
static struct server server;
static u64 caller; // badge of who is being served

static_assert(sizeof(struct server_record) * SERVER_SESSIONS <=
	      STORE_RECORD_BYTES);

static enum status op_root(void *context, struct fs_root_result *result)
{
	(void)context;
	result->node = store_number(&store, store_inode(&store, STORE_ROOT));
	result->flags = 0;
	return STATUS_OK;
}

static enum status op_lookup(void *context, const struct fs_lookup_args *args,
			     struct fs_lookup_result *result)
{
	struct fs_name name;
	enum status status = fs_name_copy(&name, args->name, args->name_bytes);

	(void)context;
	if (status != STATUS_OK)
		return status;
	return names_lookup(&store, args->directory, &name, &result->node,
			    &result->mode);
}

static u64 blocks_of(const struct inode *inode)
{
	if (inode->content != CONTENT_OBJECT)
		return (inode->size_bytes + 511) / 512;
	return align_up(inode->size_bytes, PAGE_BYTES) / 512;
}

static enum status op_get_attributes(void *context,
				     const struct fs_get_attributes_args *args)
{
	const struct inode *inode = store_node(&store, args->node);
	struct fs_attributes attributes = {};

	(void)context;
	if (!inode)
		return ERR_STALE;
	attributes.node = args->node;
	attributes.mode = inode->mode;
	attributes.links = inode->links;
	attributes.uid = inode->uid;
	attributes.gid = inode->gid;
	attributes.size_bytes = inode->size_bytes;
	if ((inode->mode & FS_TYPE_MASK) == FS_TYPE_DIRECTORY)
		attributes.size_bytes = (u64)inode->entries * STORE_BLOCK;
	attributes.blocks_512 = blocks_of(inode);
	attributes.device = inode->device;
	attributes.atime_ns = inode->atime_ns;
	attributes.mtime_ns = inode->mtime_ns;
	attributes.ctime_ns = inode->ctime_ns;
	attributes.block_bytes = PAGE_BYTES;
	fs_copy_out(args->attributes, args->attributes_bytes, &attributes,
		    sizeof(attributes));
	return STATUS_OK;
}

static enum status op_set_attributes(void *context,
				     const struct fs_set_attributes_args *args)
{
	struct inode *inode = store_node(&store, args->node);
	struct fs_attributes wanted = {};
	enum status status;

	(void)context;
	if (!inode)
		return ERR_STALE;
	if (args->attributes_bytes < sizeof(wanted))
		return ERR_ARGUMENT;
	memcpy(&wanted, args->attributes, sizeof(wanted));
	if (args->mask & FS_SET_SIZE) {
		status = file_resize(&store, inode, wanted.size_bytes);
		if (status != STATUS_OK)
			return status;
	}
	store_touch(&store, inode, sizeof(*inode));
	if (args->mask & FS_SET_MODE)
		inode->mode = (inode->mode & FS_TYPE_MASK) |
			      (wanted.mode & 07777);
	if (args->mask & FS_SET_UID)
		inode->uid = wanted.uid;
	if (args->mask & FS_SET_GID)
		inode->gid = wanted.gid;
	if (args->mask & FS_SET_ATIME)
		inode->atime_ns = wanted.atime_ns;
	if (args->mask & FS_SET_MTIME)
		inode->mtime_ns = wanted.mtime_ns;
	inode->ctime_ns = backing_time_ns();
	return STATUS_OK;
}

static enum status op_read(void *context, const struct fs_read_args *args,
			   struct fs_read_result *result)
{
	(void)context;
	return file_read(&store, args->node, args->offset, args->data,
			 args->data_bytes, &result->done);
}

static enum status op_write(void *context, const struct fs_write_args *args,
			    struct fs_write_result *result)
{
	(void)context;
	return file_write(&store, args->node, args->offset, args->data,
			  args->data_bytes, &result->done);
}

static bool type_known(u32 mode)
{
	switch (mode & FS_TYPE_MASK) {
	case FS_TYPE_FIFO:
	case FS_TYPE_CHARACTER:
	case FS_TYPE_DIRECTORY:
	case FS_TYPE_BLOCK:
	case FS_TYPE_FILE:
	case FS_TYPE_SOCKET:
		return (mode & ~(FS_TYPE_MASK | 07777)) == 0;
	default:
		return false;
	}
}

static enum status op_create(void *context, const struct fs_create_args *args,
			     struct fs_create_result *result)
{
	struct new_file what = {
		.mode = args->mode,
		.uid = args->uid,
		.gid = args->gid,
		.device = args->device,
	};
	struct fs_name name;
	enum status status = fs_name_copy(&name, args->name, args->name_bytes);

	(void)context;
	if (status != STATUS_OK)
		return status;
	if (!type_known(args->mode))
		return ERR_ARGUMENT;
	return names_create(&store, args->directory, &name, &what,
			    &result->node);
}

static enum status op_symlink(void *context, const struct fs_symlink_args *args,
			      struct fs_symlink_result *result)
{
	static char target[SYMLINK_MAX + 1]; // the client's may change
	struct new_file what = {
		.mode = FS_TYPE_SYMLINK | 0777,
		.uid = args->uid,
		.gid = args->gid,
		.target = target,
		.target_bytes = args->target_bytes,
	};
	struct fs_name name;
	enum status status = fs_name_copy(&name, args->name, args->name_bytes);

	(void)context;
	if (status != STATUS_OK)
		return status;
	if (args->target_bytes == 0)
		return ERR_NOENT;
	if (args->target_bytes > SYMLINK_MAX)
		return ERR_NAMETOOLONG;
	memcpy(target, args->target, args->target_bytes);
	return names_create(&store, args->directory, &name, &what,
			    &result->node);
}

static enum status op_link(void *context, const struct fs_link_args *args)
{
	struct fs_name name;
	enum status status = fs_name_copy(&name, args->name, args->name_bytes);

	(void)context;
	if (status != STATUS_OK)
		return status;
	return names_link(&store, args->directory, &name, args->node);
}

static enum status op_unlink(void *context, const struct fs_unlink_args *args)
{
	struct fs_name name;
	enum status status = fs_name_copy(&name, args->name, args->name_bytes);

	(void)context;
	if (status != STATUS_OK)
		return status;
	return names_unlink(&store, args->directory, &name, false);
}

static enum status op_rmdir(void *context, const struct fs_rmdir_args *args)
{
	struct fs_name name;
	enum status status = fs_name_copy(&name, args->name, args->name_bytes);

	(void)context;
	if (status != STATUS_OK)
		return status;
	return names_unlink(&store, args->directory, &name, true);
}

static enum status op_rename(void *context, const struct fs_rename_args *args)
{
	struct fs_name from, to;
	enum status status =
		fs_name_copy(&from, args->from_name, args->from_name_bytes);

	(void)context;
	if (status == STATUS_OK)
		status = fs_name_copy(&to, args->to_name, args->to_name_bytes);
	if (status != STATUS_OK)
		return status;
	return names_rename(&store, args->from_directory, &from,
			    args->to_directory, &to, args->flags);
}

static enum status op_read_directory(void *context,
				     const struct fs_read_directory_args *args,
				     struct fs_read_directory_result *result)
{
	struct fs_packer packer = {args->entries, args->entries_bytes, 0};
	enum status status = names_list(&store, args->node, args->cookie,
					&packer, &result->next_cookie);

	(void)context;
	result->bytes = packer.used;
	return status;
}

static enum status op_read_link(void *context,
				const struct fs_read_link_args *args,
				struct fs_read_link_result *result)
{
	const struct inode *inode = store_node(&store, args->node);

	(void)context;
	if (!inode)
		return ERR_STALE;
	if ((inode->mode & FS_TYPE_MASK) != FS_TYPE_SYMLINK)
		return ERR_ARGUMENT;
	result->length = (u32)MIN((u64)args->target_bytes, inode->size_bytes);
	fs_copy_out(args->target, args->target_bytes,
		    store_at(&store, inode->place), (u32)inode->size_bytes);
	return STATUS_OK;
}

static u32 holder_of(u64 badge)
{
	return (u32)(badge ^ badge >> 32);
}

static enum status op_hold(void *context, const struct fs_hold_args *args)
{
	struct inode *inode = store_node(&store, args->node);

	(void)context;
	if (!inode)
		return ERR_STALE;
	if (inode->holds == 0xffffffff)
		return ERR_QUOTA;
	store_hold(&store, inode, holder_of(caller));
	return STATUS_OK;
}

static enum status op_release(void *context, const struct fs_release_args *args)
{
	struct inode *inode = store_node(&store, args->node);

	(void)context;
	if (!inode || inode->holds == 0)
		return STATUS_OK;
	store_release(&store, inode);
	return STATUS_OK;
}

static enum status op_sync(void *context, const struct fs_sync_args *args)
{
	(void)context;
	if (args->node != 0 && !store_node(&store, args->node))
		return ERR_STALE;
	return STATUS_OK;
}

static enum status op_statistics(void *context,
				 const struct fs_statistics_args *args)
{
	const struct store_super *super = store.super;
	struct fs_statistics statistics = {
		.block_bytes = PAGE_BYTES,
		.files = super->inodes,
		.files_free = super->inodes - super->inodes_in_use,
		.name_max = FS_NAME_MAX,
		.type = 0x01021994, // as Linux calls its own memory file system
	};

	(void)context;
	backing_pages(&statistics.blocks, &statistics.blocks_free);
	fs_copy_out(args->statistics, args->statistics_bytes, &statistics,
		    sizeof(statistics));
	return STATUS_OK;
}

static enum status op_map(void *context, const struct fs_map_args *args,
			  struct fs_map_result *result)
{
	struct inode *inode = store_node(&store, args->node);
	u32 rights = RIGHT_READ | RIGHT_EXEC | RIGHT_DERIVE;
	u64 pages;
	enum status status;
	u32 slot;

	(void)context;
	if (!inode)
		return ERR_STALE;
	if ((inode->mode & FS_TYPE_MASK) == FS_TYPE_DIRECTORY)
		return ERR_ISDIR;
	if ((inode->mode & FS_TYPE_MASK) != FS_TYPE_FILE ||
	    inode->size_bytes == 0)
		return ERR_UNSUPPORTED;
	if (args->flags & 1)
		rights |= RIGHT_WRITE;
	// Who maps a file to write sees it change with the others: take the
	// class at once that it will not outgrow soon.
	status = file_to_object(&store, inode, args->flags & 1 ? 1 : 0);
	while (status == STATUS_OK &&
	       OBJECT_BYTES(inode->class) < inode->size_bytes)
		status = file_to_object(&store, inode, inode->class + 1);
	if (status != STATUS_OK)
		return status;
	store_touch(&store, inode, sizeof(*inode));
	if (args->flags & 1)
		inode->sparse = 1; // who may write may also take pages away
	pages = align_up(inode->size_bytes, PAGE_BYTES) / PAGE_BYTES;
	slot = slot_alloc();
	server_free_after_reply(slot);
	status = sys_cap_mint(SELF_CNODE, slot, backing_object(inode->place),
			      rights, pages);
	if (status != STATUS_OK)
		return ERR_UNSUPPORTED;
	result->size = inode->size_bytes;
	result->memory = handle_of(slot);
	return STATUS_OK;
}

static enum status op_attach(void *context, const struct fs_attach_args *args)
{
	(void)context;
	(void)args;
	return STATUS_OK; // the server loop has done it
}

static const struct fs_ops ops = {
	.attach = op_attach,
	.root = op_root,
	.lookup = op_lookup,
	.get_attributes = op_get_attributes,
	.set_attributes = op_set_attributes,
	.read = op_read,
	.write = op_write,
	.create = op_create,
	.symlink = op_symlink,
	.link = op_link,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.read_directory = op_read_directory,
	.read_link = op_read_link,
	.hold = op_hold,
	.release = op_release,
	.sync = op_sync,
	.statistics = op_statistics,
	.map = op_map,
};

// The record of the answer, as lib/ipc will write it again, inside the change:
// otherwise a server that dies between commit and record would do it twice.
static void record_answer(const struct server_session *session, u32 id,
			  const struct message *reply)
{
	struct server_record *record =
		&server.record[session - server.session];

	store_touch(&store, record, sizeof(*record));
	record->valid = 0;
	if (reply->ncaps != 0)
		return;
	record->badge = session->badge;
	record->lane = session->lane;
	record->request_id = id;
	record->nwords = reply->nwords;
	memcpy(record->word, reply->word, sizeof(record->word));
	record->valid = 1;
}

static bool changes(u64 opcode)
{
	switch (opcode & 0xffff) {
	case FS_SET_ATTRIBUTES:
	case FS_WRITE:
	case FS_CREATE:
	case FS_SYMLINK:
	case FS_LINK:
	case FS_UNLINK:
	case FS_RMDIR:
	case FS_RENAME:
	case FS_HOLD:
	case FS_RELEASE:
		return true;
	default:
		return false;
	}
}

static enum status dispatch(void *context, struct server_session *session,
			    struct message *message)
{
	struct service_session view = server_view(session);
	u64 word = message->word[0];
	enum status status;

	if (!session) {
		message->word[0] = (u64)(i64)ERR_SESSION;
		message->nwords = 1;
		message->ncaps = 0;
		return ERR_SESSION;
	}
	caller = session->badge;
	status = fs_dispatch(&ops, context, &view, message);
	if (status != STATUS_OK) {
		store_rollback(&store);
		return status;
	}
	if (changes(word))
		record_answer(session, session_word_id(word), message);
	store_commit(&store);
	return status;
}

// A client that attaches anew to an instance that knows it has died in between:
// a living one does so only when the instance is new. Clients attach lane 0
// before they hold anything.
static void detached(void *context, struct server_session *session)
{
	(void)context;
	if (session->lane == 0)
		store_release_holder(&store, holder_of(session->badge));
}

static void report(const char *path, u64 position, const char *why)
{
	log_print("archive: /%s at byte %lu: %s", path, position, why);
}

// Objects of changes that were never committed.
static void sweep(void)
{
	const u64 *map = store_at(&store, store.super->slot_map);

	for (u32 i = 0; i < store.super->slots; i++)
		if (!(map[i / 64] & BIT(i % 64)))
			backing_destroy(i);
}

static void open_store(u32 slots)
{
	const char *why;
	enum status status = store_open(&store, (void *)startup->stash,
					startup->stash_bytes, slots, &why);

	if (status == STATUS_OK && store.super->populated) {
		sweep();
		log_print("%u files taken over", store.super->inodes_in_use);
		return;
	}
	if (status == ERR_CORRUPT)
		log_print("stash fails its check (%s): starting empty", why);
	status = store_format(&store, (void *)startup->stash,
			      startup->stash_bytes, slots);
	if (status != STATUS_OK)
		component_fail("stash of %lu bytes: %s", startup->stash_bytes,
			       status_text(status));
	if (startup->generation > 1)
		sweep();
	if (strstr(startup->arguments, "populate") && store.archive)
		populate(&store, report);
	store.super->populated = 1;
	log_print("%u files, room for %u", store.super->inodes_in_use,
		  store.super->inodes);
}

static void open_archive(void)
{
	const struct startup_cap *archive =
		startup_find("archive", STARTUP_MEMORY);
	enum status status;
	void *data;

	if (!archive)
		return;
	status = memory_map(handle_of(archive->handle), 0,
			    align_up(archive->a, PAGE_BYTES), MAP_READ, &data);
	if (status != STATUS_OK)
		component_fail("archive: %s", status_text(status));
	store.archive = data;
	store.archive_bytes = archive->a;
}

int component_main(const struct startup *page)
{
	const struct startup_cap *endpoint =
		startup_need("fs", STARTUP_ENDPOINT_SERVER);
	enum status status;

	if (!page->stash)
		component_fail("the manifest gives no stash");
	open_archive();
	open_store(backing_open());
	server.dispatch = dispatch;
	server.detached = detached;
	status = server_init(&server, handle_of(endpoint->handle), FS_ATTACH,
			     store_at(&store, store.super->record));
	if (status != STATUS_OK)
		component_fail("server: %s", status_text(status));
	component_ready();
	server_run(&server);
}
