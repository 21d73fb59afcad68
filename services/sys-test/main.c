// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// sys-test: a component that tests the supervision it lives under. It is in no
// ordinary image; tests/system/supervision gives it a manifest with the engine as
// administrator. Results are lines "PASS name" and "FAIL name: why" in the log,
// the last one "DONE N passed, N failed"; then the machine is turned off.
//
// Its arguments choose: kill=N and hang=N times each component, engine=N kills of
// the engine, load=N processes that call the log all the while, spawn=N native
// processes alive at once. Rights that its manifest does not list are tried in any
// case. As a spawned program it is one of those: "idle", or "calls".
#include <stdarg.h>

#include "abi/constants.h"
#include "gen/abi/engine.h"
#include "gen/abi/log.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/format.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"
#include "lib/ipc/message.h"
#include "lib/ipc/session.h"
#include "lib/sys/component.h"

#define TEXT_BYTES 65536
#define WAIT_NS 20000000000ull
#define POLL_NS 2000000ull

static struct session admin;
static char text[TEXT_BYTES];
static u32 npassed, nfailed;

[[gnu::format(printf, 3, 4)]] static void result(bool good, const char *name,
	const char *format, ...)
{
	char why[160];
	va_list values;

	va_start(values, format);
	format_string(why, sizeof(why), format, values);
	va_end(values);
	if (good) {
		npassed++;
		log_print("PASS %s %s", name, why);
	} else {
		nfailed++;
		log_print("FAIL %s: %s", name, why);
	}
}

// ---- the engine's commands

static enum status command(const char *line)
{
	u32 done = 0, total = 0, exit_status = 0, from = 0;

	do {
		enum status status = engine_admin(&admin, line,
			(u32)strlen(line), from, text + from,
			sizeof(text) - 1 - from > 32768 ? 32768 :
			(u32)sizeof(text) - 1 - from, &done, &total,
			&exit_status);
		if (status != STATUS_OK)
			return status;
		from += done;
	} while (done && from < total && from < sizeof(text) - 1);
	text[from] = 0;
	return exit_status ? ERR_ARGUMENT : STATUS_OK;
}

struct line {
	char name[24], state[24];
	u32 restarts;
};

// The words of one line of "list"; false: there is no such component.
static bool list_line(const char *name, struct line *line)
{
	const char *at = text;
	usize bytes = strlen(text);
	struct word row, word;

	while (parse_line(&at, &bytes, &row)) {
		const char *p = row.text;
		usize n = row.bytes;
		u64 number = 0;
		if (!parse_word(&p, &n, &word) || !word_equal(word, name))
			continue;
		strlcpy(line->name, name, sizeof(line->name));
		(void)parse_word(&p, &n, &word);
		format_text(line->state, sizeof(line->state), "%.*s",
			(int)word.bytes, word.text);
		(void)parse_word(&p, &n, &word);
		(void)parse_word(&p, &n, &word);
		(void)!parse_u64(word.text, word.bytes, ~0u, &number);
		line->restarts = (u32)number;
		return true;
	}
	return false;
}

static bool look(const char *name, struct line *line)
{
	return command("list") == STATUS_OK && list_line(name, line);
}

static void nap(u64 ns)
{
	u64 bits;

	(void)!component_wait(1ull << 40, clock_ns() + ns, &bits);
}

// Wait until the component is ready and has been restarted so often.
static bool comes_back(const char *name, u32 restarts)
{
	u64 end = clock_ns() + WAIT_NS;
	struct line line;

	while (clock_ns() < end) {
		if (look(name, &line) && line.restarts >= restarts &&
			string_equal(line.state, "ready"))
			return true;
		nap(POLL_NS);
	}
	return false;
}

static u64 free_frames(void)
{
	const char *at;
	u64 frames = 0;

	if (command("mem") != STATUS_OK)
		return 0;
	at = strstr(text, "free frames ");
	if (!at)
		return 0;
	at += strlen("free frames ");
	(void)!parse_u64(at, (usize)(strchr(at, ' ') - at), ~0ull, &frames);
	return frames;
}

static u64 settled_frames(void)
{
	u64 last = 0, now = free_frames();

	for (u32 i = 0; i < 20 && now != last; i++) {
		last = now;
		nap(100000000);
		now = free_frames();
	}
	return now;
}

// ---- tests

// The names of all others, from "list".
static u32 others(char names[][24], u32 max)
{
	const char *at = text;
	usize bytes;
	struct word row, word;
	u32 n = 0;

	if (command("list") != STATUS_OK)
		return 0;
	bytes = strlen(text);
	while (n < max && parse_line(&at, &bytes, &row)) {
		const char *p = row.text;
		usize left = row.bytes;
		if (!parse_word(&p, &left, &word) ||
			word_equal(word, startup->component) ||
			word_equal(word, "engine"))
			continue;
		format_text(names[n++], 24, "%.*s", (int)word.bytes, word.text);
	}
	return n;
}

static void test_each(const char *verb, u32 rounds)
{
	static char names[48][24];
	u32 n = others(names, 48);

	for (u32 i = 0; i < n; i++) {
		char name[48], line[64];
		struct line before;
		u32 done = 0;
		format_text(name, sizeof(name), "%s-%s", verb, names[i]);
		format_text(line, sizeof(line), "%s %s", verb, names[i]);
		if (!look(names[i], &before)) {
			result(false, name, "not in the list");
			continue;
		}
		while (done < rounds && command(line) == STATUS_OK &&
			comes_back(names[i], before.restarts + done + 1))
			done++;
		result(done == rounds, name, "%u of %u", done, rounds);
	}
}

static void test_engine(const char *line_text, const char *name, u32 rounds)
{
	struct line before, line;
	u32 done = 0;
	static char names[48][24];
	u32 restarts[48];
	u32 n = others(names, 48);
	bool undisturbed = true;

	for (u32 i = 0; i < n; i++)
		restarts[i] = list_line(names[i], &line) ? line.restarts : 0;
	if (!look("engine", &before)) {
		result(false, name, "not in the list");
		return;
	}
	while (done < rounds && command(line_text) == STATUS_OK &&
		comes_back("engine", before.restarts + done + 1))
		done++;
	result(done == rounds, name, "%u of %u", done, rounds);
	for (u32 i = 0; i < n; i++)
		if (!list_line(names[i], &line) || line.restarts != restarts[i]) {
			undisturbed = false;
			log_print("%s was restarted with the engine", names[i]);
		}
	result(undisturbed, "engine-death-disturbs-nobody", "%u components", n);
}

static void test_spawn(u32 count)
{
	u64 before = settled_frames(), after;
	char line[64], wanted[32];

	format_text(line, sizeof(line), "spawn sys-test %u idle", count);
	format_text(wanted, sizeof(wanted), "started %u\n", count);
	enum status status = command(line);
	result(status == STATUS_OK && strstr(text, wanted) != nullptr, "spawn",
		"%s", text);
	nap(200000000);
	status = command("reap");
	after = settled_frames();
	result(status == STATUS_OK && before == after, "reap",
		"free frames %lu before, %lu after", before, after);
}

static void denied(const char *name, enum status status, enum status wanted)
{
	result(status == wanted, name, "%s", status_text(status));
}

// What the manifest does not give. Each kind of object that can be asked for.
static void test_denied(void)
{
	const struct startup_cap *archive = startup_find("archive",
		STARTUP_MEMORY);
	const struct startup_cap *log = startup_find("log",
		STARTUP_ENDPOINT_CLIENT);
	const struct startup_cap *system = startup_find("system",
		STARTUP_SYSTEM);
	u32 slot = slot_alloc();
	struct message message = {};

	result(!startup_find("pci", STARTUP_ENDPOINT_CLIENT),
		"denied-endpoint-not-listed", "%s", "");
	denied("denied-empty-slot", sys_signal(handle_of(slot)), ERR_HANDLE);
	if (log) {
		denied("denied-endpoint-receive", ipc_recv(
			handle_of(log->handle), &message, 0), ERR_RIGHTS);
		denied("denied-endpoint-copy", sys_cap_copy(SELF_CNODE, slot,
			handle_of(log->handle)), ERR_RIGHTS);
	}
	if (archive) {
		void *at;
		denied("denied-memory-write", memory_map(
			handle_of(archive->handle), 0, PAGE_BYTES,
			MAP_READ | MAP_WRITE, &at), ERR_RIGHTS);
		denied("denied-memory-decommit", sys_memory_decommit(
			handle_of(archive->handle), 0, PAGE_BYTES), ERR_RIGHTS);
	}
	if (system) {
		struct handle s = handle_of(system->handle);
		denied("denied-power", sys_system_control(s, SYSTEM_OFF, 0),
			ERR_RIGHTS);
		denied("denied-interrupt", sys_device_create(s, OBJECT_IRQ, 4, 0,
			SELF_POOL, SELF_CNODE, slot), ERR_RIGHTS);
		denied("denied-ports", sys_device_create(s, OBJECT_IOPORT, 0x3f8,
			8, SELF_POOL, SELF_CNODE, slot), ERR_RIGHTS);
		denied("denied-device-memory", sys_device_create(s,
			OBJECT_MEMORY, 0xfee00000, 4096, SELF_POOL, SELF_CNODE,
			slot), ERR_RIGHTS);
		denied("denied-info", sys_system_info(s, SYSTEM_INFO_CPUS, 0,
			nullptr, nullptr, nullptr, nullptr), ERR_RIGHTS);
	}
	denied("denied-priority", sys_thread_schedule(handle_of(SLOT_THREAD),
		handle_of(SLOT_SCHED), 63, 100, 0), ERR_RANGE);
	denied("denied-memory-beyond-pool", sys_object_create(SELF_POOL,
		OBJECT_POOL, 1ull << 30, 0, handle_of(0), SELF_CNODE, slot),
		ERR_QUOTA);
	slot_free(slot);
}

static u32 number(const char *name)
{
	char value[16];
	u64 n = 0;

	if (startup_word(name, value, sizeof(value)))
		(void)!parse_u64(value, strlen(value), 1000000, &n);
	return (u32)n;
}

// A spawned process that calls the log for ever, through all its deaths.
[[noreturn]] static void be_load(void)
{
	static struct session log;
	u32 n = 0;

	session_init(&log, handle_of(startup_need("log",
		STARTUP_ENDPOINT_CLIENT)->handle), handle_of(0), nullptr, 0, 0,
		LOG_VERSION);
	for (;;) {
		if (log_write(&log, 0, 0, 0, 0, 0, 0, 0) != STATUS_OK)
			component_fail("the log refused call %u", n);
		n++;
	}
}

static void start_load(u32 count)
{
	char line[64];

	format_text(line, sizeof(line), "spawn sys-test %u calls", count);
	result(command(line) == STATUS_OK, "load", "%s", text);
}

static void end_load(u32 count)
{
	char wanted[32];

	format_text(wanted, sizeof(wanted), "ended %u\n", count);
	enum status status = command("reap");
	result(status == STATUS_OK && strstr(text, wanted) != nullptr,
		"load-noticed-nothing", "%s", text);
}

static void watch_frames(const char *what, u64 before)
{
	u64 after = settled_frames();

	// Tables of the kernel and of the engine's space may have grown once.
	result(after + 16 >= before, what, "free frames %lu before, %lu after",
		before, after);
}

// The answer to a command, line by line.
static void print_text(const char *line)
{
	const char *at = text;
	usize bytes;
	struct word row;

	if (command(line) != STATUS_OK)
		return;
	bytes = strlen(text);
	while (parse_line(&at, &bytes, &row))
		log_print("%.*s", (int)row.bytes, row.text);
}

int component_main(const struct startup *page)
{
	const struct startup_cap *engine;
	u64 before;

	(void)page;
	if (startup_word("idle", nullptr, 0))
		for (;;)
			(void)!sys_thread_stop(handle_of(SLOT_THREAD));
	if (startup_word("calls", nullptr, 0))
		be_load();
	engine = startup_need("engine", STARTUP_ENDPOINT_CLIENT);
	component_ready();
	if (session_open(&admin, handle_of(engine->handle), 131072,
		ENGINE_ATTACH, ENGINE_VERSION) != STATUS_OK)
		component_fail("no session");
	nap(1000000000);
	test_denied();
	result(command("kill nosuch") == ERR_ARGUMENT, "kill-unknown", "%s",
		text);
	test_each("kill", 2); // what grows once has grown
	before = settled_frames();
	if (number("load"))
		start_load(number("load"));
	test_each("kill", number("kill"));
	test_each("hang", number("hang"));
	test_engine("kill engine", "kill-engine", number("engine"));
	test_engine("hang engine", "hang-engine", number("hang"));
	if (number("load"))
		end_load(number("load"));
	watch_frames("frames-after-restarts", before);
	if (number("spawn"))
		test_spawn(number("spawn"));
	log_print("DONE %u passed, %u failed", npassed, nfailed);
	print_text("list");
	print_text("mem");
	nap(100000000);
	(void)!command("poweroff");
	for (;;)
		nap(1000000000);
}
