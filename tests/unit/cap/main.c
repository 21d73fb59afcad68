// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// cap.c and slot.c: look-up, rights, badges, windows, every refusal, long
// revocations, transfer, and 200,000 random operations with the forest checked.
#include "tests/fake_arch/own.h"
#include "tests/fake_arch/fake.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/mm/frame.h"
#include "kernel/object/cap.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/memory.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/sched/cpu.h"

extern u32 fake_quiesces, fake_destroyed[];

static struct pool *pool;
static struct thread *self, *other;
static struct cnode *root;

enum { ROOT = 1, INNER, ENDPOINT, NOTE, MEMORY, READER, WRITER, FREE = 8 };
#define IN(slot) ((u64)INNER << 16 | (slot))

static struct cnode *inner;

static struct cap_ref cap_of(u64 handle)
{
	struct cap_ref cap;

	CHECK(cap_lookup(self, handle, OBJECT_ANY, 0, &cap) == STATUS_OK);
	return cap;
}

static enum status look(u64 handle, enum object_type type, u32 rights)
{
	struct cap_ref cap;

	return cap_lookup(self, handle, type, rights, &cap);
}

static enum status copy(u64 cnode, u32 index, u64 source)
{
	struct cap_ref at = cap_of(cnode);

	return sysk_cap_copy(self, &at, index, (struct handle){(u32)source});
}

static enum status mint(u64 cnode, u32 index, u64 source, u32 rights, u64 badge)
{
	struct cap_ref at = cap_of(cnode);

	return sysk_cap_mint(self, &at, index, (struct handle){(u32)source},
			     rights, badge);
}

static enum status move(u64 cnode, u32 index, u64 source)
{
	struct cap_ref at = cap_of(cnode);

	return sysk_cap_move(self, &at, index, (struct handle){(u32)source});
}

static enum status delete(u64 cnode, u32 index) {
	struct cap_ref at = cap_of(cnode);

	return sysk_cap_delete(self, &at, index);
}

static enum status revoke(u64 cnode, u32 index)
{
	struct cap_ref at = cap_of(cnode);
	enum status status;
	u32 tries = 0;

	while ((status = sysk_cap_revoke(self, &at, index)) == STATUS_RESTART)
		CHECK(++tries < 1000);
	return status;
}

static void start(void)
{
	struct endpoint *endpoint;
	struct notification *note;
	struct memory *memory;

	fake_machine(512, 2);
	pool = pool_create_first(frames_free());
	CHECK(thread_create(pool, &self) == STATUS_OK);
	CHECK(thread_create(pool, &other) == STATUS_OK);
	CHECK(cnode_create(pool, 4, &root) == STATUS_OK);
	CHECK(cnode_create(pool, 10, &inner) == STATUS_OK);
	CHECK(endpoint_create(pool, 0, &endpoint) == STATUS_OK);
	CHECK(notification_create(pool, &note) == STATUS_OK);
	CHECK(memory_create(pool, 64 * 4096, 0, &memory) == STATUS_OK);
	self->cspace = root;
	other->cspace = &cnode_empty;
	struct object *object[] = {&root->object, &inner->object,
				   &endpoint->object, &note->object,
				   &memory->object};
	for (u32 i = 0; i < ARRAY_COUNT(object); i++)
		CHECK(cnode_install(root, ROOT + i, object[i], RIGHTS_ALL, 0) ==
		      STATUS_OK);
	CHECK(mint(ROOT, READER, INNER, RIGHT_READ, 0) == STATUS_OK);
	CHECK(mint(ROOT, WRITER, INNER, RIGHT_WRITE, 0) == STATUS_OK);
}

static void test_lookup(void)
{
	start();
	CHECK(look(ENDPOINT, OBJECT_ENDPOINT, RIGHT_CALL) == STATUS_OK);
	CHECK(look(ENDPOINT, OBJECT_MEMORY, 0) == ERR_TYPE);
	CHECK(look(0, OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look(FREE, OBJECT_ENDPOINT, 0) == ERR_HANDLE);
	CHECK(look(16, OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look(0xffff, OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look(1ull << 32 | ENDPOINT, OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look(~0ull, OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(copy(INNER, 700, ENDPOINT) == STATUS_OK);
	CHECK(look(IN(700), OBJECT_ENDPOINT, 0) == STATUS_OK);
	CHECK(look(IN(701), OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look(IN(1724), OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look((u64)READER << 16 | 700, OBJECT_ANY, 0) == STATUS_OK);
	CHECK(look((u64)WRITER << 16 | 700, OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look((u64)ENDPOINT << 16 | 0, OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look((u64)FREE << 16 | 0, OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look(0x10ull << 16 | 1, OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look(READER, OBJECT_CNODE, RIGHT_READ) == STATUS_OK);
	CHECK(look(READER, OBJECT_CNODE, RIGHT_WRITE) == ERR_RIGHTS);
	CHECK(look(READER, OBJECT_CNODE, RIGHT_READ | RIGHT_WRITE) ==
	      ERR_RIGHTS);
	struct thread *me = self;
	self = other; // has no capability space
	CHECK(look(0, OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look(1, OBJECT_ANY, 0) == ERR_HANDLE);
	self = me;
}

static struct cap_info_result info(u64 handle)
{
	struct cap_ref cap = cap_of(handle);
	struct cap_info_result out;

	CHECK(sysk_cap_info(self, &cap, &out) == STATUS_OK);
	return out;
}

static void test_rights(void)
{
	start();
	CHECK(mint(ROOT, FREE, ENDPOINT, RIGHT_CALL | RIGHT_DERIVE, 0) ==
	      STATUS_OK);
	CHECK(info(FREE).rights == (RIGHT_CALL | RIGHT_DERIVE));
	CHECK(info(FREE).type == OBJECT_ENDPOINT);
	CHECK(mint(ROOT, 9, FREE, RIGHTS_ALL, 0) == STATUS_OK);
	CHECK(info(9).rights == (RIGHT_CALL | RIGHT_DERIVE));
	CHECK(mint(ROOT, 10, 9, RIGHTS_ALL & ~RIGHT_DERIVE, 0) == STATUS_OK);
	CHECK(info(10).rights == RIGHT_CALL);
	CHECK(copy(ROOT, 11, 10) == ERR_RIGHTS);
	CHECK(mint(ROOT, 11, 10, RIGHTS_ALL, 0) == ERR_RIGHTS);
	CHECK(mint(ROOT, 11, ENDPOINT, 0xffffff00, 0) == STATUS_OK);
	CHECK(info(11).rights == 0);
	CHECK(move(ROOT, 12, 11) == STATUS_OK); // moving needs no right
	CHECK(move(ROOT, 11, 12) == STATUS_OK);
	CHECK(copy(ROOT, 9, ENDPOINT) == ERR_OCCUPIED);
	CHECK(copy(ROOT, 16, ENDPOINT) == ERR_RANGE);
	CHECK(copy(ROOT, ~0u, ENDPOINT) == ERR_RANGE);
	CHECK(copy(ROOT, 12, 13) == ERR_HANDLE);
	CHECK(move(ROOT, 9, ENDPOINT) == ERR_OCCUPIED);
	CHECK(move(ROOT, 16, ENDPOINT) == ERR_RANGE);
	CHECK(move(ROOT, 12, 13) == ERR_HANDLE);
	CHECK(move(ROOT, 12, 12) == ERR_HANDLE);
	CHECK(move(ROOT, 9, 9) == ERR_OCCUPIED);
	CHECK(copy(INNER, 5, ENDPOINT) == STATUS_OK);
	CHECK(move(ROOT, 12, (u64)READER << 16 | 5) == ERR_HANDLE);
	CHECK(move(ROOT, 12, (u64)WRITER << 16 | 5) == STATUS_OK);
	CHECK(delete (ROOT, 16) == ERR_RANGE && delete (ROOT, 13) == STATUS_OK);
	CHECK(revoke(ROOT, 16) == ERR_RANGE && revoke(ROOT, 13) == ERR_HANDLE);
}

static void test_badges(void)
{
	start();
	CHECK(mint(ROOT, 8, ENDPOINT, RIGHTS_ALL, 77) == STATUS_OK);
	CHECK(info(8).badge == 77);
	CHECK(mint(ROOT, 9, 8, RIGHTS_ALL, 78) == ERR_ARGUMENT);
	CHECK(mint(ROOT, 9, 8, RIGHTS_ALL, 77) == ERR_ARGUMENT);
	CHECK(mint(ROOT, 9, 8, RIGHTS_ALL, 0) == STATUS_OK);
	CHECK(info(9).badge == 77); // a badge is never lost
	CHECK(copy(ROOT, 10, 9) == STATUS_OK && info(10).badge == 77);
	CHECK(mint(ROOT, 11, NOTE, RIGHTS_ALL, ~0ull) == STATUS_OK);
	CHECK(info(11).badge == ~0ull);
	CHECK(mint(ROOT, 12, INNER, RIGHTS_ALL, 1) == ERR_ARGUMENT);
	CHECK(mint(ROOT, 12, MEMORY, RIGHTS_ALL, 16ull << 32 | 32) ==
	      STATUS_OK);
	CHECK(mint(ROOT, 13, 12, RIGHTS_ALL, 15ull << 32 | 4) == ERR_ARGUMENT);
	CHECK(mint(ROOT, 13, 12, RIGHTS_ALL, 47ull << 32 | 2) == ERR_ARGUMENT);
	CHECK(mint(ROOT, 13, 12, RIGHTS_ALL, 20ull << 32) == ERR_ARGUMENT);
	CHECK(mint(ROOT, 13, 12, RIGHTS_ALL, 47ull << 32 | 1) == STATUS_OK);
	CHECK(info(13).badge == (47ull << 32 | 1));
	CHECK(mint(ROOT, 14, 12, RIGHTS_ALL, 0) == STATUS_OK);
	CHECK(info(14).badge == (16ull << 32 | 32));
	CHECK(mint(ROOT, 15, MEMORY, RIGHTS_ALL, 65) == ERR_ARGUMENT);
	CHECK(mint(ROOT, 15, MEMORY, RIGHTS_ALL, 64ull << 32 | 1) ==
	      ERR_ARGUMENT);
	CHECK(mint(ROOT, 15, MEMORY, RIGHTS_ALL, 64) == STATUS_OK);
}

// A delete in the middle keeps what was derived below the one above.
static void test_forest(void)
{
	struct cap_ref at;

	start();
	CHECK(copy(ROOT, 8, ENDPOINT) == STATUS_OK);
	CHECK(copy(ROOT, 9, 8) == STATUS_OK);
	CHECK(copy(ROOT, 10, 9) == STATUS_OK);
	CHECK(copy(ROOT, 11, ENDPOINT) == STATUS_OK);
	CHECK(delete (ROOT, 9) == STATUS_OK);
	CHECK(revoke(ROOT, 8) == STATUS_OK);
	CHECK(look(10, OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look(8, OBJECT_ANY, 0) == STATUS_OK);
	CHECK(look(11, OBJECT_ANY, 0) == STATUS_OK);
	// Long: the call comes back many times.
	for (u32 i = 0; i < 1000; i++)
		CHECK(copy(INNER, i, i % 3 ? IN(i - 1) : 8) == STATUS_OK);
	at = cap_of(ROOT);
	CHECK(sysk_cap_revoke(self, &at, 8) == STATUS_RESTART);
	CHECK(revoke(ROOT, 8) == STATUS_OK);
	for (u32 i = 0; i < 1000; i++)
		CHECK(look(IN(i), OBJECT_ANY, 0) == ERR_HANDLE);
	CHECK(look(11, OBJECT_ANY, 0) == STATUS_OK);
	// Revoking what is used without its lock waits for the other CPUs.
	u32 waits = fake_quiesces;
	CHECK(revoke(ROOT, ENDPOINT) == STATUS_OK && fake_quiesces == waits);
	CHECK(revoke(ROOT, INNER) == STATUS_OK && fake_quiesces == waits + 1);
	CHECK(look(READER, OBJECT_ANY, 0) == ERR_HANDLE);
	// The last reference destroys.
	CHECK(delete (ROOT, ENDPOINT) == STATUS_OK);
	fake_settle();
	CHECK(fake_destroyed[OBJECT_ENDPOINT] == 1);
	CHECK(move(ROOT, FREE, NOTE) == STATUS_OK);
	CHECK(delete (ROOT, FREE) == STATUS_OK);
	fake_settle();
	CHECK(fake_destroyed[OBJECT_NOTIFICATION] == 1);
}

// A capability that goes between look-up and use.
static void test_changed(void)
{
	struct cap_ref cap;
	struct slot slot;
	struct endpoint *endpoint;

	start();
	CHECK(copy(ROOT, 8, ENDPOINT) == STATUS_OK);
	cap = cap_of(8);
	CHECK(delete (ROOT, 8) == STATUS_OK);
	CHECK(cap_lock(&cap) == ERR_DEAD);
	slot_init(&slot, self, HOLDER_THREAD_FAULT);
	CHECK(cap_refer(&slot, &cap) == ERR_DEAD && !slot.word);
	CHECK(cap_derive(root, 9, &cap, RIGHTS_ALL, 0) == ERR_DEAD);
	CHECK(!slot_word(&root->slots[9]));
	CHECK(mint(ROOT, 8, ENDPOINT, RIGHTS_ALL, 3) == STATUS_OK);
	CHECK(cap_lock(&cap) == ERR_DEAD); // same word, other badge
	cap = cap_of(INNER);
	CHECK(delete (ROOT, INNER) == STATUS_OK);
	CHECK(endpoint_create(pool, 0, &endpoint) == STATUS_OK);
	CHECK(cap_install(&cap, 3, &endpoint->object, RIGHTS_ALL, 0) ==
	      ERR_DEAD);
	object_condemn(&endpoint->object);
	// The cnode is dead when its last capability went.
	CHECK(delete (ROOT, READER) == STATUS_OK);
	CHECK(delete (ROOT, WRITER) == STATUS_OK);
	cap = cap_of(8);
	CHECK(cap_derive(inner, 3, &cap, RIGHTS_ALL, 0) == ERR_DEAD);
	fake_settle();
	pool_check(pool);
}

static void test_transfer(void)
{
	start();
	CHECK(mint(ROOT, 8, ENDPOINT, RIGHT_CALL, 5) == STATUS_OK);
	CHECK(mint(ROOT, 9, ENDPOINT, RIGHT_CALL | RIGHT_DERIVE, 6) ==
	      STATUS_OK);
	CHECK(cap_transfer(self, 9, other, 0) != STATUS_OK);
	other->cspace = inner;
	CHECK(cap_transfer(self, 8, other, 0) == ERR_RIGHTS);
	CHECK(cap_transfer(self, 12, other, 0) == ERR_HANDLE);
	CHECK(cap_transfer(self, 9, other, 1024) == ERR_RANGE);
	CHECK(cap_transfer(self, 9, other, 0) == STATUS_OK);
	CHECK(cap_transfer(self, 9, other, 0) == ERR_OCCUPIED);
	CHECK(info(IN(0)).badge == 6);
	CHECK(info(IN(0)).rights == (RIGHT_CALL | RIGHT_DERIVE));
	CHECK(revoke(ROOT, 9) == STATUS_OK);
	CHECK(look(IN(0), OBJECT_ANY, 0) == ERR_HANDLE);
}

static void test_random(u64 seed)
{
	u64 ok = 0;

	start();
	for (u32 step = 0; step < 200000; step++) {
		u32 r = fake_random(&seed);
		u64 source = r % 3 ? IN(r / 3 % 64) : ENDPOINT + r / 3 % 3;
		u32 to = fake_random(&seed) % 64, what = fake_random(&seed);

		switch (what % 8) {
		case 0:
		case 1:
		case 2:
			ok += copy(INNER, to, source) == STATUS_OK;
			break;
		case 3:
			ok += mint(INNER, to, source, what >> 8, what & 64) ==
				STATUS_OK;
			break;
		case 4:
		case 5:
			if (r % 3)
				ok += move(INNER, to, source) == STATUS_OK;
			break;
		case 6:
			ok += delete (INNER, to) == STATUS_OK;
			break;
		default:
			if (what & 8)
				ok += revoke(INNER, to) == STATUS_OK;
		}
		if (step % 256 == 0)
			pool_check(pool);
	}
	CHECK(revoke(ROOT, ENDPOINT) == STATUS_OK);
	CHECK(revoke(ROOT, NOTE) == STATUS_OK);
	CHECK(revoke(ROOT, MEMORY) == STATUS_OK);
	for (u32 i = 0; i < 64; i++)
		CHECK(!slot_word(&inner->slots[i]));
	printf("cap: 200000 random operations, %lu successful\n", ok);
}

static void test_all(void)
{
	test_lookup();
	test_rights();
	test_badges();
	test_forest();
	test_changed();
	test_transfer();
	test_random(0xda942042e4dd58b5);
}

int main(void)
{
	test_all();
	bool caught =
		fake_bug_is_caught(101, "look-up ignores rights", test_all);
	caught &= fake_bug_is_caught(102, "mint keeps all rights", test_all);
	caught &= fake_bug_is_caught(103, "copy without DERIVE", test_all);
	caught &= fake_bug_is_caught(104, "a badge can be changed", test_all);
	caught &= fake_bug_is_caught(105, "a window can be left", test_all);
	caught &= fake_bug_is_caught(106, "a changed capability is used",
				     test_all);
	caught &= fake_bug_is_caught(107, "a dead cnode is filled", test_all);
	return caught ? 0 : 1;
}
