// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Capabilities: copy, mint, move, delete, revoke, info, nested cnodes, and that
// revoking is exact: nothing derived stays, nothing else goes.
#include "apps/kernel-test/harness/harness.h"

static void info_is(struct handle cap, u32 type, u32 rights, u64 badge)
{
	u32 type_now, rights_now;
	u64 badge_now;

	OK(sys_cap_info(cap, &type_now, &rights_now, &badge_now));
	SAME(type_now, type);
	SAME(rights_now, rights);
	SAME(badge_now, badge);
}

static struct handle copy_of(struct handle cap)
{
	struct handle made = handle_of(slot_new());

	OK(sys_cap_copy(SELF_CNODE, made.value, cap));
	return made;
}

static void test_info(void)
{
	struct handle one = with_badge(notification(), 0x1234);

	info_is(SELF_CNODE, OBJECT_CNODE, 0xff, 0);
	info_is(SYSTEM, OBJECT_SYSTEM, 0xff, 0);
	info_is(one, OBJECT_NOTIFICATION, 0xff, 0x1234);
	info_is(with_rights(one, RIGHT_SIGNAL), OBJECT_NOTIFICATION,
		RIGHT_SIGNAL, 0x1234);
	SAME(sys_cap_info(NONE, nullptr, nullptr, nullptr), ERR_HANDLE);
}

static void test_copy(void)
{
	struct handle one = notification(), two = copy_of(one);
	struct handle weak = with_rights(one, 0xff & ~RIGHT_DERIVE);
	u32 free = slot_new();

	info_is(two, OBJECT_NOTIFICATION, 0xff, 0);
	info_is(copy_of(with_badge(one, 5)), OBJECT_NOTIFICATION, 0xff, 5);
	SAME(sys_cap_copy(SELF_CNODE, free, NONE), ERR_HANDLE);
	SAME(sys_cap_copy(SELF_CNODE, free, handle_of(SLOT_NEVER)), ERR_HANDLE);
	SAME(sys_cap_copy(SELF_CNODE, two.value, one), ERR_OCCUPIED);
	SAME(sys_cap_copy(SELF_CNODE, 256, one), ERR_RANGE);
	SAME(sys_cap_copy(SELF_CNODE, 0xffffffff, one), ERR_RANGE);
	SAME(sys_cap_copy(SELF_CNODE, free, weak), ERR_RIGHTS);
	CHECK(!slot_full(handle_of(free)));
	// Both name the same object.
	OK(sys_signal(one));
	OK(sys_poll(two, 1, nullptr));
}

static void test_mint(void)
{
	struct handle one = notification(), less, badged;
	struct handle weak = with_rights(one, 0xff & ~RIGHT_DERIVE);
	u32 free = slot_new();
	u64 bits = 0;

	less = with_rights(one, RIGHT_WAIT | RIGHT_DERIVE);
	// Rights only shrink.
	info_is(with_rights(less, ~0u), OBJECT_NOTIFICATION,
		RIGHT_WAIT | RIGHT_DERIVE, 0);
	SAME(sys_signal(less), ERR_RIGHTS);
	badged = with_badge(one, 0x30);
	OK(sys_signal(badged));
	OK(sys_poll(one, ~0ull, &bits));
	SAME(bits, 0x30);
	SAME(sys_cap_mint(SELF_CNODE, free, badged, ~0u, 7), ERR_ARGUMENT);
	SAME(sys_cap_mint(SELF_CNODE, free, SELF_CNODE, ~0u, 7), ERR_ARGUMENT);
	SAME(sys_cap_mint(SELF_CNODE, free, NONE, ~0u, 0), ERR_HANDLE);
	SAME(sys_cap_mint(SELF_CNODE, one.value, one, ~0u, 0), ERR_OCCUPIED);
	SAME(sys_cap_mint(SELF_CNODE, 256, one, ~0u, 0), ERR_RANGE);
	SAME(sys_cap_mint(SELF_CNODE, free, weak, ~0u, 0), ERR_RIGHTS);
	info_is(with_rights(one, 0), OBJECT_NOTIFICATION, 0, 0);
}

static void test_window(void)
{
	struct handle memory = memory_of(8 * PAGE_BYTES);
	struct handle window = with_badge(memory, 2ull << 32 | 3);
	struct handle inner = with_badge(window, 3ull << 32 | 2);
	u32 free = slot_new();
	u64 size = 0;

	OK(sys_memory_info(window, &size, nullptr, nullptr, nullptr));
	SAME(size, 3 * PAGE_BYTES);
	map_at(memory, AREA, 8 * PAGE_BYTES, MAP_READ | MAP_WRITE);
	map_at(inner, AREA + 0x100000, 2 * PAGE_BYTES, MAP_READ);
	for (u64 i = 0; i < 8; i++)
		*word_at(AREA + i * PAGE_BYTES) = 100 + i;
	SAME(*word_at(AREA + 0x100000), 103);
	SAME(*word_at(AREA + 0x101000), 104);
	// Never more than the window it is cut from.
	SAME(sys_cap_mint(SELF_CNODE, free, window, ~0u, 1ull << 32 | 2),
	     ERR_ARGUMENT);
	SAME(sys_cap_mint(SELF_CNODE, free, window, ~0u, 2ull << 32 | 4),
	     ERR_ARGUMENT);
	SAME(sys_cap_mint(SELF_CNODE, free, memory, ~0u, 8ull << 32 | 1),
	     ERR_ARGUMENT);
	SAME(sys_cap_mint(SELF_CNODE, free, memory, ~0u, 1ull << 32),
	     ERR_ARGUMENT);
	SAME(sys_cap_mint(SELF_CNODE, free, memory, ~0u,
			  0xffffffffull << 32 | 0xffffffff),
	     ERR_ARGUMENT);
	SAME(sys_aspace_map(SELF_ASPACE, window, PAGE_BYTES, AREA + 0x200000,
			    3 * PAGE_BYTES, MAP_READ),
	     ERR_RANGE);
}

static void test_move(void)
{
	struct handle one = notification(), two = copy_of(one);
	struct handle to = handle_of(slot_new());

	OK(sys_cap_move(SELF_CNODE, to.value, two));
	CHECK(!slot_full(two));
	info_is(to, OBJECT_NOTIFICATION, 0xff, 0);
	SAME(sys_cap_move(SELF_CNODE, two.value, two), ERR_HANDLE);
	SAME(sys_cap_move(SELF_CNODE, one.value, to), ERR_OCCUPIED);
	SAME(sys_cap_move(SELF_CNODE, to.value, to), ERR_OCCUPIED);
	SAME(sys_cap_move(SELF_CNODE, 256, to), ERR_RANGE);
	// It kept its place among the derived ones.
	OK(slot_revoke(one));
	CHECK(!slot_full(to) && slot_full(one));
}

static void test_delete(void)
{
	struct handle a = notification(), b = copy_of(a), c = copy_of(b);

	OK(slot_delete(b));
	CHECK(!slot_full(b) && slot_full(c));
	// The children of b are a's now.
	OK(slot_revoke(a));
	CHECK(!slot_full(c) && slot_full(a));
	SAME(sys_cap_delete(SELF_CNODE, 256), ERR_RANGE);
	OK(slot_delete(b)); // empty already
	OK(sys_signal(a));
	OK(slot_delete(a));
	SAME(sys_signal(a), ERR_HANDLE);
}

static void test_revoke(void)
{
	struct handle root = notification(), a = copy_of(root);
	struct handle b = copy_of(root), a1 = copy_of(a), a2 = copy_of(a);
	struct handle a11 = copy_of(a1), b1 = copy_of(b), a3 = copy_of(a);

	OK(slot_revoke(a));
	CHECK(slot_full(root) && slot_full(a) && slot_full(b) && slot_full(b1));
	CHECK(!slot_full(a1) && !slot_full(a2) && !slot_full(a11) &&
	      !slot_full(a3));
	OK(slot_revoke(a)); // nothing left: fine
	SAME(slot_revoke(a1), ERR_HANDLE);
	SAME(sys_cap_revoke(SELF_CNODE, 256), ERR_RANGE);
	OK(slot_revoke(root));
	CHECK(slot_full(root) && !slot_full(a) && !slot_full(b) &&
	      !slot_full(b1));
	OK(sys_signal(root));
}

// More than one step of the kernel can undo: a wide tree and a deep one.
static void test_revoke_many(void)
{
	struct handle cnode = make(OBJECT_CNODE, 12, 0);
	struct handle root = notification();
	u64 state = 7;

	for (u32 i = 0; i < 2000; i++)
		OK(sys_cap_copy(cnode, i, root));
	OK(slot_revoke(root));
	for (u32 i = 0; i < 4096; i++)
		CHECK(!slot_full(handle_of(cnode.value << 16 | i)));
	OK(sys_cap_copy(cnode, 0, root));
	for (u32 i = 1; i < 2000; i++)
		OK(sys_cap_copy(cnode, i,
				handle_of(cnode.value << 16 | (i - 1))));
	OK(sys_cap_revoke(cnode, 1000));
	for (u32 i = 0; i < 2000; i++)
		SAME(slot_full(handle_of(cnode.value << 16 | i)), i <= 1000);
	for (u32 i = 0; i < 300; i++)
		OK(sys_cap_delete(cnode, (u32)random_next(&state) % 1000));
	OK(slot_revoke(root));
	for (u32 i = 0; i < 2000; i++)
		CHECK(!slot_full(handle_of(cnode.value << 16 | i)));
}

static void test_nested(void)
{
	struct handle cnode = make(OBJECT_CNODE, 3, 0);
	struct handle blind = with_rights(cnode, RIGHT_WRITE | RIGHT_DERIVE);
	struct handle fixed = with_rights(cnode, RIGHT_READ | RIGHT_DERIVE);
	struct handle one = notification();
	u32 to = slot_new();

	OK(sys_cap_copy(cnode, 5, one));
	OK(sys_signal(handle_of(cnode.value << 16 | 5)));
	OK(sys_poll(handle_of(fixed.value << 16 | 5), 1, nullptr));
	SAME(sys_signal(handle_of(blind.value << 16 | 5)), ERR_HANDLE);
	SAME(sys_signal(handle_of(cnode.value << 16 | 4)), ERR_HANDLE);
	SAME(sys_signal(handle_of(cnode.value << 16 | 8)), ERR_HANDLE);
	SAME(sys_signal(handle_of(one.value << 16 | 5)), ERR_HANDLE);
	SAME(sys_cap_copy(cnode, 8, one), ERR_RANGE);
	SAME(sys_cap_copy(fixed, 4, one), ERR_RIGHTS);
	SAME(sys_cap_move(SELF_CNODE, to, handle_of(fixed.value << 16 | 5)),
	     ERR_HANDLE);
	OK(sys_cap_move(SELF_CNODE, to, handle_of(cnode.value << 16 | 5)));
	// A cnode that holds itself goes away with its last outer capability.
	OK(sys_cap_copy(cnode, 0, cnode));
	OK(slot_revoke(cnode));
	CHECK(!slot_full(handle_of(cnode.value << 16)));
}

static void reader(struct worker *self)
{
	self->result[0] = *word_at(self->argument[0]);
	self->result[1] = 1;
	self->result[0] = *word_at(self->argument[0]);
	self->result[1] = 2;
}

// Revoking takes mappings with it: who touches the page faults.
static void test_revoke_mapping(void)
{
	struct handle memory = memory_of(2 * PAGE_BYTES);
	struct handle lent = copy_of(memory), faults = endpoint();
	struct worker *worker;
	struct fault fault;

	map_at(memory, AREA, PAGE_BYTES, MAP_READ | MAP_WRITE);
	*word_at(AREA) = 42;
	map_at(lent, AREA + 0x10000, PAGE_BYTES, MAP_READ | MAP_WRITE);
	SAME(*word_at(AREA + 0x10000), 42);
	OK(slot_revoke(memory));
	SAME(slot_full(lent), false);
	worker = worker_new(reader);
	worker->fault = faults;
	worker->argument[0] = AREA + 0x10000;
	worker_start(worker);
	CHECK(fault_receive(faults, &fault));
	SAME(fault.kind, FAULT_ACCESS);
	SAME(fault.address, AREA + 0x10000);
	SAME(worker->result[1], 0);
	// The owner's own mapping hangs on its own capability: derived, too.
	kill(worker);
	unmap(AREA + 0x10000, PAGE_BYTES);
	unmap(AREA, PAGE_BYTES);
	map_at(memory, AREA, PAGE_BYTES, MAP_READ);
	SAME(*word_at(AREA), 42);
}

static void test_keep(void)
{
	struct handle memory = memory_of(PAGE_BYTES), lent = copy_of(memory);

	map_at(lent, AREA, PAGE_BYTES, MAP_READ | MAP_WRITE | MAP_KEEP);
	*word_at(AREA) = 42;
	map_at(memory, AREA + 0x10000, PAGE_BYTES,
	       MAP_READ | MAP_WRITE | MAP_KEEP);
	SAME(*word_at(AREA + 0x10000), 42);
	OK(slot_revoke(memory));
	SAME(*word_at(AREA), 0);
	*word_at(AREA) = 7; // goes nowhere, does no harm
	*word_at(AREA + 0x10000) = 8;
	map_at(memory, AREA + 0x20000, PAGE_BYTES, MAP_READ);
	SAME(*word_at(AREA + 0x20000), 42);
	// The whole object gone.
	OK(slot_delete(memory));
	(void)*word_at(AREA);
}

static void caller(struct worker *self)
{
	struct message message = {.nwords = 1, .word = {77}};

	self->result[0] = (u64)ipc_call(handle_of((u32)self->argument[0]),
					&message, self->argument[1]);
	self->result[1] = message.word[0];
}

// A message that waits in a queue carries no authority after the revocation.
static void test_revoke_queued(void)
{
	struct handle server = endpoint(), lent = copy_of(server);
	struct handle other = copy_of(server);
	struct worker *first, *second;
	struct message message = {};

	first = worker_run(caller, lent.value, clock_ns() + 10 * SECOND);
	worker_wait_state(first, THREAD_SENDING);
	OK(slot_delete(lent));
	second = worker_run(caller, other.value, clock_ns() + 10 * SECOND);
	worker_wait_state(second, THREAD_SENDING);
	OK(slot_revoke(server));
	SAME(ipc_recv(server, &message, clock_ns() + 5 * MS), ERR_TIMEOUT);
	worker_join(first);
	worker_join(second);
	SAME(first->result[0], ERR_HANDLE);
	SAME(second->result[0], ERR_HANDLE);
}

// The last capability takes the object along, and wakes who waits on it.
static void test_last_delete(void)
{
	struct handle server = endpoint(), bell = notification();
	struct worker *worker = worker_run(caller, server.value, 0);

	worker_wait_state(worker, THREAD_SENDING);
	// The waiting caller names it through the same slot: no reference.
	OK(slot_delete(server));
	worker_join(worker);
	SAME(worker->result[0], ERR_DEAD);
	OK(slot_delete(bell));
	SAME(sys_poll(bell, 1, nullptr), ERR_HANDLE);
}

static void test_cross_cnode(void)
{
	struct handle one = make(OBJECT_CNODE, 4, 0);
	struct handle two = make(OBJECT_CNODE, 4, 0);
	struct handle object = notification();
	struct usage usage;

	OK(sys_cap_copy(one, 1, object));
	OK(sys_cap_copy(two, 1, handle_of(one.value << 16 | 1)));
	OK(sys_cap_move(two, 2, handle_of(one.value << 16 | 1)));
	// Deleting a cnode deletes what is in it, and only that.
	OK(slot_delete(two));
	CHECK(slot_full(object));
	usage_of(CASE_POOL, &usage);
	SAME(usage.objects, 2);
	OK(slot_delete(object));
	OK(slot_delete(one));
	usage_of(CASE_POOL, &usage);
	SAME(usage.objects, 0);
	SAME(usage.pages, 0);
}

// Random operations against a model of the derivation tree kept here.
static void test_model(void)
{
	enum { N = 64 };
	struct handle cnode = make(OBJECT_CNODE, 6, 0);
	static i32 parent[N]; // -1: empty, -2: root
	u64 state = 12345, steps = 20000;

	for (u32 i = 0; i < N; i++)
		parent[i] = -1;
	OK(sys_object_create(CASE_POOL, OBJECT_NOTIFICATION, 0, 0, NONE, cnode,
			     0));
	parent[0] = -2;
	while (steps--) {
		u64 r = random_next(&state);
		u32 a = r % N, b = r >> 8 & (N - 1);
		struct handle from = handle_of(cnode.value << 16 | a);
		enum status want;

		switch (r >> 32 & 7) {
		case 0:
		case 1:
		case 2:
		case 3:
			want = parent[a] == -1	  ? ERR_HANDLE
				: parent[b] != -1 ? ERR_OCCUPIED
						  : STATUS_OK;
			SAME(sys_cap_copy(cnode, b, from), want);
			if (want == STATUS_OK)
				parent[b] = (i32)a;
			break;
		case 4:
			want = parent[b] != -1	  ? ERR_OCCUPIED
				: parent[a] == -1 ? ERR_HANDLE
						  : STATUS_OK;
			SAME(sys_cap_move(cnode, b, from), want);
			if (want != STATUS_OK)
				break;
			parent[b] = parent[a];
			parent[a] = -1;
			for (u32 i = 0; i < N; i++)
				if (parent[i] == (i32)a)
					parent[i] = (i32)b;
			break;
		case 5:
		case 6:
			if (parent[a] == -2)
				break;
			OK(sys_cap_delete(cnode, a));
			for (u32 i = 0; i < N && parent[a] != -1; i++)
				if (parent[i] == (i32)a)
					parent[i] = parent[a];
			parent[a] = -1;
			break;
		case 7: {
			bool more = true;

			want = parent[a] == -1 ? ERR_HANDLE : STATUS_OK;
			SAME(sys_cap_revoke(cnode, a), want);
			if (want != STATUS_OK)
				break;
			for (u32 i = 0; i < N; i++)
				if (parent[i] == (i32)a)
					parent[i] = -3; // to go
			while (more) {
				more = false;
				for (u32 i = 0; i < N; i++)
					if (parent[i] >= 0 &&
					    parent[parent[i]] == -3)
						parent[i] = -3, more = true;
			}
			for (u32 i = 0; i < N; i++)
				if (parent[i] == -3)
					parent[i] = -1;
			break;
		}
		}
		if (steps % 16)
			continue;
		for (u32 i = 0; i < N; i++)
			SAME(slot_full(handle_of(cnode.value << 16 | i)),
			     parent[i] != -1);
	}
}

const struct test_case suite_caps[] = {
	{"caps.info", test_info, "cap_info ok", 0},
	{"caps.copy", test_copy,
	 "cap_copy ok;cap_copy error HANDLE;cap_copy error OCCUPIED;"
	 "cap_copy error RANGE;cap_copy error RIGHTS",
	 0},
	{"caps.mint", test_mint,
	 "cap_mint ok;cap_mint error HANDLE;cap_mint error OCCUPIED;"
	 "cap_mint error RANGE;cap_mint error RIGHTS;cap_mint error ARGUMENT",
	 0},
	{"caps.window", test_window, nullptr, 0},
	{"caps.move", test_move,
	 "cap_move ok;cap_move error HANDLE;cap_move error OCCUPIED;"
	 "cap_move error RANGE",
	 0},
	{"caps.delete", test_delete, "cap_delete ok;cap_delete error RANGE", 0},
	{"caps.revoke", test_revoke,
	 "cap_revoke ok;cap_revoke error RANGE;cap_revoke error HANDLE", 0},
	{"caps.revoke-many", test_revoke_many, nullptr, 0},
	{"caps.nested", test_nested, nullptr, 0},
	{"caps.revoke-mapping", test_revoke_mapping, nullptr, 0},
	{"caps.keep", test_keep, nullptr, 0},
	{"caps.revoke-queued", test_revoke_queued, nullptr, 0},
	{"caps.last-delete", test_last_delete, "call error DEAD", 0},
	{"caps.cross-cnode", test_cross_cnode, nullptr, 0},
	{"caps.model", test_model, nullptr, 0},
	{}};
