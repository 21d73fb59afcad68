// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The vault. It holds the golden image of the engine, starts the engine, watches
// it with the highest priority, and starts it again when it dies, hangs or is
// asked to be killed. Whatever of the engine must outlive an instance (endpoint,
// notification, stash, health page, and a cnode and pool for all that the engine
// makes for others) is made here, once, and handed to every instance.
//
// The image: copied out of the boot archive when the vault starts, and its
// CRC-32C recorded. Before each start of the engine the copy is checked, and
// taken anew from the archive if it has changed.
//
// The engine's instance pool is destroyed before the next is made, so a restart
// needs no more memory than a start.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/checksum.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/ipc/message.h"
#include "lib/process/archive.h"
#include "lib/process/process.h"
#include "lib/sys/component.h"
#include "services/vault/vault.h"

#define ENGINE_PATH "kochab/bin/engine"
#define ENGINE_PAGES 448
#define ENGINE_PRIORITY 60
#define ENGINE_SLOTS_LOG2 8
#define KEEP_PAGES 384
#define KEEP_SLOTS_LOG2 12
#define STASH_BYTES 65536
#define TICK_NS 20000000ull
#define MISSES_MAX 50 // heartbeats not answered: one second
#define FAILURES_MAX 10 // deaths in a row before it was ready

// Bits of the vault's own notification beside those of vault.h.
#define BIT_TICK (1ull << 32)

static struct archive archive;
static struct {
	u8 *copy;
	u64 bytes;
	u32 sum;
	struct elf_image image;
} golden;

static struct {
	u32 endpoint, notification, heartbeat, stash, health; // slots
	u32 keep_cnode, keep_pool;
	u32 fault; // endpoint for the engine's faults, badge 1
	volatile struct health *page;
	u32 pool, thread; // of the instance that runs
	u32 generation, misses, failures;
	u64 down_ns; // when the last instance was found dead
	const char *reason;
} engine;

[[noreturn]] static void die(const char *what, enum status status)
{
	const struct startup_cap *system = startup_need("system", STARTUP_SYSTEM);

	log_print("%s: %s; the machine cannot go on", what, status_text(status));
	(void)!sys_system_control(handle_of(system->handle), SYSTEM_PANIC, 0);
	for (;;)
		__builtin_trap();
}

static void need(enum status status, const char *what)
{
	if (status != STATUS_OK)
		die(what, status);
}

static u32 create(struct handle pool, u32 type, u64 a, u64 b, const char *what)
{
	u32 slot = slot_alloc();

	need(sys_object_create(pool, type, a, b, handle_of(0), SELF_CNODE, slot),
		what);
	return slot;
}

static struct handle pool_named(const char *name)
{
	return handle_of(startup_need(name, STARTUP_POOL)->handle);
}

static void load_golden(void)
{
	const u8 *file;
	const char *why;

	if (!archive_find(&archive, ENGINE_PATH, &file, &golden.bytes))
		die("no " ENGINE_PATH " in the boot archive", ERR_NOENT);
	if (!golden.copy)
		golden.copy = heap_alloc(golden.bytes);
	if (!golden.copy)
		die("golden image", ERR_MEMORY);
	memcpy(golden.copy, file, golden.bytes);
	enum status status = elf_parse(golden.copy, golden.bytes, PROCESS_IMAGE,
		PROCESS_IMAGE_END, &golden.image, &why);
	need(status, why ? why : "golden image");
}

static void check_golden(void)
{
	if (crc32c(0, golden.copy, golden.bytes) == golden.sum)
		return;
	log_print("the golden image of the engine has changed in memory: taken "
		"anew from the boot archive");
	load_golden();
	if (crc32c(0, golden.copy, golden.bytes) != golden.sum)
		die("the boot archive has changed, too", ERR_CORRUPT);
}

static void make_kept_objects(void)
{
	struct handle sovereign = pool_named("sovereign");
	void *page;

	engine.keep_pool = create(sovereign, OBJECT_POOL, KEEP_PAGES, 0,
		"kept pool");
	struct handle keep = handle_of(engine.keep_pool);
	engine.keep_cnode = create(keep, OBJECT_CNODE, KEEP_SLOTS_LOG2, 0,
		"kept cnode");
	engine.endpoint = create(keep, OBJECT_ENDPOINT, 0, 0, "endpoint");
	engine.notification = create(keep, OBJECT_NOTIFICATION, 0, 0,
		"notification");
	engine.stash = create(keep, OBJECT_MEMORY, STASH_BYTES,
		MEMORY_COMMITTED, "stash");
	engine.health = create(keep, OBJECT_MEMORY, PAGE_BYTES,
		MEMORY_COMMITTED, "health page");
	engine.fault = create(SELF_POOL, OBJECT_ENDPOINT, 0, 0, "endpoint");
	engine.heartbeat = slot_alloc();
	need(memory_map(handle_of(engine.health), 0, PAGE_BYTES,
		MAP_READ | MAP_WRITE, &page), "health page");
	engine.page = page;
}

static void give(struct process_builder *builder, const char *name,
	enum startup_kind kind, u32 source, u32 rights, u64 badge, u64 a)
{
	u32 slot = process_give(builder, handle_of(source), rights, badge);

	process_name(builder, name, kind, slot, 0, a, 0);
}

static void give_inherited(struct process_builder *builder)
{
	static const struct {
		const char *name;
		enum startup_kind kind;
	} inherited[] = {
		{"system", STARTUP_SYSTEM}, {"archive", STARTUP_MEMORY},
		{"sovereign", STARTUP_POOL}, {"services", STARTUP_POOL},
		{"drivers", STARTUP_POOL}, {"sched.0", STARTUP_OTHER},
		{"sched.1", STARTUP_OTHER}, {"sched.2", STARTUP_OTHER},
	};

	for (u32 i = 0; i < ARRAY_COUNT(inherited); i++) {
		const struct startup_cap *cap = startup_need(inherited[i].name,
			inherited[i].kind);
		give(builder, cap->name, cap->kind, cap->handle, 0, 0, cap->a);
	}
}

static void describe(struct process_builder *builder)
{
	struct startup *page = builder->page;
	u64 base = 0;

	if (!page)
		return;
	page->generation = engine.generation;
	page->time_page = base + PROCESS_TIME;
	page->health = base + PROCESS_HEALTH;
	page->stash = base + PROCESS_STASH;
	page->stash_bytes = STASH_BYTES;
	format_text(page->arguments, sizeof(page->arguments),
		"down=%lu reason=%s", engine.down_ns,
		engine.reason ? engine.reason : "start");
}

static enum status build_engine(struct process_builder *builder)
{
	struct process_plan plan = {
		.name = "engine",
		.pool = handle_of(engine.pool),
		.aspace_kind = ASPACE_PLAIN,
		.slots_log2 = ENGINE_SLOTS_LOG2,
		.stack_bytes = 65536,
		.heap_bytes = 1 << 20,
	};

	process_begin(builder, &plan);
	process_image(builder, &golden.image);
	process_fixed(builder, SLOT_NOTIFICATION,
		handle_of(engine.notification), 0, 0);
	process_fixed(builder, SLOT_TIME, handle_of(SLOT_TIME), 0, 0);
	give(builder, "engine", STARTUP_ENDPOINT_SERVER, engine.endpoint, 0, 0,
		0);
	give(builder, "keep", STARTUP_CNODE, engine.keep_cnode, 0, 0,
		1ull << KEEP_SLOTS_LOG2);
	give(builder, "keep-pool", STARTUP_POOL, engine.keep_pool, 0, 0,
		KEEP_PAGES);
	give_inherited(builder);
	// One capability per thing the engine may tell the vault.
	give(builder, "vault-kill", STARTUP_NOTIFICATION, SLOT_NOTIFICATION,
		RIGHT_SIGNAL, VAULT_KILL, 0);
	give(builder, "vault-hang", STARTUP_NOTIFICATION, SLOT_NOTIFICATION,
		RIGHT_SIGNAL, VAULT_HANG, 0);
	give(builder, "vault-ready", STARTUP_NOTIFICATION, SLOT_NOTIFICATION,
		RIGHT_SIGNAL, VAULT_READY, 0);
	process_map(builder, handle_of(SLOT_TIME), PROCESS_TIME, PAGE_BYTES,
		MAP_READ);
	process_map(builder, handle_of(engine.health), PROCESS_HEALTH,
		PAGE_BYTES, MAP_READ | MAP_WRITE);
	process_map(builder, handle_of(engine.stash), PROCESS_STASH,
		STASH_BYTES, MAP_READ | MAP_WRITE);
	describe(builder);
	engine.thread = slot_alloc();
	return process_start(builder, &(struct process_thread){
		.sched = handle_of(startup_need("sched.0", STARTUP_OTHER)->handle),
		.priority = ENGINE_PRIORITY,
		.layer = 1,
		.fault = handle_of(engine.fault),
		.notification = handle_of(engine.notification),
		.keep_cnode = SELF_CNODE,
		.keep_index = engine.thread,
	});
}

static void start_engine(void)
{
	struct process_builder builder;

	check_golden();
	engine.generation++;
	engine.misses = 0;
	engine.page->ready = 0;
	engine.page->answered = engine.page->wanted;
	engine.pool = create(pool_named("sovereign"), OBJECT_POOL, ENGINE_PAGES,
		0, "engine's pool");
	if (build_engine(&builder) != STATUS_OK)
		die(builder.step, builder.status);
	process_end(&builder);
}

static void stop_engine(const char *reason)
{
	engine.reason = reason;
	engine.down_ns = clock_ns();
	need(sys_pool_destroy(handle_of(engine.pool)), "destroying the engine");
	slot_free(engine.pool);
	slot_free(engine.thread);
}

static void restart_engine(const char *reason)
{
	if (engine.page->ready)
		engine.failures = 0;
	else if (++engine.failures >= FAILURES_MAX)
		die("the engine does not come up", ERR_STATE);
	stop_engine(reason);
	start_engine();
}

static void engine_is_ready(void)
{
	if (engine.generation == 1)
		return;
	u64 us = (clock_ns() - engine.down_ns) / 1000;
	log_print("RESTART engine %s %u %lu us: recovered in %lu.%03lu ms",
		engine.reason, engine.generation - 1, us, us / 1000, us % 1000);
}

static void tick(void)
{
	volatile struct health *page = engine.page;

	if (page->answered == page->wanted) {
		engine.misses = 0;
		page->wanted++;
		(void)!sys_signal(handle_of(engine.heartbeat));
	} else if (++engine.misses >= MISSES_MAX) {
		restart_engine("hang");
	}
}

static void handle_bits(u64 bits)
{
	if (bits & VAULT_READY)
		engine_is_ready();
	if (bits & VAULT_KILL)
		restart_engine("kill");
	if (bits & VAULT_HANG)
		(void)!sys_thread_stop(handle_of(engine.thread));
	if (bits & BIT_TICK)
		tick();
}

static void arm_timer(void)
{
	u32 timer = create(SELF_POOL, OBJECT_TIMER, 0, 0, "timer");

	need(sys_timer_set(handle_of(timer), handle_of(SLOT_NOTIFICATION),
		BIT_TICK, clock_ns() + TICK_NS, TICK_NS), "timer");
	need(sys_cap_mint(SELF_CNODE, engine.heartbeat,
		handle_of(engine.notification), RIGHT_SIGNAL,
		NOTIFY_HEARTBEAT), "notification");
}

static void handle_fault(struct message *message)
{
	log_print("FAULT engine %lu at %lx, pc %lx", message->word[0],
		message->word[1], message->word[2]);
	*message = (struct message){.word = {FAULT_REPLY_STOP}, .nwords = 1};
	(void)!ipc_reply(message);
	restart_engine("fault");
}

int component_main(const struct startup *page)
{
	const struct startup_cap *files = startup_need("archive", STARTUP_MEMORY);
	struct message message = {};
	void *mapped;

	(void)page;
	need(memory_map(handle_of(files->handle), 0, files->a, MAP_READ, &mapped),
		"boot archive");
	archive = (struct archive){mapped, files->a};
	load_golden();
	golden.sum = crc32c(0, golden.copy, golden.bytes);
	make_kept_objects();
	arm_timer();
	start_engine();
	for (;;) {
		u64 bits = 0;
		enum status status = ipc_recv(handle_of(engine.fault), &message,
			0);
		if (status == STATUS_OK)
			handle_fault(&message);
		else if (status != ERR_INTERRUPTED)
			die("receiving", status);
		else if (sys_poll(handle_of(SLOT_NOTIFICATION), ~0ull, &bits) ==
			STATUS_OK)
			handle_bits(bits);
	}
}
