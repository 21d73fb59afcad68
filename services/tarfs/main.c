// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The boot archive as a read-only file system (abi/fs.idl). Without state: the
// archive does not change, so a new instance builds the same tree with the same
// node numbers.
#include "abi/constants.h"
#include "gen/abi/fs.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/fs/fs.h"
#include "lib/ipc/server.h"
#include "lib/sys/component.h"
#include "services/tarfs/tree.h"

#define COOKIE_END 0x7fffffffffffffff

static struct tree tree;
static struct server server;
static struct handle archive_memory;

static u32 type_of(const struct tree_node *node)
{
	return node->mode & FS_TYPE_MASK;
}

static enum status op_root(void *context, struct fs_root_result *result)
{
	(void)context;
	result->node = TREE_ROOT;
	result->flags = FS_READONLY;
	return STATUS_OK;
}

static enum status op_lookup(void *context, const struct fs_lookup_args *args,
			     struct fs_lookup_result *result)
{
	const struct tree_node *directory = tree_node(&tree, args->directory);
	enum status status;
	struct fs_name name;
	u32 found;

	(void)context;
	if (!directory)
		return ERR_STALE;
	if (type_of(directory) != FS_TYPE_DIRECTORY)
		return ERR_NOTDIR;
	status = fs_name_copy(&name, args->name, args->name_bytes);
	if (status != STATUS_OK)
		return status;
	found = (u32)args->directory;
	if (string_equal(name.text, ".."))
		found = directory->parent ? directory->parent : TREE_ROOT;
	else if (!string_equal(name.text, "."))
		found = tree_find(&tree, (u32)args->directory, name.text,
				  name.bytes);
	if (found == 0)
		return ERR_NOENT;
	result->node = found;
	result->mode = tree.node[found].mode;
	return STATUS_OK;
}

static enum status op_get_attributes(void *context,
				     const struct fs_get_attributes_args *args)
{
	const struct tree_node *node = tree_node(&tree, args->node);
	struct fs_attributes attributes = {};
	i64 time;

	(void)context;
	if (!node)
		return ERR_STALE;
	time = node->mtime_s * 1000000000;
	attributes.node = args->node;
	attributes.mode = node->mode;
	attributes.links = type_of(node) == FS_TYPE_DIRECTORY ? 2 : 1;
	attributes.uid = node->uid;
	attributes.gid = node->gid;
	attributes.size_bytes = node->size_bytes;
	attributes.blocks_512 = (node->size_bytes + 511) / 512;
	attributes.device = node->device;
	attributes.atime_ns = time;
	attributes.mtime_ns = time;
	attributes.ctime_ns = time;
	attributes.block_bytes = PAGE_BYTES;
	fs_copy_out(args->attributes, args->attributes_bytes, &attributes,
		    sizeof(attributes));
	return STATUS_OK;
}

static enum status op_read(void *context, const struct fs_read_args *args,
			   struct fs_read_result *result)
{
	const struct tree_node *node = tree_node(&tree, args->node);

	(void)context;
	if (!node)
		return ERR_STALE;
	if (type_of(node) == FS_TYPE_DIRECTORY)
		return ERR_ISDIR;
	if (type_of(node) != FS_TYPE_FILE)
		return ERR_ARGUMENT;
	if (args->offset >= node->size_bytes)
		return STATUS_OK;
	result->done = (u32)MIN((u64)args->data_bytes,
				node->size_bytes - args->offset);
	memcpy(args->data, tree.archive + node->data_offset + args->offset,
	       result->done);
	return STATUS_OK;
}

static enum status op_read_directory(void *context,
				     const struct fs_read_directory_args *args,
				     struct fs_read_directory_result *result)
{
	const struct tree_node *directory = tree_node(&tree, args->node);
	struct fs_packer packer = {args->entries, args->entries_bytes, 0};
	u64 at = args->cookie;

	(void)context;
	if (!directory)
		return ERR_STALE;
	if (type_of(directory) != FS_TYPE_DIRECTORY)
		return ERR_NOTDIR;
	if (at == 0)
		at = directory->first_child ? directory->first_child
					    : COOKIE_END;
	while (at != COOKIE_END) {
		const struct tree_node *node = tree_node(&tree, at);
		u64 next;

		if (!node || node->parent != args->node)
			return ERR_ARGUMENT;
		next = node->next_sibling ? node->next_sibling : COOKIE_END;
		if (!fs_pack(&packer, at, node->mode, next,
			     tree_name(&tree, node), node->name_bytes))
			break;
		at = next;
	}
	if (packer.used == 0 && at != COOKIE_END)
		return ERR_RANGE; // room for not even one entry
	result->bytes = packer.used;
	result->next_cookie = at;
	return STATUS_OK;
}

static enum status op_read_link(void *context,
				const struct fs_read_link_args *args,
				struct fs_read_link_result *result)
{
	const struct tree_node *node = tree_node(&tree, args->node);

	(void)context;
	if (!node)
		return ERR_STALE;
	if (type_of(node) != FS_TYPE_SYMLINK)
		return ERR_ARGUMENT;
	result->length = (u32)MIN((u64)args->target_bytes, node->size_bytes);
	fs_copy_out(args->target, args->target_bytes,
		    tree.archive + node->data_offset, (u32)node->size_bytes);
	return STATUS_OK;
}

static enum status op_hold(void *context, const struct fs_hold_args *args)
{
	(void)context;
	return tree_node(&tree, args->node) ? STATUS_OK : ERR_STALE;
}

static enum status op_release(void *context, const struct fs_release_args *args)
{
	(void)context;
	(void)args;
	return STATUS_OK;
}

static enum status op_sync(void *context, const struct fs_sync_args *args)
{
	(void)context;
	(void)args;
	return STATUS_OK;
}

static enum status op_statistics(void *context,
				 const struct fs_statistics_args *args)
{
	struct fs_statistics statistics = {
		.block_bytes = 512,
		.blocks = tree.archive_bytes / 512,
		.files = tree.count,
		.name_max = FS_NAME_MAX,
		.flags = FS_READONLY,
	};

	(void)context;
	fs_copy_out(args->statistics, args->statistics_bytes, &statistics,
		    sizeof(statistics));
	return STATUS_OK;
}

// A window on the archive, where the data happens to start on a page.
static enum status op_map(void *context, const struct fs_map_args *args,
			  struct fs_map_result *result)
{
	const struct tree_node *node = tree_node(&tree, args->node);
	u64 pages;
	u32 slot;
	enum status status;

	(void)context;
	if (!node)
		return ERR_STALE;
	if (type_of(node) == FS_TYPE_DIRECTORY)
		return ERR_ISDIR;
	if (args->flags & 1)
		return ERR_READONLY;
	if (type_of(node) != FS_TYPE_FILE || node->size_bytes == 0 ||
	    !is_aligned(node->data_offset, PAGE_BYTES))
		return ERR_UNSUPPORTED;
	pages = align_up(node->size_bytes, PAGE_BYTES) / PAGE_BYTES;
	slot = slot_alloc();
	server_free_after_reply(slot);
	status = sys_cap_mint(SELF_CNODE, slot, archive_memory,
			      RIGHT_READ | RIGHT_EXEC | RIGHT_DERIVE,
			      node->data_offset / PAGE_BYTES << 32 | pages);
	if (status != STATUS_OK)
		return ERR_UNSUPPORTED;
	result->size = node->size_bytes;
	result->memory = handle_of(slot);
	return STATUS_OK;
}

static enum status op_attach(void *context, const struct fs_attach_args *args)
{
	(void)context;
	(void)args;
	return STATUS_OK; // the server loop has done it
}

// Nothing can be changed here: these answer before looking at anything.
#define REFUSE(call)                                                    \
	static enum status refuse_##call(void *context,                 \
					 const struct fs_##call##_args *args) \
	{                                                               \
		(void)context;                                          \
		(void)args;                                             \
		return ERR_READONLY;                                    \
	}
#define REFUSE_RESULT(call)                                             \
	static enum status refuse_##call(void *context,                 \
					 const struct fs_##call##_args *args, \
					 struct fs_##call##_result *result) \
	{                                                               \
		(void)context;                                          \
		(void)args;                                             \
		(void)result;                                           \
		return ERR_READONLY;                                    \
	}
REFUSE(set_attributes)
REFUSE_RESULT(write)
REFUSE_RESULT(create)
REFUSE_RESULT(symlink)
REFUSE(link)
REFUSE(unlink)
REFUSE(rmdir)
REFUSE(rename)

static const struct fs_ops ops = {
	.attach = op_attach,
	.root = op_root,
	.lookup = op_lookup,
	.get_attributes = op_get_attributes,
	.set_attributes = refuse_set_attributes,
	.read = op_read,
	.write = refuse_write,
	.create = refuse_create,
	.symlink = refuse_symlink,
	.link = refuse_link,
	.unlink = refuse_unlink,
	.rmdir = refuse_rmdir,
	.rename = refuse_rename,
	.read_directory = op_read_directory,
	.read_link = op_read_link,
	.hold = op_hold,
	.release = op_release,
	.sync = op_sync,
	.statistics = op_statistics,
	.map = op_map,
};

static enum status dispatch(void *context, struct server_session *session,
			    struct message *message)
{
	struct service_session view = {};

	if (!session) {
		message->word[0] = (u64)(i64)ERR_SESSION;
		message->nwords = 1;
		message->ncaps = 0;
		return ERR_SESSION;
	}
	view.buffer = session->buffer;
	view.buffer_bytes = (u32)session->buffer_bytes;
	return fs_dispatch(&ops, context, &view, message);
}

static void report(const char *path, u64 position, const char *why)
{
	log_print("archive: /%s at byte %lu: %s", path, position, why);
}

int component_main(const struct startup *page)
{
	const struct startup_cap *endpoint =
		startup_need("fs", STARTUP_ENDPOINT_SERVER);
	const struct startup_cap *archive =
		startup_need("archive", STARTUP_MEMORY);
	enum status status;
	void *data;

	(void)page;
	archive_memory = handle_of(archive->handle);
	status = memory_map(archive_memory, 0,
			    align_up(archive->a, PAGE_BYTES), MAP_READ, &data);
	if (status != STATUS_OK)
		component_fail("archive: %s", status_text(status));
	status = tree_build(&tree, data, archive->a, heap_realloc, report);
	if (status == ERR_MEMORY)
		component_fail("no memory for the tree of the archive");
	server.dispatch = dispatch;
	status = server_init(&server, handle_of(endpoint->handle), FS_ATTACH,
			     nullptr);
	if (status != STATUS_OK)
		component_fail("server: %s", status_text(status));
	log_print("%u files and directories", tree.count);
	component_ready();
	server_run(&server);
}
