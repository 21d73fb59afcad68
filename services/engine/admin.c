// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The commands of svc. Each makes a text; the client fetches it in pieces. A new
// instance of the engine makes the text again if the command only looks.
#include <stdarg.h>

#include "abi/constants.h"
#include "gen/abi/engine.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "services/engine/engine.h"

#define TEXT_BYTES 65536
#define COMMAND_BYTES 512
#define WORDS 4
#define LOG_READ_BYTES 4096

static struct {
	char bytes[TEXT_BYTES];
	u32 used;
	u32 exit_status;
} text;

struct command {
	u32 nwords;
	char word[WORDS][64];
	char rest[COMMAND_BYTES]; // behind the third word
	bool json;
};

[[gnu::format(printf, 1, 2)]] static void put(const char *format, ...)
{
	u32 room = TEXT_BYTES - text.used;
	va_list values;

	va_start(values, format);
	usize n = format_string(text.bytes + text.used, room, format, values);
	va_end(values);
	text.used += (u32)MIN(n, (usize)room - 1);
}

static void refuse(const char *what, const char *name)
{
	put("svc: %s%s\n", what, name);
	text.exit_status = 1;
}

static const char *domain_name(enum domain domain)
{
	static const char *const names[] = {"sovereign", "services", "drivers"};

	return names[domain];
}

// ---- list and show

// A line: name, state, domain, restarts, pid, last recovery. The engine itself is
// not among the components, but in the list.
static void list_engine(bool json)
{
	u32 restarts = startup->generation - 1;

	if (json)
		put("{\"name\":\"engine\",\"state\":\"ready\",\"domain\":"
			"\"sovereign\",\"restarts\":%u,\"pid\":%u,\"last_us\":0,"
			"\"max_us\":0,\"requests\":0}", restarts,
			startup->generation);
	else
		put("%-16s %-11s %-9s %6u %6u\n", "engine", "ready",
			"sovereign", restarts, startup->generation);
}

static void list_one(const struct component *component, bool json)
{
	const struct record *r = &component->record;
	const char *domain = domain_name(component->plan->domain);

	if (json)
		put(",\n{\"name\":\"%s\",\"state\":\"%s\",\"domain\":\"%s\","
			"\"restarts\":%u,\"pid\":%u,\"last_us\":%lu,"
			"\"max_us\":%lu,\"requests\":%u}", component->plan->name,
			state_name(r->state), domain, r->restarts, r->pid,
			r->last_us, r->max_us, component->health->requests);
	else
		put("%-16s %-11s %-9s %6u %6u %9lu us\n", component->plan->name,
			state_name(r->state), domain, r->restarts, r->pid,
			r->last_us);
}

static void do_list(const struct command *command)
{
	if (command->json)
		put("[");
	list_engine(command->json);
	for (u32 i = 0; i < component_count(); i++)
		list_one(&engine.component[i], command->json);
	if (command->json)
		put("]\n");
}

static void show_rights(const struct plan *plan)
{
	for (u32 i = 0; i < plan->nuses; i++)
		put("uses:       %s%s%s\n", plan->use[i].name,
			string_equal(plan->use[i].name, plan->use[i].from) ? "" :
			" from ", string_equal(plan->use[i].name,
			plan->use[i].from) ? "" : plan->use[i].from);
	for (u32 i = 0; i < plan->nextras; i++)
		put("holds:      %s\n", plan->extra[i].name);
	for (u32 i = 0; i < engine.manifest.nchannels; i++) {
		const struct channel_plan *c = &engine.manifest.channel[i];
		const struct plan *client = &engine.manifest.component[c->client];
		const struct plan *server = &engine.manifest.component[c->server];
		if (client == plan || server == plan)
			put("channel:    %s:%s -> %s:%s\n", client->name,
				c->client_name, server->name, c->server_name);
	}
}

static void show_pool(struct handle pool)
{
	u64 limit, used, objects, capabilities;

	if (sys_pool_info(pool, &limit, &used, &objects, &capabilities,
		nullptr) == STATUS_OK)
		put("memory:     %lu of %lu KiB, %lu objects, %lu "
			"capabilities\n", used * 4, limit * 4, objects,
			capabilities);
}

static void do_show(const struct command *command)
{
	struct component *component = component_named(command->word[1]);

	if (string_equal(command->word[1], "engine")) {
		put("name:       engine\nstate:      ready\nrestarts:   %u\n"
			"arguments:  %s\n", startup->generation - 1,
			startup->arguments);
		show_pool(SELF_POOL);
		return;
	}
	if (!component) {
		refuse("no component named ", command->word[1]);
		return;
	}
	const struct plan *plan = component->plan;
	const struct record *r = &component->record;
	put("name:       %s\nstate:      %s\ndomain:     %s\n"
		"program:    kochab/bin/%s %s\npid:        %u\n"
		"restarts:   %u, the last because of: %s\n", plan->name,
		state_name(r->state), domain_name(plan->domain), build_binary(plan),
		plan->arguments, r->pid, r->restarts, reason_name(r->reason));
	if (r->restarts)
		put("recovery:   last %lu us, mean %lu us, most %lu us\n",
			r->last_us, r->total_us / r->restarts, r->max_us);
	put("priority:   %u, layer %u\nheartbeat:  %u missed of %u\n",
		plan->priority, plan->layer, component->misses, plan->misses);
	put("requests:   %u\n", component->health->requests);
	show_pool(kept(component, KEPT_POOL));
	show_rights(plan);
}

// ---- mem

static void mem_one(const char *name, struct handle pool, bool json, bool first)
{
	u64 limit, used, objects, capabilities;

	if (sys_pool_info(pool, &limit, &used, &objects, &capabilities,
		nullptr) != STATUS_OK)
		return;
	if (json)
		put("%s{\"name\":\"%s\",\"used_pages\":%lu,\"limit_pages\":%lu,"
			"\"objects\":%lu,\"capabilities\":%lu}",
			first ? "" : ",\n", name, used, limit, objects,
			capabilities);
	else
		put("%-20s %9lu %9lu %8lu %12lu\n", name, used, limit, objects,
			capabilities);
}

static void do_mem(const struct command *command)
{
	u64 total = 0, free_frames = 0, reserved = 0;
	char name[NAME_BYTES * 2 + 2];

	(void)!sys_system_info(engine.system, SYSTEM_INFO_MEMORY, 0, &total,
		&free_frames, &reserved, nullptr);
	if (command->json)
		put("{\"total_frames\":%lu,\"free_frames\":%lu,"
			"\"reserved_frames\":%lu,\"pools\":[\n", total,
			free_frames, reserved);
	else
		put("%-20s %9s %9s %8s %12s\n", "POOL", "USED", "LIMIT",
			"OBJECTS", "CAPABILITIES");
	for (u32 i = 0; i < DOMAINS; i++)
		mem_one(domain_name((enum domain)i), engine.domain[i],
			command->json, i == 0);
	mem_one("engine", SELF_POOL, command->json, false);
	mem_one("engine:keep", engine.keep_pool, command->json, false);
	for (u32 i = 0; i < component_count(); i++) {
		struct component *component = &engine.component[i];
		const struct plan *plan = component->plan;
		mem_one(plan->name, kept(component, KEPT_POOL), command->json,
			false);
		for (u32 k = 0; k < plan->nextras; k++) {
			if (plan->extra[k].kind != EXTRA_POOL)
				continue;
			format_text(name, sizeof(name), "%s:%s", plan->name,
				plan->extra[k].name);
			mem_one(name, kept(component, KEPT_EXTRA + k),
				command->json, false);
		}
	}
	if (command->json)
		put("]}\n");
	else
		put("free frames %lu of %lu, reserved %lu (pages of 4 KiB)\n",
			free_frames, total, reserved);
}

// ---- log

// Does the line begin with "name: "? Without a name every line is wanted.
static bool line_wanted(const char *line, usize bytes, const char *name)
{
	usize n = strlen(name);

	return n == 0 || (bytes > n + 1 && memcmp(line, name, n) == 0 &&
		line[n] == ':');
}

static void do_log(const struct command *command)
{
	static char piece[LOG_READ_BYTES], line[512];
	const char *name = command->nwords > 1 ? command->word[1] : "";
	u64 position = 0, next = 0;
	usize used = 0;
	u32 done;

	while (sys_system_log_read(engine.system, (struct uaddr){(u64)piece},
			sizeof(piece), position, &done, &next) == STATUS_OK &&
		done) {
		for (u32 i = 0; i < done; i++) {
			if (used < sizeof(line))
				line[used++] = piece[i];
			if (piece[i] != '\n')
				continue;
			// The newest lines count: make room for them.
			if (line_wanted(line, used, name) &&
				text.used + used >= TEXT_BYTES) {
				memmove(text.bytes, text.bytes + TEXT_BYTES / 2,
					text.used - TEXT_BYTES / 2);
				text.used -= TEXT_BYTES / 2;
			}
			if (line_wanted(line, used, name))
				put("%.*s", (int)used, line);
			used = 0;
		}
		position = next;
	}
}

// ---- commands that change something

static void do_kill(const struct command *command)
{
	const char *verb = command->word[0], *name = command->word[1];
	struct component *component = component_named(name);
	bool hang = string_equal(verb, "hang");

	if (string_equal(name, "engine")) {
		// After the answer: the vault does it at once.
		engine.vault_bits |= hang ? 2 : 1;
		u32 slot = slot_alloc();
		if (sys_cap_mint(SELF_CNODE, slot, handle_of(SLOT_NOTIFICATION),
			RIGHT_SIGNAL, ENGINE_BIT_VAULT) == STATUS_OK)
			(void)!sys_signal(handle_of(slot));
		slot_free(slot);
		return;
	}
	if (!component) {
		refuse("no component named ", name);
		return;
	}
	if (hang)
		(void)!sys_thread_stop(kept(component, KEPT_THREAD));
	else
		component_restart(component, string_equal(verb, "kill") ?
			REASON_KILL : REASON_RESTART);
}

static void do_spawn(const struct command *command)
{
	u64 count = 1;
	u32 started = 0;

	if (command->nwords > 2 && parse_u64(command->word[2],
			strlen(command->word[2]), SPAWNED_MAX, &count) !=
		STATUS_OK) {
		refuse("not a number: ", command->word[2]);
		return;
	}
	enum status status = spawn(command->word[1], command->rest, (u32)count,
		&started);
	put("started %u\n", started);
	if (started < count)
		refuse(status_text(status), "");
}

static void do_reap(const struct command *)
{
	put("ended %u\n", spawned_count());
	spawned_reap();
}

static void do_power(const struct command *command)
{
	bool off = string_equal(command->word[0], "poweroff");

	say("%s asked by svc", command->word[0]);
	enum status status = sys_system_control(engine.system,
		off ? SYSTEM_OFF : SYSTEM_REBOOT, 0);
	if (status != STATUS_OK)
		refuse(status_text(status), "");
}

// ---- processors
#define CPU_AGAIN 75 // exit status: not done yet; svc asks again
static const char *const cpu_states[] = {"off", "starting", "starting", "on",
	"leaving", "leaving"};

static u32 cpu_state(u64 number, u64 *socket, u64 *core, u64 *thread, u64 *id)
{
	u64 facts = 0;

	if (sys_system_info(engine.system, SYSTEM_INFO_TOPOLOGY, number, socket,
		core, thread, &facts) != STATUS_OK)
		return ~0u;
	*id = (u32)facts;
	return MIN((u32)(facts >> 32), ARRAY_COUNT(cpu_states) - 1);
}

static void list_cpus(bool json)
{
	u64 socket, core, thread, id;
	u32 state;

	put(json ? "[" : "CPU STATE    SOCKET CORE THREAD HARDWARE\n");
	for (u64 i = 0; (state = cpu_state(i, &socket, &core, &thread, &id)) !=
		~0u; i++)
		put(json ? "%s{\"cpu\":%lu,\"state\":\"%s\",\"socket\":%lu,"
			"\"core\":%lu,\"thread\":%lu,\"hardware\":%lu}" :
			"%s%3lu %-8s %6lu %4lu %6lu %8lx\n",
			json && i ? ",\n" : "", i, cpu_states[state], socket,
			core, thread, id);
	put(json ? "]\n" : "");
}

// The kernel only begins it: until it is done svc asks again, with one word more,
// and at last with "enough".
static void change_cpu(const struct command *command, u64 number, bool off)
{
	u32 wanted = off ? CPU_STATE_OFF : CPU_STATE_ON;
	u64 socket, core, thread, id;
	u32 state = cpu_state(number, &socket, &core, &thread, &id);

	if (state == ~0u) {
		refuse("no such CPU: ", command->word[2]);
	} else if (off && number == 0) {
		refuse("CPU 0 serves those that are off, and stays on", "");
	} else if (state == wanted && !command->rest[0]) {
		put("svc: CPU %lu is %s already\n", number, cpu_states[state]);
		text.exit_status = 1;
	} else if (state == wanted) {
		say("CPU %lu is %s", number, cpu_states[state]);
	} else if (string_equal(command->rest, "enough")) {
		if (state == CPU_STATE_STARTING) // so that it may be tried again
			(void)!sys_system_control(engine.system, CPU_OFFLINE,
				number);
		put("svc: CPU %lu did not answer: it is %s\n", number,
			cpu_states[state]);
		text.exit_status = 1;
	} else {
		if (state == (off ? CPU_STATE_ON : CPU_STATE_OFF))
			(void)!sys_system_control(engine.system,
				off ? CPU_OFFLINE : CPU_ONLINE, number);
		text.exit_status = CPU_AGAIN;
	}
}

static void scan_cpus(void)
{
	u32 ids[HOTPLUG_IDS], count;
	u64 cpus = 0;

	if (hotplug_scan(ids, &count) != STATUS_OK) {
		refuse("no processor can be plugged into this machine", "");
		return;
	}
	for (u32 i = 0; i < count; i++) {
		enum status status = sys_system_control(engine.system,
			CPU_INSERT, ids[i]);
		(void)!sys_system_info(engine.system, SYSTEM_INFO_CPUS, 0,
			&cpus, nullptr, nullptr, nullptr);
		if (status == STATUS_OK) {
			put("CPU %lu is new, and off: svc cpu online %lu\n",
				cpus - 1, cpus - 1);
			say("CPU %lu is new: hardware id %x", cpus - 1, ids[i]);
		} else {
			put("svc: hardware id %x: %s\n", ids[i],
				status_text(status));
			text.exit_status = 1;
		}
	}
}

static void do_cpu(const struct command *command)
{
	bool off = string_equal(command->word[1], "offline");
	u64 number;

	if (command->nwords == 1)
		list_cpus(command->json);
	else if (string_equal(command->word[1], "scan"))
		scan_cpus();
	else if (command->nwords < 3 ||
		(!off && !string_equal(command->word[1], "online")))
		refuse("usage: svc cpu [offline N|online N|scan]", "");
	else if (parse_u64(command->word[2], strlen(command->word[2]), 4095,
		&number) != STATUS_OK)
		refuse("no such CPU: ", command->word[2]);
	else
		change_cpu(command, number, off);
}

static void do_help(const struct command *);

static const struct verb {
	const char *name;
	u32 min, max; // words behind it
	bool looks; // changes nothing
	void (*run)(const struct command *command);
	const char *help;
} verbs[] = {
	{"list", 0, 0, true, do_list, "list [--json]     all components"},
	{"show", 1, 1, true, do_show, "show NAME         one component in full"},
	{"kill", 1, 1, false, do_kill, "kill NAME         destroy it; it comes back"},
	{"hang", 1, 1, false, do_kill, "hang NAME         stop its thread; the "
		"heartbeat finds it"},
	{"restart", 1, 1, false, do_kill, "restart NAME      a new instance, also "
		"from quarantine"},
	{"log", 0, 1, true, do_log, "log [NAME]        the kernel and service log"},
	{"mem", 0, 0, true, do_mem, "mem [--json]      memory by pool"},
	{"spawn", 1, 99, false, do_spawn, "spawn PROGRAM [N [ARGUMENTS]]   start N "
		"instances of kochab/bin/PROGRAM"},
	{"reap", 0, 0, false, do_reap, "reap              end all spawned programs"},
	{"cpu", 0, 3, false, do_cpu, "cpu [offline N|online N|scan]   processors: all; one out "
		"or in; look for new ones"},
	{"poweroff", 0, 0, false, do_power, "poweroff          stop the machine"},
	{"reboot", 0, 0, false, do_power, "reboot            start it again"},
	{"help", 0, 0, true, do_help, "help              this text"},
};

static void do_help(const struct command *)
{
	for (u32 i = 0; i < ARRAY_COUNT(verbs); i++)
		put("svc %s\n", verbs[i].help);
}

static void parse_command(const struct engine_admin_args *args,
	struct command *command)
{
	static char copy[COMMAND_BYTES];
	usize bytes = MIN((usize)args->command_bytes, sizeof(copy));
	const char *at = copy;
	struct word word;

	*command = (struct command){};
	// Shared with the client: copied once, then looked at.
	memcpy(copy, args->command, bytes);
	while (parse_word(&at, &bytes, &word)) {
		if (word_equal(word, "--json")) {
			command->json = true;
			continue;
		}
		if (command->nwords >= 3)
			format_text(command->rest + strlen(command->rest),
				sizeof(command->rest) - strlen(command->rest),
				"%s%.*s", command->rest[0] ? " " : "",
				(int)word.bytes, word.text);
		else
			format_text(command->word[command->nwords],
				sizeof(command->word[0]), "%.*s",
				(int)word.bytes, word.text);
		command->nwords++;
	}
}

static void run(const struct command *command, bool look_only)
{
	for (u32 i = 0; i < ARRAY_COUNT(verbs); i++) {
		const struct verb *verb = &verbs[i];
		if (!string_equal(verb->name, command->word[0]))
			continue;
		if (look_only && !verb->looks)
			return;
		u32 words = command->nwords - 1;
		if (words < verb->min || words > verb->max)
			refuse("usage: svc ", verb->help);
		else
			verb->run(command);
		return;
	}
	refuse("unknown command; try svc help: ", command->word[0]);
}

enum status admin_command(const struct engine_admin_args *args,
	struct engine_admin_result *result)
{
	static struct command command;

	if (args->from == 0 || text.used == 0) {
		parse_command(args, &command);
		text.used = 0;
		text.exit_status = 0;
		run(&command, args->from != 0);
	}
	u32 from = MIN(args->from, text.used);
	result->done = MIN(args->text_bytes, text.used - from);
	memcpy(args->text, text.bytes + from, result->done);
	result->total = text.used;
	result->exit_status = text.exit_status;
	return STATUS_OK;
}
