// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Builds an instance of a component: a pool of its own, a process in it, and
// exactly the capabilities its manifest lists. Interrupts, ports and device memory
// are made from the instance's pool, so that they are gone with it; endpoints,
// notifications, channels, stash and kept pools are lent.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/driver/channel.h"
#include "lib/process/process.h"
#include "lib/sys/component.h"
#include "services/engine/engine.h"

// A container's image begins shortly behind its guests' part, which differs from
// machine to machine; all else of it a GiB further on.
#define CONTAINER_IMAGE (GUEST_END + 0x100000)
#define CONTAINER_BASE (GUEST_END + 0x40000000ull)
#define ECAM_BUS_BYTES (1ull << 20)
#define DEVICE_TRIES 100 // a dead instance's interrupt may still be going away

#define PROGRAMS 32 // remembered

// Where in the archive a program is. The archive does not change.
static bool find_program(const char *binary, const u8 **file, u64 *bytes)
{
	static struct {
		char binary[NAME_BYTES];
		const u8 *file;
		u64 bytes;
	} known[PROGRAMS];
	static u32 nknown;
	char path[64];

	for (u32 i = 0; i < nknown; i++)
		if (string_equal(known[i].binary, binary)) {
			*file = known[i].file;
			*bytes = known[i].bytes;
			return true;
		}
	format_text(path, sizeof(path), "kochab/bin/%s", binary);
	if (!archive_find(&engine.archive, path, file, bytes))
		return false;
	if (nknown < PROGRAMS) {
		strlcpy(known[nknown].binary, binary, NAME_BYTES);
		known[nknown].file = *file;
		known[nknown++].bytes = *bytes;
	}
	return true;
}

// The program's ELF file, checked and loaded.
void build_program(struct process_builder *builder, const char *binary,
	u64 base, const char **why)
{
	struct elf_image image;
	const u8 *file;
	u64 bytes;

	if (builder->status != STATUS_OK)
		return;
	if (!find_program(binary, &file, &bytes)) {
		builder->status = ERR_NOENT;
		builder->step = "program (not in the boot archive)";
		return;
	}
	u64 lowest = base ? CONTAINER_IMAGE : PROCESS_IMAGE;
	u64 highest = base ? CONTAINER_BASE : PROCESS_IMAGE_END;
	builder->status = elf_parse(file, bytes, lowest, highest, &image, why);
	if (builder->status != STATUS_OK)
		builder->step = *why;
	process_image(builder, &image);
}

static void give(struct process_builder *b, const char *name,
	enum startup_kind kind, struct handle source, u32 rights, u64 badge,
	u64 a, u64 value)
{
	u32 slot = process_give(b, source, rights, badge);

	process_name(b, name, kind, slot, 0, a, value);
}

static void give_uses(struct process_builder *b, struct component *component)
{
	const struct plan *plan = component->plan;
	u64 self = component_index(component) + 1;

	for (u32 i = 0; i < plan->nuses; i++) {
		const struct use *use = &plan->use[i];
		u32 rights = RIGHT_CALL | RIGHT_GRANT |
			(use->derive ? RIGHT_DERIVE : 0);
		bool is_engine = use->server == USE_ENGINE;
		u64 badge = is_engine ? self | (use->admin ? BADGE_ADMIN : 0) :
			use->derive ? 0 : use->badge ? use->badge : self;
		struct handle endpoint = is_engine ? engine.endpoint :
			kept(&engine.component[use->server], KEPT_ENDPOINT);
		give(b, use->name, STARTUP_ENDPOINT_CLIENT, endpoint, rights,
			badge, 0, 0);
	}
}

// One side of a channel: the memory, and the right to signal the other side.
static void give_channel(struct process_builder *b, u32 number, bool client)
{
	const struct channel_plan *channel = &engine.manifest.channel[number];
	u32 other = client ? channel->server : channel->client;
	u32 other_bit = client ? channel->server_bit : channel->client_bit;
	u32 own_bit = client ? channel->client_bit : channel->server_bit;
	u32 memory = process_give(b, kept_handle(KEPT_CHANNELS + number),
		RIGHT_READ | RIGHT_WRITE | RIGHT_DERIVE, 0);
	u32 peer = process_give(b,
		kept(&engine.component[other], KEPT_NOTIFICATION), RIGHT_SIGNAL,
		1ull << other_bit);

	process_name(b, client ? channel->client_name : channel->server_name,
		STARTUP_CHANNEL, memory, peer,
		CHANNEL_TABLE_BYTES + channel->data_bytes, 1ull << own_bit);
}

static void give_channels(struct process_builder *b, u32 index)
{
	for (u32 i = 0; i < engine.manifest.nchannels; i++) {
		if (engine.manifest.channel[i].client == index)
			give_channel(b, i, true);
		if (engine.manifest.channel[i].server == index)
			give_channel(b, i, false);
	}
}

// Make a hardware object from the instance's pool and give it away.
static void give_device(struct process_builder *b, const struct extra *extra,
	enum startup_kind kind, u32 type, u64 a, u64 value, u64 shown_a,
	u64 shown_b)
{
	u32 slot = slot_alloc();
	enum status status = b->status;

	for (u32 i = 0; i < DEVICE_TRIES && b->status == STATUS_OK; i++) {
		status = sys_device_create(engine.system, type, a, value,
			b->plan.pool, SELF_CNODE, slot);
		if (status != ERR_OCCUPIED)
			break;
		(void)!sys_yield();
	}
	if (status != STATUS_OK && b->status == STATUS_OK) {
		b->status = status;
		b->step = extra->name;
	}
	if (b->status == STATUS_OK)
		give(b, extra->name, kind, handle_of(slot), 0, 0, shown_a,
			shown_b);
	slot_free(slot);
}

static void give_irq(struct process_builder *b, const struct extra *extra)
{
	u64 gsi = extra->a, flags = 0;

	if (extra->b == EXTRA_IRQ_ISA && sys_system_info(engine.system,
			SYSTEM_INFO_ISA_IRQ, extra->a, &gsi, &flags, nullptr,
			nullptr) != STATUS_OK)
		gsi = extra->a;
	give_device(b, extra, STARTUP_IRQ, OBJECT_IRQ, gsi, flags, gsi, 0);
}

// A machine without it: the component finds no such name and copes.
static void give_ecam(struct process_builder *b, const struct extra *extra)
{
	u64 physical, first, last;
	char name[STARTUP_NAME];

	if (sys_system_info(engine.system, SYSTEM_INFO_ECAM, 0, &physical,
			&first, &last, nullptr) != STATUS_OK || !physical)
		return;
	u64 bytes = (last - first + 1) * ECAM_BUS_BYTES;
	give_device(b, extra, STARTUP_MEMORY, OBJECT_MEMORY, physical, bytes,
		bytes, 0);
	format_text(name, sizeof(name), "%s-buses", extra->name);
	process_name(b, name, STARTUP_NUMBER, 0, 0, first, last);
}

// The console's port: NAME, NAME-irq and NAME-kind.
static void give_serial(struct process_builder *b, const struct extra *extra)
{
	u64 address, kind, line, flags;
	struct extra irq = *extra;
	char name[STARTUP_NAME];

	if (sys_system_info(engine.system, SYSTEM_INFO_SERIAL, 0, &address,
			&kind, &line, &flags) != STATUS_OK || !(kind & 0xff))
		return;
	u64 start = align_down(address, PAGE_BYTES);
	u64 bytes = align_up(address - start + (kind >> 16), PAGE_BYTES);
	if ((kind & 0xff) == SERIAL_16550_PORTS)
		give_device(b, extra, STARTUP_IOPORT, OBJECT_IOPORT, address,
			kind >> 16, address, kind >> 16);
	else
		give_device(b, extra, STARTUP_MEMORY, OBJECT_MEMORY, start,
			bytes, bytes, 0);
	format_text(name, sizeof(name), "%s-kind", extra->name);
	process_name(b, name, STARTUP_NUMBER, 0, 0, kind & 0xff,
		(kind >> 8 & 0xff) | (address - start) << 8);
	format_text(irq.name, sizeof(irq.name), "%.16s-irq", extra->name);
	give_device(b, &irq, STARTUP_IRQ, OBJECT_IRQ, line, flags, line, 0);
}

// The firmware's picture: NAME its memory, NAME-size and NAME-place, if there is one.
static void give_framebuffer(struct process_builder *b,
	const struct extra *extra)
{
	const struct framebuffer *picture = &engine.framebuffer;
	u64 start = align_down(picture->address, PAGE_BYTES);
	u64 place = picture->address - start;
	u64 bytes = align_up(place + (u64)picture->pitch * picture->height,
		PAGE_BYTES);
	char name[STARTUP_NAME];

	if (picture->width == 0)
		return;
	give_device(b, extra, STARTUP_MEMORY, OBJECT_MEMORY, start, bytes, bytes,
		0);
	format_text(name, sizeof(name), "%.16s-size", extra->name);
	process_name(b, name, STARTUP_NUMBER, 0, 0, picture->width,
		picture->height);
	format_text(name, sizeof(name), "%.16s-place", extra->name);
	process_name(b, name, STARTUP_NUMBER, 0, 0, place,
		picture->pitch | (u64)picture->red_first << 32);
}

// The program: of two, the one for the device that is there.
const char *build_binary(const struct plan *plan)
{
	u64 kind = 0;

	if (plan->framebuffer[0] && engine.framebuffer.width != 0)
		return plan->framebuffer;

	if (plan->pl011[0] && sys_system_info(engine.system, SYSTEM_INFO_SERIAL,
			0, nullptr, &kind, nullptr, nullptr) == STATUS_OK &&
		(kind & 0xff) == SERIAL_PL011)
		return plan->pl011;
	return plan->binary;
}

static void give_extra(struct process_builder *b, struct component *component,
	u32 number)
{
	const struct extra *extra = &component->plan->extra[number];
	struct handle object = kept(component, KEPT_EXTRA + number);

	switch (extra->kind) {
	case EXTRA_SYSTEM:
		give(b, extra->name, STARTUP_SYSTEM, engine.system,
			(u32)extra->a, 0, 0, 0);
		break;
	case EXTRA_ARCHIVE:
		give(b, extra->name, STARTUP_MEMORY,
			handle_of(engine.archive_cap->handle), RIGHT_READ |
			RIGHT_DERIVE, 0, engine.archive_cap->a, 0);
		break;
	case EXTRA_CNODE:
		give(b, extra->name, STARTUP_CNODE, object, 0, 0,
			1ull << extra->a, 0);
		break;
	case EXTRA_POOL:
		give(b, extra->name, STARTUP_POOL, object, 0, 0,
			size_pages(extra->size,
				engine.rest_pages[component->plan->domain]), 0);
		break;
	case EXTRA_NUMBER:
		process_name(b, extra->name, STARTUP_NUMBER, 0, 0, extra->a,
			extra->b);
		break;
	case EXTRA_IOPORT:
		give_device(b, extra, STARTUP_IOPORT, OBJECT_IOPORT, extra->a,
			extra->b, extra->a, extra->b);
		break;
	case EXTRA_IRQ:
		give_irq(b, extra);
		break;
	case EXTRA_ECAM:
		give_ecam(b, extra);
		break;
	case EXTRA_SERIAL:
		give_serial(b, extra);
		break;
	case EXTRA_FRAMEBUFFER:
		give_framebuffer(b, extra);
		break;
	}
}

static void give_names(struct process_builder *b)
{
	for (u32 i = 0; i < component_count(); i++)
		process_name(b, engine.manifest.component[i].name,
			STARTUP_NUMBER, 0, 0, i + 1, 1);
}

static void give_all(struct process_builder *b, struct component *component)
{
	const struct plan *plan = component->plan;
	u32 index = component_index(component);

	process_fixed(b, SLOT_PARENT, engine.endpoint, RIGHT_CALL | RIGHT_GRANT,
		index + 1);
	process_fixed(b, SLOT_NOTIFICATION,
		kept(component, KEPT_NOTIFICATION), 0, 0);
	process_fixed(b, SLOT_TIME, handle_of(SLOT_TIME), 0, 0);
	process_fixed(b, SLOT_SCHED, engine.sched[plan->domain], 0, 0);
	if (plan->serve[0])
		give(b, plan->serve, STARTUP_ENDPOINT_SERVER,
			kept(component, KEPT_ENDPOINT), RIGHT_RECV, 0, 0, 0);
	give_uses(b, component);
	give_channels(b, index);
	for (u32 i = 0; i < plan->nextras; i++)
		give_extra(b, component, i);
	if (plan->names)
		give_names(b);
}

static void describe(struct process_builder *b, struct component *component)
{
	const struct plan *plan = component->plan;
	struct startup *page = b->page;

	if (b->status != STATUS_OK)
		return;
	process_map(b, handle_of(SLOT_TIME), PROCESS_TIME, PAGE_BYTES, MAP_READ);
	process_map(b, kept(component, KEPT_HEALTH), PROCESS_HEALTH, PAGE_BYTES,
		MAP_READ | MAP_WRITE);
	if (plan->stash_bytes)
		process_map(b, kept(component, KEPT_STASH), PROCESS_STASH,
			plan->stash_bytes, MAP_READ | MAP_WRITE);
	page->generation = component->record.generation;
	page->domain = plan->domain;
	page->time_page = b->plan.base + PROCESS_TIME;
	page->health = b->plan.base + PROCESS_HEALTH;
	page->stash = plan->stash_bytes ? b->plan.base + PROCESS_STASH : 0;
	page->stash_bytes = plan->stash_bytes;
	strlcpy(page->arguments, plan->arguments, sizeof(page->arguments));
}

enum status build_instance(struct component *component, const char **what)
{
	const struct plan *plan = component->plan;
	u32 pool = kept_index(component, KEPT_POOL);
	struct process_builder builder;
	const char *why = nullptr;

	*what = "pool";
	enum status status = sys_object_create(engine.domain[plan->domain],
		OBJECT_POOL, size_pages(plan->memory,
			engine.rest_pages[plan->domain]), 0, handle_of(0),
		engine.keep, pool);
	if (status != STATUS_OK)
		return status;
	u64 base = plan->container ? CONTAINER_BASE : 0;
	process_begin(&builder, &(struct process_plan){
		.name = plan->name,
		.pool = kept_handle(pool),
		.base = base,
		.aspace_kind = plan->container ? ASPACE_CONTAINER : ASPACE_PLAIN,
		.slots_log2 = plan->slots_log2,
		.stack_bytes = plan->stack_bytes,
		.heap_bytes = plan->heap_bytes,
	});
	build_program(&builder, build_binary(plan), base, &why);
	give_all(&builder, component);
	describe(&builder, component);
	u32 fault = slot_alloc();
	if (builder.status == STATUS_OK)
		builder.status = sys_cap_mint(SELF_CNODE, fault, engine.endpoint,
			RIGHT_CALL, component_index(component) + 1);
	status = process_start(&builder, &(struct process_thread){
		.sched = engine.sched[plan->domain],
		.priority = plan->priority,
		.layer = plan->layer,
		.fault = handle_of(fault),
		.notification = kept(component, KEPT_NOTIFICATION),
		.keep_cnode = engine.keep,
		.keep_index = kept_index(component, KEPT_THREAD),
	});
	*what = builder.step;
	slot_free(fault);
	process_end(&builder);
	return status;
}
