// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
#include "tests/fake_arch/own.h"
#include "tests/unit/memory/vm.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/mm/pagetable.h"
#include "kernel/object/cap.h"
#include "kernel/object/cnode.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/guest.h"
#include "kernel/object/irq.h"
#include "kernel/object/mapping.h"
#include "kernel/object/memory_radix.h"
#include "kernel/object/slot.h"
#include "kernel/object/timer.h"
#include "kernel/panic.h"
#include "lib/base/string.h"

#define CACHE 64

struct cpu *cpus[CPU_MAX];
u32 cpu_count;
u64 cpus_online;
struct thread *vm_self, *vm_thread[VM_THREADS];
struct pool *vm_pool;
u64 vm_fail_at, vm_signals, vm_restarts;
bool vm_fail_on;
void (*vm_during_flush)(void);

static struct pool *first;
static u64 frames_before, used_before;
static struct cached {
	u64 page;
	struct paddr frame;
	bool valid, writable;
} cache[4][CACHE];

// ---- the parts of the kernel that are not here

enum status __real_frame_alloc(u32 order, struct paddr *out);
enum status __wrap_frame_alloc(u32 order, struct paddr *out);
enum status __wrap_frame_alloc(u32 order, struct paddr *out)
{
	if (vm_fail_at && --vm_fail_at == 0) {
		vm_fail_at = vm_fail_on;
		return ERR_MEMORY;
	}
	return __real_frame_alloc(order, out);
}

void fake_relax(void)
{
	panic("spinning on a machine that runs one CPU at a time");
}

void fake_place(void)
{
}

void arch_root_init(struct paddr root)
{
	(void)root; // no kernel half
}

void cpu_quiesce_all(void)
{
	lock_check_none();
}

void cpu_serve(void)
{
}

static bool shows(const struct aspace *shown, const struct aspace *aspace)
{
	return shown == aspace ||
		(shown && shown->kind == ASPACE_FOREIGN &&
		 word_object(shown->container_slot.word) == &aspace->object);
}

u64 cpus_showing(struct aspace *aspace)
{
	u64 mask = 0;

	for (u32 i = 0; i < cpu_count; i++)
		if (shows(cpus[i]->published, aspace))
			mask |= 1ull << i;
	return mask;
}

void tlb_flush_add(struct tlb_flush *flush, struct aspace *aspace)
{
	flush->cpus |= cpus_showing(aspace);
}

u64 tlb_unflushed(void)
{
	return 0; // calls do not overlap here
}

void tlb_flush_finish_all(struct tlb_flush *flush)
{
	tlb_flush_finish(flush);
}

void tlb_flush_finish(struct tlb_flush *flush)
{
	void (*others)(void) = vm_during_flush;
	u32 self = fake_cpu_number;

	lock_check_none();
	if (others && flush->cpus) {
		vm_during_flush = nullptr;
		others();
		fake_cpu_number = self;
	}
	for (u32 i = 0; i < cpu_count; i++)
		if (flush->cpus >> i & 1)
			memset(cache[i], 0, sizeof cache[i]);
	flush->cpus = 0;
}

enum status notification_create(struct pool *pool, struct notification **out)
{
	return pool_object_alloc(pool, OBJECT_NOTIFICATION,
				 sizeof(struct notification),
				 (struct object **)out);
}

void notification_signal_slot(struct slot *slot, u64 bits)
{
	struct object *object = slot_lock_object(slot);

	if (!object)
		return;
	((struct notification *)object)->bits |= bits;
	vm_signals++;
	lock_drop(&object->lock);
}

enum status thread_create(struct pool *pool, struct thread **out)
{
	struct object *object;
	enum status status = pool_object_alloc(pool, OBJECT_THREAD,
					       sizeof(struct thread), &object);

	if (status == STATUS_OK)
		*out = object_thread(object);
	return status;
}

void thread_block(struct thread *thread, u32 state, u64 deadline_ns)
{
	CHECK(deadline_ns > fake_counter);
	thread->state = state;
}

void thread_wake(struct thread *thread)
{
	CHECK(thread->state == THREAD_PAGING && !thread->wait_on);
	thread->state = THREAD_READY;
}

#define NOTHING(NAME, name)                                                    \
	bool name##_destroy_step(struct name *)                                \
	{                                                                      \
		return true;                                                   \
	}
NOTHING(ENDPOINT, endpoint)
NOTHING(NOTIFICATION, notification)
NOTHING(THREAD, thread)
NOTHING(IRQ, irq)
NOTHING(GUEST, guest)
NOTHING(TIMER, timer)
void thread_slot_lost(struct thread *, struct slot *)
{
}
void thread_reply_lost_locked(struct thread *)
{
}
void irq_notification_lost(struct irq *)
{
}

void guest_lost(struct guest *)
{
}

// ---- the machine

void vm_leave(void)
{
	lock_check_none();
	aspace_flush_lost();
	for (u32 i = 0; !reaper_step(); i++)
		CHECK(i < 10000);
	vm_check();
}

static void use(u32 slot, struct object *object)
{
	CHECK(cnode_install(vm_self->cspace, slot, object, RIGHTS_ALL, 0) ==
	      STATUS_OK);
}

void vm_start(u64 npages, u32 ncpus, u64 pool_pages)
{
	struct cnode *root;

	fake_machine(npages, ncpus);
	memset(cache, 0, sizeof cache);
	vm_fail_at = 0;
	first = pool_create_first(frames_free());
	CHECK(thread_create(first, &vm_self) == STATUS_OK);
	for (u32 i = 0; i < VM_THREADS; i++)
		CHECK(thread_create(first, &vm_thread[i]) == STATUS_OK);
	CHECK(cnode_create(first, 7, &root) == STATUS_OK);
	vm_self->cspace = root;
	use(VM_ROOT, &root->object);
	use(3, &first->object);
	fake_settle();
	frames_before = frames_free();
	used_before = first->used_pages;
	CHECK(pool_create(first, pool_pages, &vm_pool) == STATUS_OK);
	use(VM_POOL, &vm_pool->object);
}

bool vm_stop(void)
{
	vm_fail_at = 0;
	for (u32 i = 0; i < cpu_count; i++)
		vm_show(i, nullptr);
	object_condemn(&vm_pool->object);
	do
		fake_settle();
	while (pool_reclaim(first));
	pool_check(first);
	// One frame may be in use as the zero page of dead mappings.
	return frames_before - frames_free() <= 1 &&
		used_before == first->used_pages;
}

// ---- capabilities

static bool find(u32 slot, struct cap_ref *cap)
{
	return cap_lookup(vm_self, slot, OBJECT_ANY, 0, cap) == STATUS_OK;
}

struct object *vm_object(u32 slot)
{
	struct cap_ref cap;

	return find(slot, &cap) ? cap_object(&cap) : nullptr;
}

static struct cap_ref must(u32 slot)
{
	struct cap_ref cap;

	CHECK(find(slot, &cap));
	return cap;
}

// As far as user space can tell, one call.
#define CALL(expression)                                                       \
	({                                                                     \
		enum status status_;                                           \
		u32 tries_ = 0;                                                \
		do {                                                           \
			status_ = (expression);                                \
			vm_leave();                                            \
			vm_restarts += status_ == STATUS_RESTART;              \
			CHECK(++tries_ < 10000);                               \
		} while (status_ == STATUS_RESTART);                           \
		status_;                                                       \
	})

enum status vm_delete(u32 slot)
{
	struct cap_ref root = must(VM_ROOT);

	return CALL(sysk_cap_delete(vm_self, &root, slot));
}

enum status vm_revoke(u32 slot)
{
	struct cap_ref root = must(VM_ROOT);

	return CALL(sysk_cap_revoke(vm_self, &root, slot));
}

enum status vm_mint(u32 slot, u32 source, u32 rights, u64 badge)
{
	struct cap_ref root = must(VM_ROOT);

	return CALL(sysk_cap_mint(vm_self, &root, slot, (struct handle){source},
				  rights, badge));
}

// ---- making objects

static enum status install(enum status status, struct object *object, u32 slot)
{
	struct cap_ref root = must(VM_ROOT);

	if ((status == ERR_QUOTA || status == ERR_MEMORY) &&
	    pool_reclaim(vm_pool))
		return STATUS_RESTART;
	if (status != STATUS_OK)
		return status;
	status = cap_install(&root, slot, object, RIGHTS_ALL, 0);
	if (status != STATUS_OK)
		object_condemn(object);
	return status;
}

static enum status memory_once(u32 slot, u64 npages, u32 flags)
{
	struct memory *made = nullptr;
	enum status status =
		memory_create(vm_pool, npages * PAGE_BYTES, flags, &made);

	return install(status, (struct object *)made, slot);
}

enum status vm_memory(u32 slot, u64 npages, u32 flags)
{
	return CALL(memory_once(slot, npages, flags));
}

static enum status aspace_once(u32 slot, u32 kind, u32 container)
{
	struct aspace *aspace = nullptr;
	struct cap_ref cap;

	if (container)
		cap = must(container);
	enum status status = aspace_create(
		vm_pool, kind, container ? &cap : nullptr, &aspace);
	return install(status, (struct object *)aspace, slot);
}

enum status vm_aspace(u32 slot, u32 kind, u32 container)
{
	return CALL(aspace_once(slot, kind, container));
}

static enum status dma_once(u32 slot)
{
	struct dma *made = nullptr;
	enum status status = dma_create(vm_pool, &made);

	return install(status, (struct object *)made, slot);
}

enum status vm_dma(u32 slot)
{
	return CALL(dma_once(slot));
}

static enum status notification_once(u32 slot)
{
	struct notification *made = nullptr;
	enum status status = notification_create(vm_pool, &made);

	return install(status, (struct object *)made, slot);
}

enum status vm_notification(u32 slot)
{
	return CALL(notification_once(slot));
}

// ---- system calls

enum status vm_map(u32 aspace, u32 memory, u64 offset, u64 address, u64 length,
		   u32 flags)
{
	struct cap_ref a = must(aspace), m = must(memory);

	return CALL(sysk_aspace_map(vm_self, &a, &m, offset, address, length,
				    flags));
}

enum status vm_unmap(u32 aspace, u64 address, u64 length)
{
	struct cap_ref a = must(aspace);

	return CALL(sysk_aspace_unmap(vm_self, &a, address, length));
}

enum status vm_protect(u32 aspace, u64 address, u64 length, u32 flags)
{
	struct cap_ref a = must(aspace);

	return CALL(sysk_aspace_protect(vm_self, &a, address, length, flags));
}

static void arguments(u32 cap, u64 a, u64 b)
{
	vm_self->regs.cap = cap;
	vm_self->regs.word[0] = a;
	vm_self->regs.word[1] = b;
}

enum status vm_clone_step(u32 memory, u32 slot)
{
	struct cap_ref m = must(memory), p = must(VM_POOL), c = must(VM_ROOT);
	enum status status;

	arguments(memory, VM_POOL, VM_ROOT);
	status = sysk_memory_clone(vm_self, &m, &p, &c, slot);
	vm_leave();
	return status;
}

enum status vm_clone(u32 memory, u32 slot)
{
	return CALL(vm_clone_step(memory, slot));
}

enum status vm_decommit(u32 memory, u64 offset, u64 length)
{
	struct cap_ref m = must(memory);

	return CALL(sysk_memory_decommit(vm_self, &m, offset, length));
}

enum status vm_supply(u32 memory, u64 offset, u64 length, u32 source,
		      u64 source_offset)
{
	struct cap_ref m = must(memory);

	arguments(memory, 0, 0);
	return CALL(sysk_memory_supply(vm_self, &m, offset, length,
				       (struct handle){source}, source_offset));
}

enum status vm_request(u32 memory, u32 notification, u64 bits, u64 *offset)
{
	struct cap_ref m = must(memory);
	struct memory_request_result out = {};
	enum status status = CALL(sysk_memory_request(
		vm_self, &m, (struct handle){notification}, bits, &out));

	*offset = out.offset;
	return status;
}

enum status vm_clean(u32 memory, u64 offset, u64 *dirty)
{
	struct cap_ref m = must(memory);
	struct memory_clean_result out = {};
	enum status status = CALL(sysk_memory_clean(vm_self, &m, offset, &out));

	*dirty = out.dirty_offset;
	return status;
}

enum status vm_info(u32 memory, u64 *size, u64 *present)
{
	struct cap_ref m = must(memory);
	struct memory_info_result out = {};
	enum status status = CALL(sysk_memory_info(vm_self, &m, &out));

	*size = out.size_bytes;
	*present = out.present_pages;
	return status;
}

enum status vm_dma_map(u32 dma, u32 memory, u64 offset, u64 length, u64 *bus)
{
	struct cap_ref d = must(dma), m = must(memory);
	struct dma_map_result out = {};
	enum status status =
		CALL(sysk_dma_map(vm_self, &d, &m, offset, length, &out));

	*bus = out.bus_address;
	return status;
}

enum status vm_dma_unmap(u32 dma, u64 bus, u64 length)
{
	struct cap_ref d = must(dma);

	return CALL(sysk_dma_unmap(vm_self, &d, bus, length));
}

// ---- touching memory

void vm_show(u32 cpu, struct aspace *aspace)
{
	if (cpus[cpu]->published == aspace)
		return;
	cpus[cpu]->published = aspace;
	memset(cache[cpu], 0, sizeof cache[cpu]);
}

static u64 walk(const struct aspace *aspace, u64 address)
{
	u64 entry = aspace->root.value | 1;

	for (u32 level = PT_LEVELS; level-- > 0 && arch_pte_present(entry);) {
		u64 *table = arch_direct(arch_pte_frame(entry));

		entry = table[address >> (PAGE_BITS + 9 * level) & 511];
	}
	return entry;
}

// A foreign aspace's guest root shows what lies below GUEST_END and nothing else; its
// full root the container's tables besides.
static void check_guest_root(const struct aspace *aspace)
{
	u64 *guest = arch_direct(aspace->guest_root);
	u64 *full = arch_direct(aspace->root), *upper = nullptr;
	const struct aspace *container =
		aspace_for((struct aspace *)aspace, GUEST_END);

	if (container)
		upper = arch_direct(container->root);
	for (u32 i = 0; i < 512; i++)
		CHECK(guest[i] == (i < 248 ? full[i] : 0));
	for (u32 i = 248; i < 256; i++)
		CHECK(full[i] == (upper ? upper[i] : 0));
}

static enum fault_result touch(u32 cpu, u32 thread, u64 address, bool write,
			       u64 **out)
{
	struct aspace *aspace = cpus[cpu]->published;
	struct cached *c = &cache[cpu][address / PAGE_BYTES % CACHE];
	u64 page = address / PAGE_BYTES;

	fake_cpu_number = cpu;
	for (u32 i = 0; i < 8; i++) {
		if (c->valid && c->page == page && (!write || c->writable)) {
			*out = arch_direct((struct paddr){
				c->frame.value + address % PAGE_BYTES});
			return FAULT_DONE;
		}
		u64 entry = walk(aspace, address);
		if (arch_pte_present(entry) &&
		    (!write || arch_pte_writable(entry))) {
			*c = (struct cached){page, arch_pte_frame(entry), true,
					     arch_pte_writable(entry)};
			continue;
		}
		enum fault_result result = aspace_fault(
			aspace, vm_thread[thread], address,
			(write ? FAULT_CODE_WRITE : 0) |
				(arch_pte_present(entry) ? FAULT_CODE_PRESENT
							 : 0));
		vm_leave();
		if (aspace->guest_root.value)
			check_guest_root(aspace);
		if (result != FAULT_DONE)
			return result;
	}
	return FAULT_NOMEMORY; // a memory that is being cloned
}

enum fault_result vm_load(u32 cpu, u32 thread, u64 address, u64 *value)
{
	u64 *at;
	enum fault_result result = touch(cpu, thread, address, false, &at);

	if (result == FAULT_DONE)
		*value = *at;
	return result;
}

enum fault_result vm_store(u32 cpu, u32 thread, u64 address, u64 value)
{
	u64 *at;
	enum fault_result result = touch(cpu, thread, address, true, &at);

	if (result == FAULT_DONE)
		*at = value;
	return result;
}

// ---- checks

// A dead mapping's zero page may be shown longer than a scratch page is.
static bool is_zero(struct paddr frame)
{
	u64 *word = arch_direct(frame);

	for (u32 i = 0; i < 512; i++)
		if (word[i])
			return false;
	return true;
}

// A memory that is being cloned is flushed once, at the end.
static bool to_be_flushed(u32 cpu, u64 address)
{
	struct mapping *m = mapping_find(
		aspace_for(cpus[cpu]->published, address), address);

	return m->memory && m->memory->freeze_cpus >> cpu & 1;
}

void vm_check(void)
{
	for (u32 i = 0; i < cpu_count; i++)
		for (u32 j = 0; j < CACHE; j++) {
			struct cached *c = &cache[i][j];

			if (!c->valid)
				continue;
			u64 entry =
				walk(cpus[i]->published, c->page * PAGE_BYTES);
			// What may only be written shows nothing meanwhile.
			if (!arch_pte_present(entry)) {
				CHECK(to_be_flushed(i, c->page * PAGE_BYTES));
				continue;
			}
			CHECK(!c->writable || arch_pte_writable(entry) ||
			      to_be_flushed(i, c->page * PAGE_BYTES));
			CHECK(arch_pte_frame(entry).value == c->frame.value ||
			      (!c->writable && is_zero(c->frame)));
			CHECK(frame_of(c->frame)->state == FRAME_USED);
		}
}

static void check_shown(struct memory *memory, struct mapping *m)
{
	for (u64 at = m->start; at < m->start + m->length; at += PAGE_BYTES) {
		u64 entry = walk(m->aspace, at);
		u64 index = (at - m->start + m->offset) >> PAGE_BITS;
		bool writable;

		if (!arch_pte_present(entry))
			continue;
		struct paddr frame =
			memory_peek_locked(memory, index, false, &writable);
		CHECK(frame.value == arch_pte_frame(entry).value);
		CHECK(writable || memory->freeze || !arch_pte_writable(entry));
		CHECK(index >= memory->freeze_next || !memory->freeze ||
		      !arch_pte_writable(entry));
		CHECK(m->flags & MAP_WRITE || !arch_pte_writable(entry) ||
		      m->settled < m->length);
	}
}

void vm_check_memory(struct memory *memory)
{
	u64 pages = 0, nodes = 0, shown = 0;
	bool writable;

	lock_take(&memory->object.lock);
	for (u64 i = 0; i < memory->npages; i++)
		pages += memory_peek_locked(memory, i, false, &writable).value
			!= 0;
	for (u64 i = 0; i < memory->npages; i += RADIX_ENTRIES) {
		u64 entry = memory->root;

		// The nodes on the way to page i that were not on the way to
		// the one before.
		for (u32 level = memory->height; level > 0 && entry; level--) {
			nodes += !(i & ((1ull << RADIX_BITS * level) - 1));
			CHECK(frame_of(radix_frame(entry))->state ==
			      FRAME_USED);
			entry = radix_node(entry)[radix_index(i, level)];
		}
	}
	LIST_FOR_EACH(node, &memory->mappings) {
		struct mapping *m = LIST_ENTRY(node, struct mapping, shown);

		CHECK(m->memory == memory &&
		      word_object(m->slot.word) == &memory->object);
		CHECK(node->next->prev == node);
		check_shown(memory, m);
		shown++;
	}
	if (!(memory->flags & (MEMORY_DEVICE | MEMORY_PHYSICAL))) {
		CHECK(pages == memory->present_pages);
		CHECK(nodes == memory->node_pages);
	}
	CHECK(slot_check_locked(&memory->object) >= shown);
	lock_drop(&memory->object.lock);
}

static u64 check_tree(const struct tree_node *node, u64 low, u64 high,
		      u64 priority)
{
	const struct mapping *m;

	if (!node)
		return 0;
	m = CONTAINER_OF(node, struct mapping, node);
	CHECK(m->start >= low && m->start + m->length <= high && m->length);
	CHECK(node->priority <= priority && m->settled <= m->length);
	CHECK(node->key == m->start + m->length - 1);
	return 1 + check_tree(node->left, low, m->start, node->priority) +
		check_tree(node->right, m->start + m->length, high,
			   node->priority);
}

void vm_check_aspace(struct aspace *aspace)
{
	CHECK(check_tree(aspace->mappings.root, 0, USER_END, ~0ull) ==
	      aspace->nmappings);
}
