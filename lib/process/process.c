// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See lib/process/process.h. All objects are made from the new process's pool, so that
// a failed or dead process is undone by destroying that.
#include "lib/process/process.h"

#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"

#define PAGE_OBJECT_BYTES (2 * PAGE_BYTES)
#define START_TRIES 100000

static bool good(struct process_builder *builder, const char *step,
	enum status status)
{
	if (builder->status == STATUS_OK && status != STATUS_OK) {
		builder->status = status;
		builder->step = step;
	}
	return builder->status == STATUS_OK;
}

static void create(struct process_builder *builder, const char *step, u32 type,
	u64 a, u64 b, u32 *slot)
{
	if (builder->status != STATUS_OK)
		return;
	*slot = slot_alloc();
	if (!good(builder, step, sys_object_create(builder->plan.pool, type, a,
			b, handle_of(0), SELF_CNODE, *slot))) {
		slot_free(*slot);
		*slot = 0;
	}
}

// Fresh memory at an address of the new process, filled by touching it.
static void map_new(struct process_builder *builder, const char *step,
	u64 address, u64 bytes, u32 flags)
{
	u32 slot = 0;

	if (bytes == 0)
		return;
	create(builder, step, OBJECT_MEMORY, bytes, MEMORY_ANON, &slot);
	if (builder->status == STATUS_OK)
		process_map(builder, handle_of(slot), address, bytes, flags);
	if (slot)
		slot_free(slot);
}

static void fill_page(struct process_builder *builder)
{
	const struct process_plan *plan = &builder->plan;
	struct startup *page = builder->page;

	*page = (struct startup){
		.magic = STARTUP_MAGIC,
		.version = 1,
		.generation = 1,
		.heap_start = plan->heap_bytes ? plan->base + PROCESS_HEAP : 0,
		.heap_bytes = plan->heap_bytes,
		.map_start = plan->base + PROCESS_MAP,
		.map_end = USER_END,
		.user_end = USER_END,
	};
	strlcpy(page->component, plan->name, sizeof(page->component));
	strlcpy(page->command_line, startup->command_line,
		sizeof(page->command_line));
}

void process_begin(struct process_builder *builder,
	const struct process_plan *plan)
{
	void *page = nullptr;

	*builder = (struct process_builder){
		.plan = *plan,
		.next = SLOT_FIRST_FREE,
		.step = "start",
	};
	builder->plan.stack_bytes = align_up(plan->stack_bytes, PAGE_BYTES);
	builder->plan.heap_bytes = align_up(plan->heap_bytes, PAGE_BYTES);
	if (builder->plan.stack_bytes >
			PROCESS_STACK_TOP - PROCESS_STACK_BOTTOM ||
		builder->plan.heap_bytes > PROCESS_HEAP_MAX)
		good(builder, "stack or heap too large", ERR_RANGE);
	create(builder, "address space", OBJECT_ASPACE, plan->aspace_kind, 0,
		&builder->aspace);
	create(builder, "capability space", OBJECT_CNODE, plan->slots_log2, 0,
		&builder->cnode);
	create(builder, "thread", OBJECT_THREAD, 0, 0, &builder->thread);
	create(builder, "startup page", OBJECT_MEMORY, PAGE_OBJECT_BYTES,
		MEMORY_ANON, &builder->page_slot);
	if (builder->status != STATUS_OK)
		return;
	if (!good(builder, "startup page", memory_map(
			handle_of(builder->page_slot), 0, PAGE_OBJECT_BYTES,
			MAP_READ | MAP_WRITE, &page)))
		return;
	builder->page = page;
	fill_page(builder);
	map_new(builder, "stack",
		PROCESS_STACK_TOP - builder->plan.stack_bytes,
		builder->plan.stack_bytes, MAP_READ | MAP_WRITE);
	map_new(builder, "heap", PROCESS_HEAP, builder->plan.heap_bytes,
		MAP_READ | MAP_WRITE);
	process_fixed(builder, SLOT_CNODE, handle_of(builder->cnode), 0, 0);
	process_fixed(builder, SLOT_ASPACE, handle_of(builder->aspace), 0, 0);
	process_fixed(builder, SLOT_THREAD, handle_of(builder->thread), 0, 0);
	process_fixed(builder, SLOT_POOL, plan->pool, 0, 0);
	process_name(builder, "slots", STARTUP_NUMBER, 0, 0,
		1ull << plan->slots_log2, 0);
}

void process_image(struct process_builder *builder,
	const struct elf_image *image)
{
	if (builder->status != STATUS_OK)
		return;
	builder->entry = image->entry;
	good(builder, "program", elf_load(image, builder->plan.pool,
			handle_of(builder->aspace)));
}

void process_fixed(struct process_builder *builder, u32 slot,
	struct handle source, u32 rights, u64 badge)
{
	struct handle cnode = handle_of(builder->cnode);

	if (builder->status != STATUS_OK)
		return;
	good(builder, "capability", rights || badge ?
		sys_cap_mint(cnode, slot, source, rights ? rights : 0xff, badge) :
		sys_cap_copy(cnode, slot, source));
}

u32 process_give(struct process_builder *builder, struct handle source,
	u32 rights, u64 badge)
{
	u32 slot = builder->next++;

	if (slot >= 1u << builder->plan.slots_log2)
		good(builder, "capability space too small", ERR_RANGE);
	process_fixed(builder, slot, source, rights, badge);
	return slot;
}

void process_name(struct process_builder *builder, const char *name,
	enum startup_kind kind, u32 slot, u32 peer, u64 a, u64 b)
{
	struct startup *page = builder->page;

	if (builder->status != STATUS_OK)
		return;
	if (page->ncaps == STARTUP_CAPS) {
		good(builder, "too many names in the startup page", ERR_RANGE);
		return;
	}
	struct startup_cap *cap = &page->cap[page->ncaps++];
	*cap = (struct startup_cap){
		.kind = kind, .handle = slot, .peer = peer, .a = a, .b = b,
	};
	strlcpy(cap->name, name, sizeof(cap->name));
}

void process_map(struct process_builder *builder, struct handle memory,
	u64 address, u64 bytes, u32 flags)
{
	if (builder->status != STATUS_OK)
		return;
	good(builder, "mapping", sys_aspace_map(handle_of(builder->aspace),
		memory, 0, builder->plan.base + address,
		align_up(bytes, PAGE_BYTES), flags));
}

static void configure(struct process_builder *builder,
	const struct process_thread *thread)
{
	struct handle self = handle_of(builder->thread);

	if (!good(builder, "thread", sys_thread_configure(self,
			handle_of(builder->aspace), handle_of(builder->cnode),
			thread->fault, thread->layer, 0)))
		return;
	if (thread->notification.value && !good(builder, "notification",
			sys_thread_bind(self, thread->notification)))
		return;
	good(builder, "schedule", sys_thread_schedule(self, thread->sched,
		thread->priority, 100, 0));
}

// A request of thread_schedule may still be on its way to the thread's CPU: until
// it has arrived the thread cannot be started.
static enum status start_thread(struct handle thread, u64 pc, u64 sp,
	u64 argument)
{
	enum status status = ERR_STATE;

	for (u32 i = 0; i < START_TRIES && status == ERR_STATE; i++) {
		if (i)
			(void)!sys_yield();
		status = sys_thread_start(thread, pc, sp, argument, 0);
	}
	return status;
}

enum status process_start(struct process_builder *builder,
	const struct process_thread *thread)
{
	struct handle self = handle_of(builder->thread);
	u64 base = builder->plan.base;

	process_name(builder, "layer", STARTUP_NUMBER, 0, 0, thread->layer, 0);
	process_name(builder, "priority", STARTUP_NUMBER, 0, 0,
		thread->priority, 0);
	if (builder->status == STATUS_OK)
		process_map(builder, handle_of(builder->page_slot),
			PROCESS_STARTUP, PAGE_OBJECT_BYTES, MAP_READ);
	if (builder->status == STATUS_OK)
		configure(builder, thread);
	if (builder->status == STATUS_OK && thread->keep_cnode.value)
		good(builder, "thread", sys_cap_copy(thread->keep_cnode,
			thread->keep_index, self));
	if (builder->status == STATUS_OK)
		good(builder, "start", start_thread(self, builder->entry,
			base + PROCESS_STACK_TOP, base + PROCESS_STARTUP));
	return builder->status;
}

void process_end(struct process_builder *builder)
{
	if (builder->page)
		memory_unmap(builder->page, PAGE_OBJECT_BYTES);
	if (builder->page_slot)
		slot_free(builder->page_slot);
	if (builder->thread)
		slot_free(builder->thread);
	if (builder->cnode)
		slot_free(builder->cnode);
	if (builder->aspace)
		slot_free(builder->aspace);
}
