// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The FAT server: abi/fs.idl over a volume (volume.h) on the channel "disk".
// Every request that changes something is one commit of the journal, together with
// its answer, and is on the disk when it is answered; sync waits for the medium.
//
// Without a disk, or with one that holds no FAT, every call answers why; root()
// tries again.
#include "abi/constants.h"
#include "gen/abi/fs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/ipc/server.h"
#include "lib/ipc/session.h"
#include "lib/sys/component.h"
#include "services/fat/native.h"
#include "services/fat/volume.h"

#define STASH_MAGIC 0x0001544146484b00ull

struct stash {
	u64 magic;
	u64 secret;
	struct server_record record[SERVER_SESSIONS];
	// The journal follows.
};
static_assert(sizeof(struct answer) == sizeof(struct server_record));

static struct server server;
static struct stash *stash;
static enum status mounted = ERR_NODEV;
static u64 caller; // badge of who is being served

i64 volume_now_ns(void)
{
	return (i64)clock_realtime_ns();
}

static void mount(void)
{
	enum status status = journal_open(
		stash + 1, startup->stash_bytes - sizeof(*stash),
		(struct answer *)stash->record, SERVER_SESSIONS);

	if (status == ERR_CORRUPT)
		log_print("stash fails its check: journal and holds are dropped");
	else if (status != STATUS_OK) {
		mounted = status;
		return;
	}
	mounted = volume_mount(stash->secret);
}

// ---- the protocol

static enum status op_root(void *context, struct fs_root_result *result)
{
	(void)context;
	if (mounted != STATUS_OK)
		mount();
	result->node = VOLUME_ROOT;
	result->flags = disk_facts().read_only ? FS_READONLY : 0;
	return mounted;
}

static enum status op_lookup(void *context, const struct fs_lookup_args *args,
			     struct fs_lookup_result *result)
{
	struct fs_name name;
	enum status status = fs_name_copy(&name, args->name, args->name_bytes);

	(void)context;
	if (status != STATUS_OK)
		return status;
	return volume_lookup(args->directory, &name, &result->node,
			     &result->mode);
}

static enum status op_get_attributes(void *context,
				     const struct fs_get_attributes_args *args)
{
	struct fs_attributes attributes;
	enum status status = volume_attributes(args->node, &attributes);

	(void)context;
	if (status == STATUS_OK)
		fs_copy_out(args->attributes, args->attributes_bytes,
			    &attributes, sizeof(attributes));
	return status;
}

static enum status op_set_attributes(void *context,
				     const struct fs_set_attributes_args *args)
{
	struct fs_attributes wanted;

	(void)context;
	if (args->attributes_bytes < sizeof(wanted))
		return ERR_ARGUMENT;
	memcpy(&wanted, args->attributes, sizeof(wanted));
	return volume_set_attributes(args->node, args->mask, &wanted);
}

static enum status op_read(void *context, const struct fs_read_args *args,
			   struct fs_read_result *result)
{
	(void)context;
	return volume_read(args->node, args->offset, args->data,
			   args->data_bytes, &result->done);
}

static enum status op_write(void *context, const struct fs_write_args *args,
			    struct fs_write_result *result)
{
	(void)context;
	return volume_write(args->node, args->offset, args->data,
			    args->data_bytes, &result->done);
}

static enum status op_create(void *context, const struct fs_create_args *args,
			     struct fs_create_result *result)
{
	struct fs_name name;
	enum status status = fs_name_copy(&name, args->name, args->name_bytes);

	(void)context;
	if (status != STATUS_OK)
		return status;
	return volume_create(args->directory, &name, args->mode, &result->node);
}

static enum status op_symlink(void *context, const struct fs_symlink_args *args,
			      struct fs_symlink_result *result)
{
	(void)context;
	(void)args;
	(void)result;
	return ERR_UNSUPPORTED;
}

static enum status op_link(void *context, const struct fs_link_args *args)
{
	(void)context;
	(void)args;
	return ERR_UNSUPPORTED;
}

static enum status op_unlink(void *context, const struct fs_unlink_args *args)
{
	struct fs_name name;
	enum status status = fs_name_copy(&name, args->name, args->name_bytes);

	(void)context;
	if (status != STATUS_OK)
		return status;
	return volume_remove(args->directory, &name, false);
}

static enum status op_rmdir(void *context, const struct fs_rmdir_args *args)
{
	struct fs_name name;
	enum status status = fs_name_copy(&name, args->name, args->name_bytes);

	(void)context;
	if (status != STATUS_OK)
		return status;
	return volume_remove(args->directory, &name, true);
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
	return volume_rename(args->from_directory, &from, args->to_directory,
			     &to, args->flags);
}

static enum status op_read_directory(void *context,
				     const struct fs_read_directory_args *args,
				     struct fs_read_directory_result *result)
{
	struct fs_packer packer = {args->entries, args->entries_bytes, 0};
	enum status status = volume_list(args->node, args->cookie, &packer,
					 &result->next_cookie);

	(void)context;
	result->bytes = packer.used;
	return status;
}

static enum status op_read_link(void *context,
				const struct fs_read_link_args *args,
				struct fs_read_link_result *result)
{
	(void)context;
	(void)args;
	(void)result;
	return ERR_ARGUMENT; // there are no symbolic links here
}

static enum status op_hold(void *context, const struct fs_hold_args *args)
{
	(void)context;
	return volume_hold(args->node, caller);
}

static enum status op_release(void *context, const struct fs_release_args *args)
{
	(void)context;
	volume_release(args->node);
	return STATUS_OK;
}

static enum status op_sync(void *context, const struct fs_sync_args *args)
{
	(void)context;
	(void)args;
	return disk_flush();
}

static enum status op_statistics(void *context,
				 const struct fs_statistics_args *args)
{
	struct fs_statistics statistics;
	enum status status = volume_statistics(&statistics);

	(void)context;
	if (status == STATUS_OK)
		fs_copy_out(args->statistics, args->statistics_bytes,
			    &statistics, sizeof(statistics));
	return status;
}

static enum status op_map(void *context, const struct fs_map_args *args,
			  struct fs_map_result *result)
{
	(void)context;
	(void)args;
	(void)result;
	return ERR_UNSUPPORTED; // the personality reads the file instead
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

static void answer(struct message *message, enum status status)
{
	message->word[0] = (u64)(i64)status;
	message->nwords = 1;
	message->ncaps = 0;
}

// The answer as lib/ipc will record it once more.
static struct answer record_of(const struct server_session *session, u32 id,
			       const struct message *reply)
{
	struct server_record record = {
		.badge = session->badge,
		.lane = session->lane,
		.request_id = id,
		.nwords = reply->nwords,
		.valid = 1,
	};
	struct answer out;

	memcpy(record.word, reply->word, sizeof(record.word));
	memcpy(&out, &record, sizeof(out));
	return out;
}

static enum status dispatch(void *context, struct server_session *session,
			    struct message *message)
{
	struct service_session view = server_view(session);
	u64 opcode = message->word[0] & 0xffff;
	u32 id = session_word_id(message->word[0]);
	enum status status;
	struct answer record;

	if (!session || (mounted != STATUS_OK && opcode != FS_ROOT &&
			 opcode != FS_ATTACH)) {
		answer(message, session ? mounted : ERR_SESSION);
		return ERR_SESSION;
	}
	caller = session->badge;
	volume_begin();
	status = fs_dispatch(&ops, context, &view, message);
	if (status != STATUS_OK) {
		volume_rollback();
		return status;
	}
	record = record_of(session, id, message);
	status = volume_commit((u32)(session - server.session), &record);
	if (status != STATUS_OK) {
		log_print("%s: %s", fs_call_name(opcode), status_text(status));
		volume_rollback();
		mount();
		answer(message, status);
	}
	return status;
}

// A client that attaches anew to an instance that knows it has died in between:
// a living one does so only when the instance is new. Clients attach lane 0
// before they hold anything.
static void detached(void *context, struct server_session *session)
{
	(void)context;
	if (session->lane != 0 || mounted != STATUS_OK)
		return;
	volume_begin();
	volume_release_holder(session->badge);
	if (volume_commit(~0u, nullptr) != STATUS_OK)
		volume_rollback();
}

static void open_stash(void)
{
	stash = (struct stash *)startup->stash;
	if (!stash || startup->stash_bytes <
			      sizeof(*stash) + journal_bytes_min())
		component_fail("stash of %lu bytes is too small",
			       startup->stash_bytes);
	if (stash->magic == STASH_MAGIC)
		return;
	if (stash->magic != 0)
		log_print("stash fails its check: starting anew");
	memset(stash, 0, startup->stash_bytes);
	stash->secret = clock_ns() * 0x9e3779b97f4a7c15 ^ clock_realtime_ns();
	stash->magic = STASH_MAGIC;
}

int component_main(const struct startup *page)
{
	const struct startup_cap *endpoint =
		startup_need("fs", STARTUP_ENDPOINT_SERVER);
	enum status status;

	(void)page;
	open_stash();
	component_ready(); // the disk may take its time
	status = disk_open(startup_need("disk", STARTUP_CHANNEL));
	if (status != STATUS_OK)
		component_fail("channel of the disk: %s", status_text(status));
	mount();
	if (mounted != STATUS_OK)
		log_print("not mounted: %s", status_text(mounted));
	server.dispatch = dispatch;
	server.detached = detached;
	status = server_init(&server, handle_of(endpoint->handle), FS_ATTACH,
			     stash->record);
	if (status != STATUS_OK)
		component_fail("server: %s", status_text(status));
	server_run(&server);
}
