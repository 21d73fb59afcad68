// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// log: puts the text that components send together into lines, writes the
// sender's name in front, and appends the line to the kernel log, which keeps the
// last lines and writes them to the log port. Text that is not printable becomes
// a question mark, so that nobody can forge a line of somebody else.
//
// The names come with the startup page: a number entry per client, its name and
// badge. A client that writes faster than it ends lines is cut at LINE_BYTES.
#include "abi/constants.h"
#include "gen/abi/log.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/ipc/server.h"
#include "lib/sys/component.h"

#define CLIENTS 64
#define LINE_BYTES 200
#define TEXT_BYTES 48
#define RECORD_BYTES 256 // what system_log takes in one call

struct client {
	u64 badge;
	u32 used;
	bool in_use;
	char line[LINE_BYTES];
};

static struct client clients[CLIENTS];
static struct handle system;
static u64 sender; // badge of the message being served

static struct client *client_of(u64 badge)
{
	struct client *empty = nullptr;

	for (u32 i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];
		if (c->in_use && c->badge == badge)
			return c;
		if (!c->in_use || (!empty && c->used == 0))
			empty = c;
	}
	if (empty)
		*empty = (struct client){.badge = badge, .in_use = true};
	return empty;
}

static void name_of(u64 badge, char *name, usize size)
{
	for (u32 i = 0; i < startup->ncaps; i++) {
		const struct startup_cap *cap = &startup->cap[i];
		if (cap->kind == STARTUP_NUMBER && cap->a == badge &&
			cap->b == 1) {
			strlcpy(name, cap->name, size);
			return;
		}
	}
	format_text(name, size, "client-%lx", badge);
}

static void flush(struct client *client)
{
	char record[RECORD_BYTES], name[STARTUP_NAME];

	name_of(client->badge, name, sizeof(name));
	usize n = format_text(record, sizeof(record), "%s: %.*s\n", name,
		(int)client->used, client->line);
	client->used = 0;
	if (n < sizeof(record))
		(void)!sys_system_log(system, (struct uaddr){(u64)record},
			(u32)n);
}

static void add(struct client *client, char c)
{
	if (c == '\n') {
		flush(client);
		return;
	}
	if (client->used == LINE_BYTES)
		flush(client);
	bool printable = (u8)c >= ' ' && c != 0x7f;
	client->line[client->used++] = printable || c == '\t' ? c : '?';
}

static enum status do_write(void *, const struct log_write_args *args)
{
	u64 words[6] = {args->t0, args->t1, args->t2, args->t3, args->t4,
		args->t5};
	char text[TEXT_BYTES];
	struct client *client = client_of(sender);

	if (args->length > sizeof(text))
		return ERR_ARGUMENT;
	if (!client)
		return ERR_QUOTA;
	memcpy(text, words, sizeof(text));
	for (u32 i = 0; i < args->length; i++)
		add(client, text[i]);
	return STATUS_OK;
}

static const struct log_ops ops = {.write = do_write};

static enum status dispatch(void *, struct server_session *session,
	struct message *message)
{
	struct service_session view = server_view(session);

	sender = message->badge;
	return log_dispatch(&ops, nullptr, &view, message);
}

int component_main(const struct startup *page)
{
	static struct server server = {.dispatch = dispatch};
	u32 endpoint = startup_need("log", STARTUP_ENDPOINT_SERVER)->handle;

	(void)page;
	system = handle_of(startup_need("system", STARTUP_SYSTEM)->handle);
	if (server_init(&server, handle_of(endpoint), 0, nullptr) != STATUS_OK)
		component_fail("no memory");
	component_ready();
	server_run(&server);
}
