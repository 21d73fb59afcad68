// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The engine: starts every component from the manifest in the boot archive, with
// the rights the manifest lists, and keeps them running. See engine.h for how the
// files divide the work.
//
// An instance of the engine begins by reading the manifest. If the stash holds
// records of the same manifest, an instance before it has died: what runs is
// adopted as it is, what was being restarted is restarted again.
#include <stdarg.h>

#include "abi/constants.h"
#include "gen/abi/engine.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/checksum.h"
#include "lib/base/format.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"
#include "lib/ipc/message.h"
#include "lib/sys/component.h"
#include "services/engine/engine.h"

#define TICK_NS 20000000ull
#define BIT_TICK (1ull << 32)
#define BIT_VAULT ENGINE_BIT_VAULT

struct engine engine;

void say(const char *format, ...)
{
	char line[256] = "engine: ";
	usize head = strlen(line);
	va_list values;

	va_start(values, format);
	usize n = head + format_string(line + head, sizeof(line) - head - 1,
		format, values);
	va_end(values);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	(void)!sys_system_log(engine.system, (struct uaddr){(u64)line}, (u32)n);
}

[[noreturn]] void give_up(const char *what, enum status status)
{
	say("%s: %s; the machine cannot go on", what, status_text(status));
	(void)!sys_system_control(engine.system, SYSTEM_PANIC, 0);
	for (;;)
		__builtin_trap();
}

void still_alive(void)
{
	u64 bits = 0;

	if (sys_poll(handle_of(SLOT_NOTIFICATION), NOTIFY_HEARTBEAT, &bits) ==
		STATUS_OK)
		component_heartbeat(bits);
}

// ---- messages

static struct component *sender(void)
{
	u64 number = engine.badge & BADGE_NUMBER;

	if ((engine.badge & BADGE_SPAWNED) || number == 0 ||
		number > component_count())
		return nullptr;
	return &engine.component[number - 1];
}

static enum status do_ready(void *)
{
	struct component *component = sender();

	if (component)
		component_is_ready(component);
	return STATUS_OK;
}

// The caller is gone when this is done: nobody to answer.
static enum status do_exit(void *, const struct engine_exit_args *args)
{
	struct component *component = sender();

	if (component)
		component_exited(component, args->code);
	else if (engine.badge & BADGE_SPAWNED)
		spawned_ended((u32)(engine.badge & BADGE_NUMBER));
	else
		return ERR_DENIED;
	return STATUS_DEFERRED;
}

static bool admin(void)
{
	if (engine.badge & BADGE_ADMIN)
		return true;
	struct component *component = sender();
	say("denied: %s is no administrator",
		component ? component->plan->name : "a spawned program");
	return false;
}

static enum status do_admin(void *, const struct engine_admin_args *args,
	struct engine_admin_result *result)
{
	return admin() ? admin_command(args, result) : ERR_DENIED;
}

static enum status do_spawn(void *, const struct engine_spawn_args *args,
	struct engine_spawn_result *result)
{
	char binary[NAME_BYTES], arguments[ARGUMENTS_BYTES];

	if (!admin())
		return ERR_DENIED;
	if (args->binary_bytes >= sizeof(binary) ||
		args->arguments_bytes >= sizeof(arguments))
		return ERR_RANGE;
	memcpy(binary, args->binary, args->binary_bytes);
	binary[args->binary_bytes] = 0;
	memcpy(arguments, args->arguments, args->arguments_bytes);
	arguments[args->arguments_bytes] = 0;
	return spawn(binary, arguments, args->count, &result->started);
}

static const struct engine_ops ops = {
	.ready = do_ready,
	.exit = do_exit,
	.admin = do_admin,
	.spawn = do_spawn,
};

// Faults come on the same endpoint: word 0 is a kind, never a request, whose
// word 0 holds a version above bit 16.
static bool is_fault(const struct message *message)
{
	return message->nwords == 5 && message->word[0] <= FAULT_OTHER &&
		message->ncaps == 0;
}

static void handle_fault(const struct message *message)
{
	struct message reply = {.word = {FAULT_REPLY_STOP}, .nwords = 1};
	struct component *component = sender();
	u64 word[5];

	memcpy(word, message->word, sizeof(word));
	(void)!ipc_reply(&reply);
	if (component) {
		component_faulted(component, word);
	} else if (engine.badge & BADGE_SPAWNED) {
		u32 number = (u32)(engine.badge & BADGE_NUMBER);
		say("FAULT spawned program %u %s at %lx, pc %lx", number,
			fault_name(word[0]), word[1], word[2]);
		spawned_ended(number);
	}
}

static enum status dispatch(void *, struct server_session *session,
	struct message *message)
{
	struct service_session view = server_view(session);

	engine.badge = message->badge;
	if (is_fault(message)) {
		handle_fault(message);
		return STATUS_DEFERRED;
	}
	return engine_dispatch(&ops, nullptr, &view, message);
}

static void tell_vault(void)
{
	u32 bits = engine.vault_bits;
	const char *name = bits & 1 ? "vault-kill" : "vault-hang";

	engine.vault_bits = 0;
	if (bits)
		(void)!sys_signal(handle_of(
			startup_need(name, STARTUP_NOTIFICATION)->handle));
}

static void notified(void *, u64 bits)
{
	if (bits & BIT_VAULT)
		tell_vault();
	if (bits & BIT_TICK)
		supervise_tick();
}

// ---- start

static struct handle need_handle(const char *name, enum startup_kind kind)
{
	return handle_of(startup_need(name, kind)->handle);
}

static void find_capabilities(void)
{
	static const char *const domains[DOMAINS] = {"sovereign", "services",
		"drivers"};
	static const char *const scheds[DOMAINS] = {"sched.0", "sched.1",
		"sched.2"};

	engine.system = need_handle("system", STARTUP_SYSTEM);
	engine.endpoint = need_handle("engine", STARTUP_ENDPOINT_SERVER);
	engine.keep = need_handle("keep", STARTUP_CNODE);
	engine.keep_pool = need_handle("keep-pool", STARTUP_POOL);
	engine.archive_cap = startup_need("archive", STARTUP_MEMORY);
	for (u32 i = 0; i < DOMAINS; i++) {
		const struct startup_cap *pool = startup_need(domains[i],
			STARTUP_POOL);
		engine.domain[i] = handle_of(pool->handle);
		engine.domain_pages[i] = pool->a;
		engine.sched[i] = need_handle(scheds[i], STARTUP_OTHER);
	}
}

// How many the word of the command line says.
static u32 count_of(const char *word, u32 limit, u32 without)
{
	char text[16];
	u64 n = 0;

	if (!startup_word(word, text, sizeof(text)))
		return without;
	if (parse_u64(text, strlen(text), limit, &n) != STATUS_OK) {
		say("command line: %s=%s: a number up to %u; taken as 0", word,
			text, limit);
		n = 0;
	}
	return (u32)n;
}

static void find_framebuffer(void)
{
	char text[64];

	if (startup_word("framebuffer", text, sizeof(text)) &&
		framebuffer_parse(&engine.framebuffer, text) != STATUS_OK)
		say("command line: framebuffer=%s: not understood", text);
}

// Returns the checksum of the manifest.
static u32 read_manifest(void)
{
	const u8 *text;
	u64 bytes;
	void *mapped;
	u32 count[EACH_KINDS] = {
		[EACH_DISK] = count_of("disks", DISKS_MAX, 0),
		[EACH_SCREEN] = count_of("screen", SCREENS_MAX,
			engine.framebuffer.width != 0),
	};
	enum status status = memory_map(handle_of(engine.archive_cap->handle), 0,
		engine.archive_cap->a, MAP_READ, &mapped);

	if (status != STATUS_OK)
		give_up("boot archive", status);
	engine.archive = (struct archive){mapped, engine.archive_cap->a};
	if (!archive_find(&engine.archive, "kochab/system.sys", &text, &bytes))
		give_up("no kochab/system.sys in the boot archive", ERR_NOENT);
	status = manifest_parse(&engine.manifest, (const char *)text, bytes,
		count);
	if (status != STATUS_OK) {
		// A mistake in an image, not of the system: no panic.
		say("kochab/system.sys line %u: %s", engine.manifest.error_line,
			engine.manifest.error);
		say("the manifest is not valid: nothing is started, the machine "
			"stops");
		(void)!sys_system_control(engine.system, SYSTEM_OFF, 0);
		for (;;)
			(void)!sys_thread_stop(handle_of(SLOT_THREAD));
	}
	return crc32c(crc32c(0, count, sizeof(count)), text, bytes);
}

static void prepare_components(bool adopted)
{
	const char *what = "";

	for (u32 i = 0; i < DOMAINS; i++)
		engine.rest_pages[i] = manifest_rest_pages(&engine.manifest,
			(enum domain)i, engine.domain_pages[i]);
	for (u32 i = 0; i < component_count(); i++) {
		struct component *component = &engine.component[i];
		component->plan = &engine.manifest.component[i];
		if (!adopted)
			record_reset(component);
		enum status status = keep_component(component, &what);
		if (status == STATUS_OK)
			continue;
		say("%s: %s: %s", component->plan->name, what,
			status_text(status));
		give_up("not enough memory for what the manifest lists", status);
	}
	enum status status = keep_channels(&what);
	if (status != STATUS_OK)
		give_up(what, status);
}

static void adopt(void)
{
	u32 nrunning = 0;

	for (u32 i = 0; i < component_count(); i++) {
		component_adopt(&engine.component[i]);
		enum component_state state = engine.component[i].record.state;
		nrunning += state == COMPONENT_READY ||
			state == COMPONENT_STARTED;
	}
	spawned_adopt();
	say("engine instance %u: adopted %u of %u components", startup->generation,
		nrunning, component_count());
}

static void arm(void)
{
	u32 timer = slot_alloc();
	enum status status = sys_object_create(SELF_POOL, OBJECT_TIMER, 0, 0,
		handle_of(0), SELF_CNODE, timer);

	if (status == STATUS_OK)
		status = sys_timer_set(handle_of(timer),
			handle_of(SLOT_NOTIFICATION), BIT_TICK,
			clock_ns() + TICK_NS, TICK_NS);
	if (status != STATUS_OK)
		give_up("timer", status);
}

int component_main(const struct startup *page)
{
	find_capabilities();
	find_framebuffer();
	bool adopted = stash_open(read_manifest());
	prepare_components(adopted);
	engine.server.dispatch = dispatch;
	engine.server.notified = notified;
	enum status status = server_init(&engine.server, engine.endpoint,
		ENGINE_ATTACH, engine.stash->answers);
	if (status != STATUS_OK)
		give_up("server", status);
	if (adopted)
		adopt();
	else
		say("%u components, %u channels", component_count(),
			engine.manifest.nchannels);
	arm();
	component_ready();
	(void)page;
	(void)!sys_signal(need_handle("vault-ready", STARTUP_NOTIFICATION));
	supervise_tick();
	server_run(&engine.server);
}
