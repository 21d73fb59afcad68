// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// root, the first process. The kernel hands it everything: the pool of all
// memory, the system object, the boot archive. It carves the three domains, starts
// the vault, gives away what it holds, and from then on only waits for the one
// thing that nobody else could report: the death of the vault.
//
// Memory of the domains, in pages of what is free at the start: sovereign 1/24
// but at least 7 MiB and at most 32, services 3/10 of the rest, drivers and
// programs what remains.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/ipc/message.h"
#include "lib/process/archive.h"
#include "lib/process/process.h"
#include "lib/sys/component.h"

#define SOVEREIGN_MIN 1792
#define SOVEREIGN_MAX 8192
#define MACHINE_MIN 6144 // pages: what is needed to reach a prompt
#define ROOT_RESERVE 96 // pages root keeps: its own tables and slack
#define VAULT_PAGES 320
#define VAULT_PRIORITY 62
#define PRIORITY_SERVICES 50
#define PRIORITY_DRIVERS 45

struct domain {
	const char *name, *sched_name;
	u64 pages;
	u32 ceiling;
	u32 pool, sched; // slots
};

static struct domain domains[3] = {
	{"sovereign", "sched.0", 0, 63, 0, 0},
	{"services", "sched.1", 0, PRIORITY_SERVICES, 0, 0},
	{"drivers", "sched.2", 0, PRIORITY_DRIVERS, 0, 0},
};

[[noreturn]] static void die(const char *what, enum status status)
{
	const struct startup_cap *system = startup_find("system", STARTUP_SYSTEM);

	log_print("%s: %s; the machine cannot go on", what, status_text(status));
	if (system)
		(void)!sys_system_control(handle_of(system->handle),
			SYSTEM_PANIC, 0);
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

static void carve(void)
{
	u64 limit, used, free_frames;

	need(sys_pool_info(SELF_POOL, &limit, &used, nullptr, nullptr,
		&free_frames), "pool");
	u64 pages = MIN(limit - used, free_frames);
	if (pages < MACHINE_MIN)
		log_print("%lu MiB of memory are free, at least %u are needed: "
			"%lu MiB are missing", pages >> 8, MACHINE_MIN >> 8,
			((MACHINE_MIN - pages) >> 8) + 1);
	if (pages < MACHINE_MIN)
		die("too little memory", ERR_MEMORY);
	pages -= ROOT_RESERVE + pages / 256;
	domains[0].pages = MIN(MAX(pages / 24, (u64)SOVEREIGN_MIN),
		(u64)SOVEREIGN_MAX);
	domains[1].pages = (pages - domains[0].pages) * 3 / 10;
	domains[2].pages = pages - domains[0].pages - domains[1].pages;
	for (u32 i = 0; i < ARRAY_COUNT(domains); i++) {
		struct domain *d = &domains[i];
		d->pool = create(SELF_POOL, OBJECT_POOL, d->pages, 0, "domain");
		d->sched = slot_alloc();
		need(sys_object_create(SELF_POOL, OBJECT_SCHED, d->ceiling,
			~0ull, handle_of(SLOT_SCHED), SELF_CNODE, d->sched),
			"domain");
	}
	log_print("memory: sovereign %lu MiB, services %lu MiB, drivers and "
		"programs %lu MiB", domains[0].pages >> 8,
		domains[1].pages >> 8, domains[2].pages >> 8);
}

static void give_all(struct process_builder *builder,
	const struct startup_cap *system, const struct startup_cap *archive)
{
	u32 slot = process_give(builder, handle_of(system->handle), 0, 0);

	process_name(builder, "system", STARTUP_SYSTEM, slot, 0, 0, 0);
	slot = process_give(builder, handle_of(archive->handle), 0, 0);
	process_name(builder, "archive", STARTUP_MEMORY, slot, 0, archive->a, 0);
	for (u32 i = 0; i < ARRAY_COUNT(domains); i++) {
		struct domain *d = &domains[i];
		slot = process_give(builder, handle_of(d->pool), 0, 0);
		process_name(builder, d->name, STARTUP_POOL, slot, 0, d->pages,
			0);
		slot = process_give(builder, handle_of(d->sched), 0, 0);
		process_name(builder, d->sched_name, STARTUP_OTHER, slot, 0, 0,
			0);
	}
	process_fixed(builder, SLOT_TIME, handle_of(SLOT_TIME), 0, 0);
	process_map(builder, handle_of(SLOT_TIME), PROCESS_TIME, PAGE_BYTES,
		MAP_READ);
}

// Returns the endpoint for the vault's faults.
static u32 start_vault(const struct startup_cap *system,
	const struct startup_cap *archive)
{
	struct archive files = {.size = archive->a};
	struct handle sovereign = handle_of(domains[0].pool);
	struct process_builder builder;
	struct elf_image image;
	const char *why = "no kochab/bin/vault in the boot archive";
	const u8 *file;
	u64 bytes;
	void *mapped;

	need(memory_map(handle_of(archive->handle), 0, archive->a, MAP_READ,
		&mapped), "boot archive");
	files.bytes = mapped;
	enum status status = ERR_NOENT;
	if (archive_find(&files, "kochab/bin/vault", &file, &bytes))
		status = elf_parse(file, bytes, PROCESS_IMAGE,
			PROCESS_IMAGE_END, &image, &why);
	need(status, why);
	u32 fault = create(SELF_POOL, OBJECT_ENDPOINT, 0, 0, "endpoint");
	u32 notification = create(sovereign, OBJECT_NOTIFICATION, 0, 0,
		"notification");
	u32 pool = create(sovereign, OBJECT_POOL, VAULT_PAGES, 0, "vault");
	struct process_plan plan = {
		.name = "vault",
		.pool = handle_of(pool),
		.aspace_kind = ASPACE_PLAIN,
		.slots_log2 = 7,
		.stack_bytes = 32768,
		.heap_bytes = 1 << 20,
	};
	process_begin(&builder, &plan);
	process_image(&builder, &image);
	process_fixed(&builder, SLOT_NOTIFICATION, handle_of(notification), 0, 0);
	process_fixed(&builder, SLOT_SCHED, handle_of(domains[0].sched), 0, 0);
	give_all(&builder, system, archive);
	if (builder.page)
		builder.page->time_page = PROCESS_TIME;
	status = process_start(&builder, &(struct process_thread){
		.sched = handle_of(domains[0].sched),
		.priority = VAULT_PRIORITY,
		.layer = 1,
		.fault = handle_of(fault),
		.notification = handle_of(notification),
	});
	need(status, builder.step);
	process_end(&builder);
	memory_unmap(mapped, archive->a);
	return fault;
}

int component_main(const struct startup *page)
{
	const struct startup_cap *system, *archive;
	struct message message = {};

	(void)page;
	system = startup_need("system", STARTUP_SYSTEM);
	archive = startup_need("archive", STARTUP_MEMORY);
	carve();
	struct handle fault = handle_of(start_vault(system, archive));
	// Everything given away is only needed by the one last duty.
	for (;;) {
		enum status status = ipc_recv(fault, &message, 0);
		if (status == ERR_INTERRUPTED)
			(void)!sys_poll(handle_of(SLOT_NOTIFICATION), ~0ull,
				nullptr);
		else if (status == STATUS_OK)
			log_print("the vault died: fault %lu at %lx, pc %lx",
				message.word[0], message.word[1],
				message.word[2]);
		if (status != ERR_INTERRUPTED)
			die("vault", status == STATUS_OK ? ERR_PEER_GONE :
				status);
	}
}
