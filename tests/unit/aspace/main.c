// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Address spaces against a model: random map, unmap, protect, load, store, clone,
// decommit, revoke, delete and DMA on three processors, with every byte that a
// load returns predicted. The model is values: a clone copies its arrays.
#include "tests/fake_arch/own.h"
#include "kernel/arch/arch.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "tests/unit/memory/vm.h"

#define SPACES 4 // plain, container, two foreign
#define AREA 160 // pages of each space in play
#define MEMORIES 10
#define PAGES_MAX 4000
#define PINS 16
#define CPUS 3
#define FIRST_MEMORY (VM_FREE + SPACES)
#define SPARE (FIRST_MEMORY + MEMORIES) // a slot for windows
#define DMA (SPARE + 1)

struct content {
	u32 refs; // capability, mapped pages, pins
	u32 npages;
	u32 pins;
	u32 slot; // 0: the capability was deleted
	u64 value[PAGES_MAX];
};

struct shown {
	struct content *content; // NULL: nothing mapped
	u32 index, flags, allowed;
	bool dead;
};

static struct content *memory[MEMORIES];
static struct shown shown[SPACES][AREA];
static bool scratched[SPACES];
static struct {
	u64 bus;
	struct content *content; // NULL: quarantined
	u32 index;
	bool used;
} pin[PINS];
static u64 seed, stores, loads, refused, restarts, clones, frozen;

static u32 any(u32 n)
{
	return fake_random(&seed) % n;
}

// Areas lie across a border between page tables.
static u64 base(u32 space)
{
	return (space == 1 ? GUEST_END : 0) + 0x40000000 -
		AREA / 2 * PAGE_BYTES;
}

static u64 address(u32 space, u32 page)
{
	return base(space) + (u64)page * PAGE_BYTES;
}

static struct aspace *aspace(u32 space)
{
	return object_aspace(vm_object(VM_FREE + space));
}

static void put(struct content *content)
{
	if (content && --content->refs == 0)
		free(content);
}

static void make_spaces(void)
{
	CHECK(vm_aspace(VM_FREE, ASPACE_PLAIN, 0) == STATUS_OK);
	CHECK(vm_aspace(VM_FREE + 1, ASPACE_CONTAINER, 0) == STATUS_OK);
	for (u32 i = 2; i < SPACES; i++)
		CHECK(vm_aspace(VM_FREE + i, ASPACE_FOREIGN, VM_FREE + 1) ==
		      STATUS_OK);
}

static void op_memory(u32 i)
{
	static const u32 sizes[] = {1, 2, 7, 64, 512, 513, PAGES_MAX};
	u32 npages = sizes[any(ARRAY_COUNT(sizes))];
	struct content *content = calloc(1, sizeof *content);

	if (vm_memory(FIRST_MEMORY + i, npages,
		      any(4) ? MEMORY_ANON : MEMORY_COMMITTED) != STATUS_OK) {
		refused++;
		free(content);
		return;
	}
	content->refs = 1;
	content->npages = npages;
	content->slot = FIRST_MEMORY + i;
	memory[i] = content;
}

static void op_delete(u32 i)
{
	CHECK(vm_delete(FIRST_MEMORY + i) == STATUS_OK);
	memory[i]->slot = 0;
	put(memory[i]);
	memory[i] = nullptr;
}

static void op_revoke(u32 i)
{
	struct content *content = memory[i];

	CHECK(vm_revoke(FIRST_MEMORY + i) == STATUS_OK);
	for (u32 s = 0; s < SPACES; s++)
		for (u32 p = 0; p < AREA; p++)
			if (shown[s][p].content == content && !shown[s][p].dead)
				shown[s][p].dead = true;
	for (u32 k = 0; k < PINS; k++)
		if (pin[k].used && pin[k].content == content) {
			pin[k].content = nullptr;
			content->pins--;
			put(content);
		}
}

static void cloned(u32 from, u32 to)
{
	struct content *content = malloc(sizeof *content);

	*content = *memory[from];
	content->refs = 1;
	content->pins = 0;
	content->slot = FIRST_MEMORY + to;
	memory[to] = content;
	clones++;
}

static void touch(u32 s, u32 p);

// Step by step, with others at work in between.
static void op_clone(u32 from, u32 to)
{
	enum status status;
	u32 tries = 0;

	if (memory[to])
		op_delete(to);
	do {
		fake_cpu_number = any(CPUS);
		status = vm_clone_step(FIRST_MEMORY + from, FIRST_MEMORY + to);
		if (status != STATUS_RESTART)
			break;
		restarts++;
		for (u32 i = 0; i < 20; i++)
			touch(any(SPACES), any(AREA));
	} while (++tries < 1000);
	if (status == STATUS_OK)
		cloned(from, to);
	else if (memory[from]->pins)
		CHECK(status == ERR_STATE);
	else
		CHECK(status == ERR_QUOTA && ++refused);
}

static void op_decommit(u32 i)
{
	struct content *content = memory[i];
	u32 first = any(content->npages);
	u32 n = 1 + any(content->npages - first);
	enum status status = vm_decommit(FIRST_MEMORY + i, first * PAGE_BYTES,
					 n * PAGE_BYTES);

	if (content->pins) {
		CHECK(status == ERR_STATE);
		return;
	}
	CHECK(status == STATUS_OK);
	for (u32 k = 0; k < n; k++)
		content->value[first + k] = 0;
}

// Through the capability itself or one to a window of it with fewer rights.
static void op_map(u32 i, u32 s, u32 p)
{
	struct content *content = memory[i];
	u32 n = 1 + any(any(3) ? 6 : 60), first = any(content->npages);
	u32 flags = (any(3) ? MAP_READ | MAP_WRITE : any(8)) |
		(any(2) ? MAP_KEEP : 0) | (any(4) ? 0 : MAP_EAGER);
	u32 rights = RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC, slot, window = 0;
	enum status wanted = STATUS_OK, status;

	slot = FIRST_MEMORY + i;
	if (any(3) == 0) {
		rights = 1 + any(7);
		window = any(first + 1);
		u64 badge = (u64)window << 32 | (content->npages - window);
		CHECK(vm_mint(SPARE, slot, rights, badge) == STATUS_OK);
		slot = SPARE;
	}
	u32 allowed = rights & 7; // the same bits
	status = vm_map(VM_FREE + s, slot, (first - window) * PAGE_BYTES,
			address(s, p), n * PAGE_BYTES, flags);
	if (slot == SPARE)
		CHECK(vm_delete(SPARE) == STATUS_OK);
	if ((flags & 6) == 6)
		wanted = ERR_ARGUMENT;
	else if (flags & 7 & ~allowed)
		wanted = ERR_RIGHTS;
	for (u32 k = p; k < p + n && k < AREA && wanted == STATUS_OK; k++)
		if (shown[s][k].content)
			wanted = ERR_OCCUPIED;
	if (wanted == STATUS_OK && first + n > content->npages)
		wanted = ERR_RANGE;
	if (status == ERR_QUOTA) {
		refused++;
		return;
	}
	CHECK(status == wanted);
	if (status != STATUS_OK)
		return;
	if (p + n > AREA) { // beyond what the model keeps
		CHECK(vm_unmap(VM_FREE + s, address(s, AREA),
			       (p + n - AREA) * PAGE_BYTES) == STATUS_OK);
		n = AREA - p;
	}
	for (u32 k = 0; k < n; k++) {
		shown[s][p + k] = (struct shown){content, first + k, flags,
						 allowed, false};
		content->refs++;
	}
}

static void op_unmap(u32 s, u32 p)
{
	u32 n = 1 + any(any(16) ? 6 : AREA - p);
	enum status status;

	n = MIN(n, AREA - p);
	status = vm_unmap(VM_FREE + s, address(s, p), n * PAGE_BYTES);
	if (status == ERR_QUOTA) {
		refused++;
		return;
	}
	CHECK(status == STATUS_OK);
	for (u32 k = p; k < p + n; k++) {
		put(shown[s][k].content);
		shown[s][k].content = nullptr;
	}
}

static void op_protect(u32 s, u32 p)
{
	u32 n = 1 + any(any(4) ? 8 : AREA - p), flags = any(3) ? 3 : any(8);
	enum status wanted = STATUS_OK;

	n = MIN(n, AREA - p);
	enum status status =
		vm_protect(VM_FREE + s, address(s, p), n * PAGE_BYTES, flags);

	if ((flags & 6) == 6)
		wanted = ERR_ARGUMENT;
	for (u32 k = p; k < p + n && wanted == STATUS_OK; k++)
		if (!shown[s][k].content)
			wanted = ERR_EMPTY;
		else if (flags & ~shown[s][k].allowed)
			wanted = ERR_RIGHTS;
	if (status == ERR_QUOTA) { // may be half done: put it back
		refused++;
		CHECK(vm_unmap(VM_FREE + s, base(s), AREA * PAGE_BYTES) ==
		      STATUS_OK);
		for (u32 k = 0; k < AREA; k++) {
			put(shown[s][k].content);
			shown[s][k].content = nullptr;
		}
		return;
	}
	CHECK(status == wanted);
	for (u32 k = p; k < p + n && status == STATUS_OK; k++)
		shown[s][k].flags = (shown[s][k].flags & ~7u) | flags;
}

// Load, perhaps store, in an area that space s shows: its own, or for a foreign
// space its container's.
static void touch(u32 s, u32 p)
{
	u32 cpu = any(CPUS);
	u32 owner = s >= 2 && any(2) ? 1 : s;
	struct shown *m = &shown[owner][p];
	bool write = any(2), known = m->content && !m->dead;
	u64 at = address(owner, p) + any(512) * 8, value = 0, new = 0;
	enum fault_result result;

	vm_show(cpu, aspace(s));
	u32 need = write ? MAP_WRITE : 7;
	bool may =
		m->content && m->flags & need && (known || m->flags & MAP_KEEP);
	if (write) {
		// All of the page's words have one value.
		new = known ? fake_random(&seed) + 1 : 7;
		for (u32 w = 0; w < 512; w++) {
			result = vm_store(cpu, 0, address(owner, p) + w * 8,
					  new);
			if (result != FAULT_DONE)
				break;
		}
	} else {
		result = vm_load(cpu, 0, at, &value);
	}
	if (!may) {
		CHECK(result == FAULT_FAILED);
		return;
	}
	if (result == FAULT_NOMEMORY) {
		frozen++;
		return;
	}
	CHECK(result == FAULT_DONE);
	if (!known) {
		CHECK(write || value == 0 || (scratched[owner] && value == 7));
		scratched[owner] |= write;
	} else if (write) {
		m->content->value[m->index] = new;
		stores++;
	} else {
		CHECK(value == m->content->value[m->index]);
		loads++;
	}
}

// What the kernel copies is what a load or store would have moved.
static void op_copy(u32 s, u32 p)
{
	struct shown *a = &shown[s][p], *b = &shown[s][p + 1];
	u64 word[4], at = address(s, p) + PAGE_BYTES - 16;
	bool known = a->content && b->content && !a->dead && !b->dead;

	if (!known || !(a->flags & 7) || !(b->flags & 7))
		return;
	enum status status = aspace_read(aspace(s), at, word, sizeof word);
	vm_leave();
	if (status != STATUS_OK) {
		CHECK(status == ERR_ADDRESS);
		refused++;
		return;
	}
	CHECK(word[0] == a->content->value[a->index] && word[1] == word[0]);
	CHECK(word[2] == b->content->value[b->index] && word[3] == word[2]);
	u64 page[512];
	for (u32 i = 0; i < 512; i++)
		page[i] = 0x1000 + p;
	status = aspace_write(aspace(s), address(s, p), page, sizeof page);
	vm_leave();
	if (status == STATUS_OK) {
		CHECK(a->flags & MAP_WRITE);
		a->content->value[a->index] = 0x1000 + p;
	} else {
		CHECK(status == ERR_ADDRESS);
	}
}

static void op_pin(u32 i)
{
	struct content *content = memory[i];
	u32 k = any(PINS), index = any(content->npages);

	if (pin[k].used) {
		u64 *word = arch_direct((struct paddr){pin[k].bus});

		if (pin[k].content) {
			CHECK(*word == pin[k].content->value[pin[k].index]);
			pin[k].content->pins--;
			put(pin[k].content);
		}
		CHECK(vm_dma_unmap(DMA, pin[k].bus, 8) == STATUS_OK);
		pin[k].used = false;
		return;
	}
	if (vm_dma_map(DMA, FIRST_MEMORY + i, index * PAGE_BYTES, 8,
		       &pin[k].bus) != STATUS_OK) {
		refused++;
		return;
	}
	// By its address alone a second pin of a frame cannot be told from the
	// first: either is released.
	for (u32 j = 0; j < PINS; j++)
		if (pin[j].used && pin[j].bus == pin[k].bus) {
			CHECK(vm_dma_unmap(DMA, pin[k].bus, 8) == STATUS_OK);
			if (object_memory(vm_object(FIRST_MEMORY + i))->pinned ==
			    content->pins)
				return;
			if (pin[j].content) {
				pin[j].content->pins--;
				put(pin[j].content);
			}
			k = j;
			break;
		}
	pin[k].used = true;
	pin[k].content = content;
	pin[k].index = index;
	content->pins++;
	content->refs++;
	// A device writes.
	u64 *word = arch_direct((struct paddr){pin[k].bus});
	CHECK(*word == content->value[index]);
	u64 new = fake_random(&seed);
	for (u32 w = 0; w < 512; w++)
		word[w] = new;
	content->value[index] = new;
}

// Whatever happened to its memory, a pinned frame is in use.
static void check_pins(void)
{
	for (u32 k = 0; k < PINS; k++)
		if (pin[k].used) {
			struct frame *frame = frame_of((struct paddr){
				align_down(pin[k].bus, PAGE_BYTES)});

			CHECK(frame->state == FRAME_USED && frame->pins);
		}
}

static void op_space(u32 s)
{
	for (u32 i = 0; i < CPUS; i++)
		vm_show(i, nullptr);
	CHECK(vm_delete(VM_FREE + s) == STATUS_OK);
	for (u32 p = 0; p < AREA; p++) {
		put(shown[s][p].content);
		shown[s][p].content = nullptr;
	}
	scratched[s] = false;
	enum status status =
		vm_aspace(VM_FREE + s, s ? ASPACE_FOREIGN : ASPACE_PLAIN,
			  s ? VM_FREE + 1 : 0);
	CHECK(status == STATUS_OK);
}

static void check_all(void)
{
	for (u32 s = 0; s < SPACES; s++)
		vm_check_aspace(aspace(s));
	for (u32 i = 0; i < MEMORIES; i++)
		if (memory[i])
			vm_check_memory(
				object_memory(vm_object(FIRST_MEMORY + i)));
	check_pins();
}

static void step(void)
{
	u32 i = any(MEMORIES), s = any(SPACES), p = any(AREA), op = any(100);

	fake_cpu_number = any(CPUS);
	if (!memory[i])
		op_memory(i);
	if (!memory[i])
		op_unmap(s, p);
	else if (op < 20)
		op_map(i, s, p);
	else if (op < 30)
		op_unmap(s, p);
	else if (op < 38)
		op_protect(s, p);
	else if (op < 42)
		op_decommit(i);
	else if (op < 46)
		op_clone(i, (i + 1 + any(MEMORIES - 1)) % MEMORIES);
	else if (op < 48)
		op_delete(i);
	else if (op < 49)
		any(3) ? (void)0 : op_revoke(i);
	else if (op < 53)
		op_pin(i);
	else if (op < 57)
		op_copy(s, MIN(p, AREA - 2u));
	else if (op < 58 && s != 1 && !any(4))
		op_space(s);
	else
		touch(s, p);
}

static void forget(void)
{
	for (u32 s = 0; s < SPACES; s++)
		for (u32 p = 0; p < AREA; p++) {
			put(shown[s][p].content);
			shown[s][p].content = nullptr;
		}
	for (u32 i = 0; i < MEMORIES; i++) {
		put(memory[i]);
		memory[i] = nullptr;
	}
	for (u32 k = 0; k < PINS; k++)
		if (pin[k].used)
			put(pin[k].content);
	memset(pin, 0, sizeof pin);
	memset(scratched, 0, sizeof scratched);
}

#define STEPS 210000 // five times: a million

static void test_random(u64 start, u32 steps, u64 pool_pages)
{
	seed = start;
	vm_start(16384, CPUS, pool_pages);
	make_spaces();
	CHECK(vm_dma(DMA) == STATUS_OK);
	for (u32 i = 0; i < steps; i++) {
		step();
		if (i % 64 == 0)
			check_all();
	}
	check_all();
	CHECK(vm_stop());
	forget();
	printf("aspace: seed %lu: %u steps, %lu loads, %lu stores, %lu clones, "
	       "%lu restarts, %lu waits for a clone, %lu refusals\n",
	       start, steps, loads, stores, clones, restarts, frozen, refused);
}

int main(int argc, char **argv)
{
	u64 first = 1;

	if (argc > 1)
		for (first = 0; *argv[1]; argv[1]++)
			first = first * 10 + (u64)(*argv[1] - '0');
	for (u64 s = first; s < first + 3; s++)
		test_random(s * 0x9e3779b97f4a7c15, STEPS, 8000);
	fake_user_end = USER_END_LEAST; // three levels of tables
	test_random(first * 33, STEPS, 8000);
	test_random(first * 77, STEPS, 400); // not enough for everything
	return 0;
}
