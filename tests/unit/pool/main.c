// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// pool.c: pieces of all sizes against a model, quotas of pools carved from pools,
// the life of objects, and every allocation refused once: nothing may leak.
#include "tests/fake_arch/own.h"
#include "tests/fake_arch/fake.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/arch/arch.h"
#include "kernel/mm/frame.h"
#include "kernel/object/cap.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/pool.h"
#include "kernel/sched/cpu.h"
#include "lib/base/string.h"

#define PAGES 1024
#define PIECES 600

extern u32 fake_quiesces, fake_destroyed[];

static struct pool *first;
static struct {
	u8 *memory;
	usize size;
	u8 pattern;
} piece[PIECES];

static void start(u32 ncpus)
{
	fake_machine(PAGES, ncpus);
	first = pool_create_first(frames_free());
}

static struct pool *carve(struct pool *parent, u64 limit)
{
	struct pool *pool;

	CHECK(pool_create(parent, limit, &pool) == STATUS_OK);
	return pool;
}

static void check_piece(u32 i)
{
	for (usize b = 0; b < piece[i].size; b++)
		CHECK(piece[i].memory[b] == piece[i].pattern);
}

static void test_pieces(u64 seed)
{
	static const u16 special[] = {1, 63, 64, 65, 128, 2048, 2049, 4096};
	u64 free_before;
	u32 refused = 0;

	start(1);
	free_before = frames_free();
	struct pool *pool = carve(first, 40);
	for (u32 step = 0; step < 40000; step++) {
		u32 i = fake_random(&seed) % PIECES;

		if (piece[i].memory) {
			check_piece(i);
			pool_free(pool, piece[i].memory, piece[i].size);
			piece[i].memory = nullptr;
			continue;
		}
		u32 r = fake_random(&seed);
		usize size = r % 4 ? 1 + r % 300 : special[r / 4 % 8];
		void *memory;
		if (pool_alloc(pool, size, &memory) != STATUS_OK) {
			refused++;
			continue;
		}
		for (usize b = 0; b < size; b++)
			CHECK(!((u8 *)memory)[b]);
		piece[i].memory = memory;
		piece[i].size = size;
		piece[i].pattern = (u8)(step | 1);
		memset(memory, piece[i].pattern, size);
		CHECK(pool->used_pages <= 40);
		if (step % 500 == 0)
			pool_check(pool);
	}
	for (u32 i = 0; i < PIECES; i++)
		if (piece[i].memory) {
			check_piece(i);
			pool_free(pool, piece[i].memory, piece[i].size);
			piece[i].memory = nullptr;
		}
	CHECK(refused && !pool->used_pages);
	pool_check(pool);
	pool_object_abandon(&pool->object);
	pool_uncharge(first, 40);
	CHECK(!first->used_pages && frames_free() == free_before);
	printf("pool: 40000 pieces, %u refused\n", refused);
}

// Free pieces of a page that was full are used before a new page is taken.
static void test_reuse(void)
{
	void *memory[128];

	start(1);
	for (u32 i = 0; i < 128; i++)
		CHECK(pool_alloc(first, 64, &memory[i]) == STATUS_OK);
	CHECK(first->used_pages == 2);
	for (u32 i = 0; i < 128; i += 3)
		pool_free(first, memory[i], 64);
	for (u32 i = 0; i < 128; i += 3)
		CHECK(pool_alloc(first, 64, &memory[i]) == STATUS_OK);
	CHECK(first->used_pages == 2);
	pool_check(first);
	for (u32 i = 0; i < 128; i++)
		pool_free(first, memory[i], 64);
	CHECK(!first->used_pages);
}

static void test_charges(void)
{
	struct pool *a, *b;
	struct paddr frame;

	start(1);
	a = carve(first, 50);
	u64 used = first->used_pages;
	CHECK(used == 51); // and the page that holds the pool itself
	CHECK(pool_create(a, 51, &b) == ERR_QUOTA);
	CHECK(pool_create(a, 50, &b) == ERR_QUOTA); // no page for itself
	CHECK(pool_create(a, 0, &b) == ERR_ARGUMENT);
	CHECK(!a->used_pages && first->used_pages == used);
	b = carve(a, 20);
	CHECK(a->used_pages == 21);
	for (u32 i = 0; i < 20; i++)
		CHECK(pool_frames_alloc(b, 0, &frame) == STATUS_OK);
	CHECK(pool_frames_alloc(b, 0, &frame) == ERR_QUOTA);
	CHECK(b->used_pages == 20 && a->used_pages == 21);
	CHECK(pool_charge(a, 29) == STATUS_OK &&
	      pool_charge(a, 1) == ERR_QUOTA);
	CHECK(pool_charge(a, ~0ull) == ERR_QUOTA);
	CHECK(pool_within(b, a) && pool_within(b, first) && !pool_within(a, b));
	u32 depth = 1;
	for (b = carve(first, 300);
	     pool_create(b, 300 - 2 * depth, &b) == STATUS_OK; depth++)
		;
	CHECK(depth == 32);
}

// ---- objects through system calls

static struct thread *self;
static struct cnode *root;

// A pool with a thread and its root cnode: slot 1 the cnode, 2 the first pool.
static void start_thread(u32 ncpus)
{
	start(ncpus);
	CHECK(thread_create(first, &self) == STATUS_OK);
	CHECK(cnode_create(first, 5, &root) == STATUS_OK);
	self->cspace = root;
	CHECK(cnode_install(root, 1, &root->object, RIGHTS_ALL, 0) ==
	      STATUS_OK);
	CHECK(cnode_install(root, 2, &first->object, RIGHTS_ALL, 0) ==
	      STATUS_OK);
	CHECK(cnode_install(root, 3, &self->object, RIGHTS_ALL, 0) ==
	      STATUS_OK);
}

static struct cap_ref cap_of(u64 handle)
{
	struct cap_ref cap;

	CHECK(cap_lookup(self, handle, OBJECT_ANY, 0, &cap) == STATUS_OK);
	return cap;
}

// As far as user space can tell, one call: restarted as often as it asks.
#define CALL(expression)                                                       \
	({                                                                     \
		enum status status_;                                           \
		u32 tries_ = 0;                                                \
		do {                                                           \
			status_ = (expression);                                \
			lock_check_none();                                     \
			(void)reaper_step();                                   \
			CHECK(++tries_ < 10000);                               \
		} while (status_ == STATUS_RESTART);                           \
		status_;                                                       \
	})

static enum status create_once(u32 pool_slot, u32 type, u64 a, u32 cnode,
			       u32 index)
{
	struct cap_ref pool = cap_of(pool_slot), at = cap_of(cnode);
	struct object *object = nullptr;
	struct pool *from = object_pool(cap_object(&pool));
	enum status status;

	switch (type) {
	case OBJECT_CNODE:
		status = cnode_create(from, (u32)a, (struct cnode **)&object);
		break;
	case OBJECT_POOL:
		status = pool_create(from, a, (struct pool **)&object);
		break;
	case OBJECT_THREAD: {
		struct thread *thread;

		status = thread_create(from, &thread);
		if (status == STATUS_OK)
			object = &thread->object;
		break;
	}
	default:
		status = endpoint_create(from, 0, (struct endpoint **)&object);
	}
	if (status == STATUS_OK) {
		status = cap_install(&at, index, object, RIGHTS_ALL, 0);
		if (status != STATUS_OK)
			object_condemn(object);
	} else if (status == ERR_QUOTA || status == ERR_MEMORY) {
		if (pool_reclaim(from))
			return STATUS_RESTART;
	}
	return status;
}

static enum status create(u32 pool, u32 type, u64 a, u32 cnode, u32 index)
{
	return CALL(create_once(pool, type, a, cnode, index));
}

static enum status destroy_once(u32 slot)
{
	struct cap_ref cap;
	enum status status =
		cap_lookup(self, slot, OBJECT_POOL, RIGHT_CONTROL, &cap);

	return status == STATUS_OK ? sysk_pool_destroy(self, &cap) : status;
}

static struct pool_info_result info(u32 slot)
{
	struct cap_ref cap = cap_of(slot);
	struct pool_info_result out;

	CHECK(CALL(sysk_pool_info(self, &cap, &out)) == STATUS_OK);
	return out;
}

// Fill pool 4 with all sorts of things, some of them in each other's slots, and
// destroy it: everything is as before.
static void test_destroy(u32 ncpus)
{
	start_thread(ncpus);
	struct pool_info_result before = info(2), after;
	for (u32 round = 0; round < 3; round++) {
		CHECK(create(2, OBJECT_POOL, 300, 1, 4) == STATUS_OK);
		CHECK(create(4, OBJECT_CNODE, 8, 1, 5) == STATUS_OK);
		for (u32 i = 0; i < 200; i++)
			CHECK(create(4, OBJECT_ENDPOINT, 0, 5, i) == STATUS_OK);
		CHECK(create(4, OBJECT_ENDPOINT, 0, 5, 100) == ERR_OCCUPIED);
		CHECK(create(4, OBJECT_ENDPOINT, 0, 5, 256) == ERR_RANGE);
		CHECK(create(4, OBJECT_THREAD, 0, 1, 6) == STATUS_OK);
		CHECK(create(4, OBJECT_POOL, 100, 1, 7) == STATUS_OK);
		CHECK(create(7, OBJECT_POOL, 50, 1, 8) == STATUS_OK);
		CHECK(create(8, OBJECT_CNODE, 3, 1, 9) == STATUS_OK);
		// The inner cnode holds the outer pool and itself.
		struct cap_ref at = cap_of(9);
		CHECK(sysk_cap_copy(self, &at, 0, (struct handle){4}) ==
		      STATUS_OK);
		CHECK(sysk_cap_copy(self, &at, 1, (struct handle){9}) ==
		      STATUS_OK);
		CHECK(create(8, OBJECT_THREAD, 0, 9, 2) == STATUS_OK);
		fake_cpu_number = (round + 1) % ncpus;
		CHECK(CALL(destroy_once(4)) == STATUS_OK);
		fake_cpu_number = 0;
		fake_settle();
		for (u32 i = 4; i < 10; i++)
			CHECK(!slot_word(&root->slots[i]));
		after = info(2);
		pool_check(first);
		CHECK(!memcmp(&before, &after, sizeof before));
	}
	CHECK(CALL(destroy_once(2)) == ERR_STATE);
}

// What is condemned on another CPU does not hold up a pool's end.
static void test_other_cpu(void)
{
	start_thread(2);
	struct pool_info_result before = info(2), after;
	CHECK(create(2, OBJECT_POOL, 100, 1, 4) == STATUS_OK);
	for (u32 i = 8; i < 24; i++)
		CHECK(create(4, OBJECT_ENDPOINT, 0, 1, i) == STATUS_OK);
	fake_cpu_number = 1;
	for (u32 i = 8; i < 16; i++)
		slot_drop(&root->slots[i]);
	fake_cpu_number = 0; // CPU 1 never leaves the kernel again
	u32 waited = fake_quiesces;
	CHECK(CALL(destroy_once(4)) == STATUS_OK);
	after = info(2);
	CHECK(!memcmp(&before, &after, sizeof before));
	CHECK(fake_quiesces > waited);
}

// Destroyed by a thread that lives in it, and by one whose capability does.
static void test_inside(void)
{
	struct thread *outer;

	start_thread(1);
	outer = self;
	struct pool_info_result before = info(2), after;
	CHECK(create(2, OBJECT_POOL, 100, 1, 4) == STATUS_OK);
	CHECK(create(4, OBJECT_CNODE, 3, 1, 5) == STATUS_OK);
	CHECK(create(4, OBJECT_THREAD, 0, 1, 6) == STATUS_OK);
	struct cap_ref at = cap_of(5), thread = cap_of(6);
	CHECK(sysk_cap_copy(self, &at, 1, (struct handle){4}) == STATUS_OK);
	self = object_thread(cap_object(&thread));
	self->cspace = object_cnode(cap_object(&at));
	CHECK(destroy_once(1) == STATUS_RESTART);
	self = outer;
	fake_settle();
	after = info(2);
	CHECK(!memcmp(&before, &after, sizeof before));

	CHECK(create(2, OBJECT_POOL, 100, 1, 4) == STATUS_OK);
	CHECK(create(4, OBJECT_CNODE, 3, 1, 5) == STATUS_OK);
	at = cap_of(5);
	CHECK(sysk_cap_move(self, &at, 1, (struct handle){4}) == STATUS_OK);
	CHECK(destroy_once(5 << 16 | 1) == STATUS_OK);
	fake_settle();
	after = info(2);
	CHECK(!memcmp(&before, &after, sizeof before));
}

// Memory of the dead is there again for who needs it.
static void test_reclaim(void)
{
	start_thread(2);
	CHECK(create(2, OBJECT_POOL, 3, 1, 4) == STATUS_OK);
	for (u32 i = 0; i < 2000; i++) {
		CHECK(create(4, OBJECT_CNODE, 6, 1, 5) == STATUS_OK);
		slot_drop(&root->slots[5]);
	}
	CHECK(create(4, OBJECT_CNODE, 6, 1, 5) == STATUS_OK);
	CHECK(create(4, OBJECT_CNODE, 6, 1, 6) == STATUS_OK);
	CHECK(create(4, OBJECT_CNODE, 6, 1, 7) == ERR_QUOTA);
	CHECK(create(4, OBJECT_CNODE, 13, 1, 7) == ERR_ARGUMENT);
	CHECK(create(4, OBJECT_CNODE, 0, 1, 7) == ERR_ARGUMENT);
}

// A pool of limit k refuses at every possible place, for k = 1, 2, ... until all
// fits; after each refusal nothing has changed, and all comes back at the end.
static void test_refusals(void)
{
	static const struct {
		u32 type;
		u64 a;
	} wanted[] = {
		{OBJECT_CNODE, 7},  {OBJECT_POOL, 3},	  {OBJECT_CNODE, 6},
		{OBJECT_THREAD, 0}, {OBJECT_ENDPOINT, 0}, {OBJECT_CNODE, 9},
		{OBJECT_CNODE, 1},  {OBJECT_POOL, 1},
	};
	u32 k, made = 0, refused = 0;

	start_thread(1);
	struct pool_info_result before = info(2), after, inner, again;
	for (k = 1; made < ARRAY_COUNT(wanted); k++) {
		made = 0;
		CHECK(create(2, OBJECT_POOL, k, 1, 4) == STATUS_OK);
		for (u32 i = 0; i < ARRAY_COUNT(wanted); i++) {
			inner = info(4);
			enum status status = create(4, wanted[i].type,
						    wanted[i].a, 1, 5 + i);
			if (status == STATUS_OK) {
				made++;
				continue;
			}
			CHECK(status == ERR_QUOTA);
			refused++;
			again = info(4);
			CHECK(!memcmp(&inner, &again, sizeof inner));
		}
		CHECK(CALL(destroy_once(4)) == STATUS_OK);
		after = info(2);
		CHECK(!memcmp(&before, &after, sizeof before));
	}
	printf("pool: %u limits, %u refusals, no leak\n", k - 1, refused);
}

// The machine is out of frames although no quota is reached.
static void test_no_frames(void)
{
	struct paddr frame[PAGES];
	u32 n = 0;

	start_thread(1);
	struct pool_info_result before = info(2), after;
	while (frame_alloc(0, &frame[n]) == STATUS_OK)
		n++;
	u32 made = 0;
	while (made < 3) {
		made = 0;
		made += create(2, OBJECT_CNODE, 7, 1, 4) == STATUS_OK;
		made += create(2, OBJECT_POOL, 5, 1, 5) == STATUS_OK;
		made += create(2, OBJECT_CNODE, 1, 1, 6) == STATUS_OK;
		for (u32 i = 4; i < 7; i++)
			slot_drop(&root->slots[i]);
		fake_settle();
		after = info(2);
		CHECK(after.used_pages == before.used_pages);
		CHECK(after.objects == before.objects);
		frame_free(frame[--n], 0);
	}
	while (n)
		frame_free(frame[--n], 0);
	after = info(2);
	CHECK(!memcmp(&before, &after, sizeof before));
}

// Ten ways to misuse the kernel's memory. Debug builds notice each: victim[0] and
// victim[1] are of one page, 100 bytes each in a piece of 128.
static u8 *victim[2];

static void two_pieces(void)
{
	start(1);
	for (u32 i = 0; i < 2; i++)
		CHECK(pool_alloc(first, 100, (void **)&victim[i]) == STATUS_OK);
}

static void write_after(u32 at)
{
	void *memory;

	two_pieces();
	pool_free(first, victim[0], 100);
	victim[0][at] = 1;
	(void)!pool_alloc(first, 100, &memory);
}

static void after_free(void)
{
	write_after(50);
}

static void after_free_at_end(void)
{
	write_after(127);
}

static void write_behind(u32 at)
{
	two_pieces();
	victim[0][at] = 1;
	pool_free(first, victim[0], 100);
}

static void behind(void)
{
	write_behind(100);
}

static void far_behind(void)
{
	write_behind(127);
}

static void free_twice(void)
{
	two_pieces();
	pool_free(first, victim[0], 100);
	pool_free(first, victim[0], 100);
}

static void free_twice_the_last(void)
{
	two_pieces();
	pool_free(first, victim[0], 100);
	pool_free(first, victim[1], 100);
	pool_free(first, victim[1], 128); // nothing behind it to look at
}

static void free_as_another_class(void)
{
	two_pieces();
	pool_free(first, victim[0], 64);
}

static void free_as_smaller(void)
{
	two_pieces();
	pool_free(first, victim[0], 70);
}

static void free_a_frame(void)
{
	struct paddr frame;

	start(1);
	CHECK(pool_frames_alloc(first, 0, &frame) == STATUS_OK);
	pool_free(first, arch_direct(frame), 128);
}

static void give_too_much_back(void)
{
	two_pieces();
	pool_uncharge(first, first->used_pages + 1);
}

static const struct {
	const char *name;
	void (*run)(void);
} misuse[] = {
	{"write after free", after_free},
	{"write to the end of a free piece", after_free_at_end},
	{"write behind", behind},
	{"write far behind", far_behind},
	{"freed twice", free_twice},
	{"freed twice, its page gone", free_twice_the_last},
	{"freed with the size of another class", free_as_another_class},
	{"freed with a smaller size", free_as_smaller},
	{"a frame freed as a piece", free_a_frame},
	{"more given back than was taken", give_too_much_back},
};

static void test_all(void)
{
	test_pieces(0x853c49e6748fea9b);
	test_reuse();
	test_charges();
	test_destroy(1);
	test_destroy(2);
	test_other_cpu();
	test_inside();
	test_reclaim();
	test_refusals();
	test_no_frames();
}

int main(void)
{
	test_all();
	bool caught = true;

	for (u32 i = 0; i < ARRAY_COUNT(misuse); i++)
		caught &= fake_bug_is_caught(0, misuse[i].name, misuse[i].run);
	caught &= fake_bug_is_caught(110, "limit not returned", test_all);
	caught &=
		fake_bug_is_caught(111, "failed carve leaves the pool it made", test_all);
	caught &= fake_bug_is_caught(112, "a full page is not listed again",
				     test_all);
	caught &= fake_bug_is_caught(113, "last reference does not condemn",
				     test_all);
	caught &= fake_bug_is_caught(114, "slots of a cnode leak", test_all);
	return caught ? 0 : 1;
}
