// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Every sequence of capability operations up to a length, on the kernel's own
// code, against the model: two cnodes with three slots each, up to three objects
// beside the pool they come from (endpoints and pools, carved at any depth).
// Breadth first; a state reached again is not looked at again. After each step:
// same status as the model, same capabilities in all slots, forests well-formed
// with the model's parents, rights within the parent's, dead objects gone, the
// pool's and the machine's counts right.
//
//   derivation [length]
//
// Two states are the same when slots, forests (in the kernel's order) and the
// pools of objects are, or would be after exchanging slots within a cnode or the
// two cnodes: the code cannot tell them apart but by their addresses. Which
// memory the allocator chose is left out.
#include "tests/fake_arch/own.h"
#include "tests/fake_arch/fake.h"
#include "tests/model/derivation/model.h"
#include "tests/model/seen.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/mm/frame.h"
#include "kernel/object/cap.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/pool.h"
#include "kernel/sched/cpu.h"
#include "lib/base/string.h"

int atoi(const char *text);
void *realloc(void *memory, usize size);

#define LENGTH_MAX 12

enum { ROOT = 1, FIRST_CNODE, SECOND_CNODE, POOL };

// Set up before the state is saved, so that they hold in every state.
static struct pool *first;
static struct thread *self;
static struct cnode *root, *cnode[2];
static u64 free_start, used_start;

static struct model model;
static const char *const kind_name[] = {
	"copy",	  "mint less", "mint final", "mint badge", "move",
	"delete", "revoke",    "create",     "carve",	   "destroy",
};

// ---- the real thing

static struct slot *slot_at(u8 slot)
{
	return slot == POOL_SLOT
		? &root->slots[POOL]
		: &cnode[slot / PER_CNODE]->slots[slot % PER_CNODE];
}

static u32 handle_of(u8 slot)
{
	return slot == POOL_SLOT ? POOL
				 : (u32)(FIRST_CNODE + slot / PER_CNODE) << 16 |
			slot % PER_CNODE;
}

// The cnode that a slot is in, as a capability, and the slot's index there.
static u32 place_of(u8 slot, struct cap_ref *cap)
{
	u64 handle = slot == POOL_SLOT ? ROOT : FIRST_CNODE + slot / PER_CNODE;

	CHECK(cap_lookup(self, handle, OBJECT_CNODE, RIGHT_WRITE, cap) ==
	      STATUS_OK);
	return slot == POOL_SLOT ? POOL : slot % PER_CNODE;
}

static enum status make(struct step step, u32 type, struct object **made)
{
	struct cap_ref pool, at;
	u32 index = place_of(step.to, &at);
	enum status status = cap_lookup(self, handle_of(step.source),
					OBJECT_POOL, RIGHT_CONTROL, &pool);

	if (status != STATUS_OK)
		return status;
	struct pool *from = object_pool(cap_object(&pool));
	u64 limit = from->limit_pages; // 28, 8, 3, 1: enough at any depth
	if (slot_word(slot_at(step.to)))
		return ERR_OCCUPIED;
	status = type == OBJECT_POOL
		? pool_create(from,
			      limit > 8		  ? 8
				      : limit > 3 ? 3
						  : 1,
			      (struct pool **)made)
		: endpoint_create(from, 0, (struct endpoint **)made);
	if (status != STATUS_OK)
		return status;
	status = cap_install(&at, index, *made, RIGHTS_ALL, 0);
	if (status != STATUS_OK)
		object_condemn(*made);
	return status;
}

static enum status destroy(u8 slot)
{
	struct cap_ref pool;
	enum status status;
	u32 tries = 0;

	do {
		status = cap_lookup(self, handle_of(slot), OBJECT_POOL,
				    RIGHT_CONTROL, &pool);
		if (status == STATUS_OK)
			status = sysk_pool_destroy(self, &pool);
		(void)reaper_step();
		CHECK(++tries < 100);
	} while (status == STATUS_RESTART);
	return status;
}

static enum status real_step(struct step step, struct object **made)
{
	struct handle from = {handle_of(step.source)};
	struct cap_ref at;
	u32 index = place_of(step.to, &at);

	switch (step.kind) {
	case COPY:
		return sysk_cap_copy(self, &at, index, from);
	case MINT_LESS:
		return sysk_cap_mint(self, &at, index, from,
				     RIGHT_CALL | RIGHT_CONTROL | RIGHT_DERIVE,
				     0);
	case MINT_FINAL:
		return sysk_cap_mint(self, &at, index, from,
				     RIGHTS_ALL & ~RIGHT_DERIVE, 0);
	case MINT_BADGE:
		return sysk_cap_mint(self, &at, index, from, ~0u, 5);
	case MOVE:
		return sysk_cap_move(self, &at, index, from);
	case DELETE:
		return sysk_cap_delete(self, &at, index);
	case REVOKE:
		return sysk_cap_revoke(self, &at, index);
	case CREATE:
		return make(step, OBJECT_ENDPOINT, made);
	case CARVE:
		return make(step, OBJECT_POOL, made);
	default:
		return destroy(step.source);
	}
}

// ---- comparison

static u8 number_of(const struct slot *slot)
{
	for (u8 i = 0; i < ALL_SLOTS; i++)
		if (slot_at(i) == slot)
			return i;
	CHECK(!"a slot of the forest is none that was filled");
	return NONE;
}

// Of each object: the forest's slots in the kernel's order.
static u32 forest_length[OBJECTS];
static u8 forest[OBJECTS][ALL_SLOTS];

// Walk an object's forest and compare it with the model.
static void compare_forest(u8 number)
{
	struct object *object = model.object[number].real;
	u8 open[ALL_SLOTS];
	u32 depth = 0, count = 0;
	u64 link = (u64)object->roots;

	CHECK(!object->dead && object->type == model.object[number].type);
	(void)slot_check_locked(object);
	forest_length[number] = 0;
	while (link) {
		struct slot *slot = (struct slot *)(link & ~1ull);
		u8 n = number_of(slot);
		const struct model_slot *m = &model.slot[n];

		if (link & 1) {
			CHECK(depth && open[depth - 1] == n);
			depth--;
		} else {
			CHECK(m->object == number);
			CHECK(m->parent == (depth ? open[depth - 1] : NONE));
			if (depth) {
				u8 above = model.slot[open[depth - 1]].rights;

				CHECK(!(word_rights(slot->word) & ~above));
			}
			open[depth++] = n;
			forest[number][forest_length[number]++] = n;
		}
		link = slot->end[link & 1].next;
	}
	for (u32 i = 0; i < ALL_SLOTS; i++)
		count += model.slot[i].object == number;
	CHECK(!depth && count == forest_length[number] && count);
}

static void mix(u64 *hash, u64 value)
{
	*hash = (*hash ^ value) * 0x9e3779b97f4a7c15;
	*hash ^= *hash >> 29;
}

static void check_slots(void)
{
	for (u8 i = 0; i < ALL_SLOTS; i++) {
		const struct model_slot *m = &model.slot[i];
		const struct slot *slot = slot_at(i);

		if (m->object == NONE) {
			CHECK(!slot->word);
			continue;
		}
		CHECK(word_object(slot->word) == model.object[m->object].real);
		CHECK(word_rights(slot->word) == m->rights);
		CHECK(slot->badge == m->badge);
	}
}

static void check_pools(void)
{
	for (u8 i = 0; i < OBJECTS; i++) {
		struct pool *pool = model.object[i].real;
		u64 objects = 0, caps = 0;

		if (model.object[i].type != OBJECT_POOL)
			continue;
		pool_check(pool);
		for (u8 o = 0; o < OBJECTS; o++)
			objects += model.object[o].type &&
				model.object[o].pool == i;
		for (u8 s = 0; s < ALL_SLOTS; s++) {
			u8 o = model.slot[s].object;

			caps += o != NONE && model.object[o].pool == i;
		}
		CHECK(pool->nobjects == objects && pool->ncaps == caps);
		CHECK(objects || !pool->used_pages);
	}
	if (!model.object[0].type) { // with the pool all is gone
		CHECK(first->used_pages == used_start);
		CHECK(frames_free() == free_start);
	}
}

// The orders of slots that are the same to the kernel: slot[i] is the i-th.
#define ORDERS 72
static u8 order[ORDERS][ALL_SLOTS];

static void make_orders(void)
{
	static const u8 of_three[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					  {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	for (u32 n = 0; n < ORDERS; n++) {
		for (u32 i = 0; i < 3; i++) {
			u8 a = of_three[n % 6][i];
			u8 b = (u8)(3 + of_three[n / 6 % 6][i]);

			order[n][i] = n / 36 ? b : a;
			order[n][i + 3] = n / 36 ? a : b;
		}
		order[n][POOL_SLOT] = POOL_SLOT;
	}
}

// What tells this state from others, with the slots in this order.
static u64 hash_in(const u8 *slots)
{
	u8 name[OBJECTS] = {NONE, NONE, NONE, NONE}, named[OBJECTS], names = 0;
	u8 place[ALL_SLOTS];
	u64 hash = 1;

	// Objects are named in the order in which slots show them.
	for (u8 i = 0; i < ALL_SLOTS; i++) {
		const struct model_slot *m = &model.slot[slots[i]];

		place[slots[i]] = i;
		if (m->object != NONE && name[m->object] == NONE) {
			named[names] = m->object;
			name[m->object] = names++;
		}
		mix(&hash,
		    (u64)m->rights << 16 | (u64)m->badge << 8 |
			    (m->object == NONE ? NONE : name[m->object]));
	}
	for (u8 n = 0; n < names; n++) {
		u8 o = named[n], pool = model.object[o].pool;

		mix(&hash,
		    (u64)model.object[o].type << 16 |
			    (pool == NONE ? NONE : name[pool]));
		for (u32 i = 0; i < forest_length[o]; i++) {
			u8 slot = forest[o][i],
			   parent = model.slot[slot].parent;

			mix(&hash,
			    (u64)place[slot] << 8 |
				    (parent == NONE ? NONE : place[parent]));
		}
	}
	return hash;
}

// Compare everything with the model; returns what tells this state from others.
static u64 check_state(void)
{
	u64 least = ~0ull;

	check_slots();
	check_pools();
	for (u8 o = 0; o < OBJECTS; o++)
		if (model.object[o].type)
			compare_forest(o);
	for (u32 n = 0; n < ORDERS; n++) {
		u64 hash = hash_in(order[n]);

		least = hash < least ? hash : least;
	}
	return least;
}

// ---- the search

struct path {
	struct step step[LENGTH_MAX];
};

static struct path *front, *next_front;
static u64 nfront, nnext, next_room;
static struct seen seen;
static u64 ntried, naccepted;
static struct path *at_path;
static u32 at_length;
static struct step at_step;
static void *start_state, *here_state;

static void print_path(void)
{
	if (!at_path)
		return;
	for (u32 i = 0; i <= at_length; i++) {
		struct step s = i < at_length ? at_path->step[i] : at_step;

		printf("  %s to %u from %u\n", kind_name[s.kind], s.to,
		       s.source);
	}
}

static bool room_for_object(void)
{
	for (u32 i = 0; i < OBJECTS; i++)
		if (!model.object[i].type)
			return true;
	return false;
}

// One step in both worlds; true if it changed something.
static bool take_step(struct step step)
{
	struct object *object = nullptr;
	u8 made;
	enum status wanted = model_step(&model, step, &made);
	enum status got = real_step(step, &object);

	fake_settle();
	if (got != wanted)
		printf("%s: got %d, model says %d\n", kind_name[step.kind], got,
		       wanted);
	CHECK(got == wanted);
	if (made != NONE)
		model.object[made].real = object;
	return got == STATUS_OK;
}

static void remember(u32 length)
{
	if (nnext == next_room) {
		next_room = next_room ? next_room * 2 : 1024;
		next_front =
			realloc(next_front, next_room * sizeof *next_front);
		CHECK(next_front);
	}
	next_front[nnext] = *at_path;
	next_front[nnext++].step[length] = at_step;
}

static void try_step(struct step step, const struct model *before, bool last)
{
	if ((step.kind == CREATE || step.kind == CARVE) && !room_for_object())
		return;
	ntried++;
	at_step = step;
	if (!take_step(step)) {
		check_slots(); // a refusal changes nothing
		return;
	}
	naccepted++;
	if (see(&seen, check_state()) && !last)
		remember(at_length);
	fake_restore(here_state);
	model = *before;
}

// All steps from the state at the end of path.
static void expand(struct path *path, u32 length, bool last)
{
	struct model before;

	at_path = path;
	at_length = length;
	fake_restore(start_state);
	model_start(&model);
	model.object[0].real = word_object(slot_at(POOL_SLOT)->word);
	for (u32 i = 0; i < length; i++)
		(void)take_step(path->step[i]);
	fake_save(here_state);
	before = model;
	for (u8 to = 0; to < SLOTS; to++) {
		try_step((struct step){DELETE, to, to}, &before, last);
		for (u8 source = 0; source < ALL_SLOTS; source++)
			for (u8 kind = 0; kind < KINDS; kind++)
				if (kind != DELETE && kind != REVOKE &&
				    kind != DESTROY &&
				    !(kind == MOVE && source == POOL_SLOT))
					try_step(
						(struct step){kind, to, source},
						&before, last);
	}
	for (u8 slot = 0; slot < ALL_SLOTS; slot++) {
		try_step((struct step){REVOKE, slot, slot}, &before, last);
		try_step((struct step){DESTROY, 0, slot}, &before, last);
	}
	try_step((struct step){DELETE, POOL_SLOT, POOL_SLOT}, &before, last);
}

static void set_up(void)
{
	struct pool *pool;

	fake_machine(42, 1);
	first = pool_create_first(frames_free());
	CHECK(thread_create(first, &self) == STATUS_OK);
	CHECK(cnode_create(first, 3, &root) == STATUS_OK);
	CHECK(cnode_create(first, 2, &cnode[0]) == STATUS_OK);
	CHECK(cnode_create(first, 2, &cnode[1]) == STATUS_OK);
	self->cspace = root;
	CHECK(cnode_install(root, ROOT, &root->object, RIGHTS_ALL, 0) ==
	      STATUS_OK);
	for (u32 i = 0; i < 2; i++)
		CHECK(cnode_install(root, FIRST_CNODE + i, &cnode[i]->object,
				    RIGHTS_ALL, 0) == STATUS_OK);
	// Without the pool the page of its own piece would come and go.
	CHECK(pool_create(first, 1, &pool) == STATUS_OK);
	CHECK(cnode_install(root, 7, &pool->object, RIGHTS_ALL, 0) ==
	      STATUS_OK);
	free_start = frames_free();
	used_start = first->used_pages;
	CHECK(pool_create(first, 28, &pool) == STATUS_OK);
	CHECK(cnode_install(root, POOL, &pool->object, RIGHTS_ALL, 0) ==
	      STATUS_OK);
	start_state = malloc(fake_state_bytes());
	here_state = malloc(fake_state_bytes());
	fake_save(start_state);
}

static u32 length_wanted;

static void explore(void)
{
	set_up();
	make_orders();
	fake_panic_hook = print_path;
	seen_forget(&seen);
	ntried = naccepted = 0;
	front = calloc(1, sizeof *front);
	nfront = 1;
	for (u32 length = 0; length < length_wanted; length++) {
		bool last = length + 1 == length_wanted;

		for (u64 i = 0; i < nfront; i++)
			expand(&front[i], length, last);
		free(front);
		front = next_front;
		nfront = nnext;
		next_front = nullptr;
		nnext = next_room = 0;
		if (!seeded_bug)
			printf("length %u: %lu different states, %lu steps "
			       "tried, "
			       "%lu accepted\n",
			       length + 1, seen.count, ntried, naccepted);
		fflush(nullptr);
	}
	free(front);
	free(start_state);
	free(here_state);
}

// ---- in the middle of destruction

#define WALKS 10000
#define WALK_STEPS 40

// What must hold at any time: forests well-formed, rights within the parent's.
static void check_always(void)
{
	for (u8 i = 0; i < ALL_SLOTS; i++) {
		const struct slot *slot = slot_at(i);
		struct slot *open[ALL_SLOTS];
		u32 depth = 0;

		if (!slot->word)
			continue;
		struct object *object = word_object(slot->word);
		(void)slot_check_locked(object);
		for (u64 link = (u64)object->roots; link;) {
			struct slot *s = (struct slot *)(link & ~1ull);

			if (link & 1)
				depth--;
			else
				open[depth++] = s;
			if (!(link & 1) && depth > 1)
				CHECK(!(word_rights(s->word) &
					~word_rights(open[depth - 2]->word)));
			link = s->end[link & 1].next;
		}
	}
	pool_check(first);
}

// Steps at random; the reaper gets its turn only now and then, a destruction is
// begun and left, and its objects are used meanwhile.
static void walk(u64 *seed)
{
	for (u32 n = 0; n < WALK_STEPS; n++) {
		struct step step = {
			(enum kind)(fake_random(seed) % (KINDS + 3)),
			(u8)(fake_random(seed) % SLOTS),
			(u8)(fake_random(seed) % ALL_SLOTS)};
		struct object *made;
		struct cap_ref pool;

		if (step.kind >= KINDS)
			(void)reaper_step();
		else if (step.kind != DESTROY)
			(void)!real_step(step, &made);
		else if (cap_lookup(self, handle_of(step.source), OBJECT_POOL,
				    RIGHT_CONTROL, &pool) == STATUS_OK)
			(void)!sysk_pool_destroy(self, &pool);
		check_always();
	}
	if (slot_at(POOL_SLOT)->word)
		(void)!destroy(POOL_SLOT);
	for (u8 i = 0; i < SLOTS; i++)
		slot_drop(slot_at(i));
	fake_settle();
	CHECK(first->used_pages == used_start && frames_free() == free_start);
}

static void walks(void)
{
	u64 seed = 0x2545f4914f6cdd1d;

	set_up();
	for (u32 i = 0; i < WALKS; i++) {
		fake_restore(start_state);
		walk(&seed);
	}
	free(start_state);
	free(here_state);
	printf("%u random walks of %u steps, destruction in the middle\n",
	       WALKS, WALK_STEPS);
}

int main(int argc, char **argv)
{
	static const struct {
		u32 number;
		const char *what;
	} bug[] = {
		{102, "mint keeps all rights"},
		{103, "copy without DERIVE"},
		{104, "a badge can be changed"},
		{110, "limit not returned"},
		{113, "last reference does not condemn"},
		{131, "copy becomes a sibling"},
		{132, "move forgets the children's end"},
		{133, "move makes a root"},
		{134, "revoke leaves one"},
		{135, "revoke takes the next sibling too"},
		{136, "delete takes the children's closing end"},
		{137, "pool destroyed, objects of child pools stay"},
	};
	bool caught = true;

	length_wanted = argc > 1 ? (u32)atoi(argv[1]) : 5;
	CHECK(length_wanted && length_wanted <= LENGTH_MAX);
	printf("derivation: 2 cnodes of %u slots, %u objects, all sequences of "
	       "up to %u operations\n",
	       PER_CNODE, OBJECTS, length_wanted);
	explore();
	fake_panic_hook = nullptr;
	walks();
	length_wanted = 4;
	for (u32 i = 0; i < ARRAY_COUNT(bug); i++)
		caught &=
			fake_bug_is_caught(bug[i].number, bug[i].what, explore);
	return caught ? 0 : 1;
}
