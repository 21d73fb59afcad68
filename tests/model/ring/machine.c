// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See machine.h. A state is the stores that can still be read, the views, the
// stacks of the threads from the stack pointer on, and their local memory. States
// are told apart by 128 bits of hash; the search goes depth first and puts each
// state back from a copy.
#include "tests/model/ring/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bits.h"
#include "lib/base/status.h"
#include "lib/ipc/shared.h"
#include "lib/sys/component.h"

#define STACK_BYTES 16384u
#define STACK_CLEAN 2048u // below the stack pointer: nothing of other runs
#define KEPT_BYTES 1536u // of a stack in a copy
#define LOCAL_BYTES 640u
#define DEPTH_MAX 1000u
#define CHOICES_MAX 64u

u32 seeded_bug;

struct view {
	u8 from[WORDS_MAX]; // the oldest store that may be read, by number
	u64 known; // accesses to contents that happened before: bits
};

struct store {
	u64 value;
	struct view view; // what who acquires it sees
	u64 joined; // a swap's: nothing can come between it and the one before
};

struct word {
	u64 stores;
	struct store store[STORES_MAX];
};

enum kind : u32 { LOAD, STORE, SWAP, SET, CLEAR, FENCE, SIGNAL, WAIT, END };

struct operation {
	enum kind kind;
	u32 word; // or thread, of a signal
	u64 old, value;
	u64 order; // acquire or release
};

struct thread {
	struct operation next;
	u64 result;
	struct view now, acquired, released;
	u64 signalled, successor;
	u64 history; // of results, since the last machine_boundary
	struct view signal;
	u64 *stack; // pointer
};

// All that a step may change.
static struct machine {
	u64 content[CONTENTS_MAX];
	struct view fence;
	struct thread thread[THREADS_MAX];
	u64 died;
	struct word word[WORDS_MAX]; // so many as are in use
} machine;

static struct {
	const char *name;
	void (*run)(void), (*successor)(void);
	void *local;
	usize bytes;
	bool servant;
	alignas(4096) u8 stack[STACK_BYTES];
} thread_of[THREADS_MAX];
static u32 threads, words, contents;
static const u64 *word_at[WORDS_MAX], *content_at[CONTENTS_MAX];
static u32 current;
static void *explorer_stack;
static const char *violated;
static bool inside; // a thread runs

// ---- threads

void machine_switch(void *save, void *stack);
__asm__(".text\n.globl machine_switch\nmachine_switch:\n"
	"push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
	"mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
	"pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n");

u32 machine_self(void)
{
	return current;
}

static u64 stop_at(struct operation operation)
{
	struct thread *t = &machine.thread[current];

	t->next = operation;
	machine_switch(&t->stack, explorer_stack);
	t->history = (t->history + machine.thread[current].result + 1) * 0x9e3779b97f4a7c15ull;
	t->history ^= t->history >> 29;
	return machine.thread[current].result;
}

void machine_boundary(void)
{
	machine.thread[current].history = 0;
}

void machine_violation(const char *text)
{
	violated = text;
	for (;;)
		stop_at((struct operation){.kind = END});
}

static void thread_main(void)
{
	if (machine.thread[current].successor)
		thread_of[current].successor();
	else
		thread_of[current].run();
	for (;;)
		stop_at((struct operation){.kind = END});
}

static void clean_below(u32 number)
{
	u8 *end = (u8 *)machine.thread[number].stack;

	memset(end - STACK_CLEAN, 0, STACK_CLEAN);
}

// Run a thread to its next access.
static void resume(u32 number)
{
	current = number;
	clean_below(number);
	inside = true;
	machine_switch(&explorer_stack, machine.thread[number].stack);
	inside = false;
}

static void begin(u32 number)
{
	struct thread *t = &machine.thread[number];
	u64 *top = (u64 *)(thread_of[number].stack + STACK_BYTES);

	memset(thread_of[number].stack, 0, STACK_BYTES);
	// Room, aligned as behind a call; where to return to; six registers.
	top -= 3;
	*--top = (u64)thread_main;
	t->stack = top - 6;
	resume(number);
}

// ---- views

static void join(struct view *to, const struct view *from)
{
	for (u32 i = 0; i < words; i++)
		to->from[i] = MAX(to->from[i], from->from[i]);
	to->known |= from->known;
}

static void each_view(void (*act)(struct view *, u64), u64 argument)
{
	for (u32 i = 0; i < threads; i++) {
		struct thread *t = &machine.thread[i];

		act(&t->now, argument);
		act(&t->acquired, argument);
		act(&t->released, argument);
		act(&t->signal, argument);
	}
	act(&machine.fence, argument);
	for (u32 i = 0; i < words; i++)
		for (u32 j = 0; j < machine.word[i].stores; j++)
			act(&machine.word[i].store[j].view, argument);
}

static void forget_access(struct view *view, u64 bit)
{
	view->known &= ~bit;
}

// argument: word << 8 | place of the new store.
static void make_room(struct view *view, u64 argument)
{
	u8 *from = &view->from[argument >> 8];

	*from += *from >= (argument & 0xff);
}

static void drop_stores(struct view *view, u64 argument)
{
	u8 *from = &view->from[argument >> 8];

	*from -= (u8)MIN(*from, argument & 0xff);
}

static void know(struct view *view, u64 bits)
{
	view->known |= bits;
}

// What makes no difference any more is made the same: stores that no thread can
// read, accesses that all know of, and what those know that are at their end.
static void collect(void)
{
	u64 known = ~0ull;

	for (u32 i = 0; i < threads; i++) {
		struct thread *t = &machine.thread[i];

		t->result = 0;
		if (t->next.kind == END)
			t->now = t->acquired = t->released = t->signal =
				(struct view){};
		else
			known &= t->now.known;
	}
	each_view(know, known);
	for (u32 i = 0; i < words; i++) {
		struct word *w = &machine.word[i];
		u32 oldest = (u32)w->stores - 1;

		for (u32 j = 0; j < threads; j++)
			if (machine.thread[j].next.kind != END)
				oldest = MIN(oldest,
					     (u32)machine.thread[j].now.from[i]);
		if (oldest == 0)
			continue;
		each_view(drop_stores, (u64)i << 8 | oldest);
		memmove(w->store, w->store + oldest,
			(w->stores - oldest) * sizeof(w->store[0]));
		w->stores -= oldest;
		w->store[0].joined = false;
	}
}

// ---- accesses by the threads

static u32 find_word(const u64 *word)
{
	for (u32 i = 0; i < words; i++)
		if (word_at[i] == word)
			return i;
	fprintf(stderr, "a word that the test does not name\n");
	abort();
}

static u64 load(const u64 *word, bool order)
{
	// Words that nobody changes are no words of the machine.
	for (u32 i = 0; i < words; i++)
		if (inside && word_at[i] == word)
			return stop_at((struct operation){
				.kind = LOAD, .word = i, .order = order});
	return *word;
}

u64 shared_load(const u64 *word)
{
	return load(word, false);
}

u64 shared_load_acquire(const u64 *word)
{
	return load(word, !RING_BUG(12));
}

static bool is_word(const u64 *word)
{
	for (u32 i = 0; i < words; i++)
		if (word_at[i] == word)
			return true;
	return false;
}

static void store(u64 *word, u64 value, bool order)
{
	if (!inside)
		*word = value;
	else if (is_word(word) || *word != value)
		stop_at((struct operation){.kind = STORE,
					   .word = find_word(word),
					   .value = value,
					   .order = order});
}

void shared_store(u64 *word, u64 value)
{
	store(word, value, false);
}

void shared_store_release(u64 *word, u64 value)
{
	bool frees = (value & 0xffff) == 0;

	store(word, value, !RING_BUG(frees ? 14 : 13));
}

bool shared_swap(u64 *word, u64 old, u64 value)
{
	for (u32 i = 0; i < words; i++)
		if (inside && word_at[i] == word)
			return stop_at((struct operation){
				.kind = SWAP,
				.word = i,
				.old = old,
				.value = value});
	if (*word != old)
		return false;
	if (!inside)
		*word = value;
	return true;
}

static void change(enum kind kind, u64 *word, u64 bits)
{
	if (inside)
		stop_at((struct operation){.kind = kind,
					   .word = find_word(word),
					   .value = bits,
					   .order = true});
	else
		*word = kind == SET ? *word | bits : *word & ~bits;
}

void shared_set(u64 *word, u64 bits)
{
	change(SET, word, bits);
}

void shared_clear(u64 *word, u64 bits)
{
	change(CLEAR, word, bits);
}

void shared_fence(void)
{
	if (inside)
		stop_at((struct operation){.kind = FENCE});
}

enum status sys_signal(struct handle self)
{
	if (inside)
		stop_at((struct operation){.kind = SIGNAL, .word = self.value});
	return STATUS_OK;
}

enum status component_wait(u64 mask, u64 deadline_ns, u64 *bits)
{
	(void)deadline_ns; // no time passes: who relies on it is stuck
	stop_at((struct operation){.kind = WAIT});
	*bits = mask;
	return STATUS_OK;
}

// Bits of an access to contents: its last writing, and each thread's last reading.
static u64 written_bit(u32 content)
{
	return BIT(content * (THREADS_MAX + 1) + THREADS_MAX);
}

static u64 read_bits(u32 content)
{
	return (BIT(THREADS_MAX) - 1) << content * (THREADS_MAX + 1);
}

// Nothing of other threads can come between these and what their thread does
// before and behind: no need to stop.
static void put_one(u32 i, u64 value)
{
	struct view *now = &machine.thread[current].now;
	u64 bit = written_bit(i), before = bit | read_bits(i);

	if ((now->known & before) != before)
		machine_violation("race: written while others write or read");
	each_view(forget_access, bit);
	now->known |= bit;
	machine.content[i] = value;
}

static u64 get_one(u32 i)
{
	struct view *now = &machine.thread[current].now;
	u64 bit = BIT(i * (THREADS_MAX + 1) + current);

	if (!(now->known & written_bit(i)))
		machine_violation("race: read while another writes");
	each_view(forget_access, bit);
	now->known |= bit;
	return machine.content[i];
}

// Is this word of the contents among bytes from there? Its place among them.
static bool among(u32 i, const u64 *from, u32 bytes, u32 *place)
{
	u64 at = (u64)content_at[i] - (u64)from;

	*place = (u32)at;
	return at < bytes;
}

void shared_put(u64 *to, const void *data, u32 bytes)
{
	u32 place, words_there = 0;
	u64 value;

	for (u32 i = 0; i < contents; i++) {
		if (!among(i, to, bytes, &place))
			continue;
		memcpy(&value, (const u8 *)data + place, 8);
		if (inside)
			put_one(i, value);
		else
			machine.content[i] = value;
		words_there++;
	}
	MUST(words_there != 0 || !inside);
}

void shared_get(void *data, const u64 *from, u32 bytes)
{
	u32 place, words_there = 0;
	u64 value;

	memset(data, 0, bytes);
	for (u32 i = 0; i < contents; i++) {
		if (!among(i, from, bytes, &place))
			continue;
		value = get_one(i);
		memcpy((u8 *)data + place, &value, 8);
		words_there++;
	}
	MUST(words_there != 0);
}

// ---- what a step may do

struct choice {
	u8 thread;
	bool dies;
	u8 place; // store that is read, or behind which the new one comes
};

struct frame {
	struct machine machine;
	u8 stack[THREADS_MAX][KEPT_BYTES];
	u8 local[THREADS_MAX][LOCAL_BYTES];
	u32 next, nchoices;
	struct choice choice[CHOICES_MAX];
};

static struct frame *frames;
static u32 depth;

static bool can_follow(const struct word *w, u32 place)
{
	return place + 1ull == w->stores || !w->store[place + 1].joined;
}

static bool possible(const struct operation *o, u32 place)
{
	const struct word *w = &machine.word[o->word];

	switch (o->kind) {
	case STORE:
	case SET:
	case CLEAR:
		return can_follow(w, place);
	case SWAP:
		return w->store[place].value != o->old || can_follow(w, place);
	default:
		return true;
	}
}

static u32 choices_of(u32 number, struct choice *out)
{
	const struct thread *t = &machine.thread[number];
	const struct operation *o = &t->next;
	u32 n = 0;

	if (o->kind == END)
		return 0;
	if (thread_of[number].successor && !machine.died)
		out[n++] = (struct choice){.thread = (u8)number, .dies = true};
	switch (o->kind) {
	case WAIT:
		if (!t->signalled)
			return n;
		[[fallthrough]];
	case FENCE:
	case SIGNAL:
		out[n++] = (struct choice){.thread = (u8)number};
		return n;
	default:
		for (u32 i = t->now.from[o->word];
		     i < machine.word[o->word].stores; i++)
			if (possible(o, i))
				out[n++] = (struct choice){(u8)number, false,
							   (u8)i};
		return n;
	}
}

static void insert(struct thread *t, struct word *w, u32 place, u64 value,
		   bool joined, u64 release)
{
	u32 number = (u32)(w - machine.word);
	struct store *s;

	if (w->stores == STORES_MAX) {
		fprintf(stderr, "too many stores to one word\n");
		abort();
	}
	memmove(w->store + place + 2, w->store + place + 1,
		(w->stores - place - 1) * sizeof(*s));
	w->stores++;
	s = &w->store[place + 1];
	*s = (struct store){.value = value, .joined = joined};
	each_view(make_room, (u64)number << 8 | (place + 1));
	t->now.from[number] = (u8)(place + 1);
	t->acquired.from[number] =
		MAX(t->acquired.from[number], (u8)(place + 1));
	s->view = release ? t->now : t->released;
	s->view.from[number] = (u8)(place + 1);
	// A swap continues what a release began.
	if (joined)
		join(&s->view, &w->store[place].view);
}

static void read_store(struct thread *t, const struct word *w, u32 place,
		       bool acquire)
{
	const struct store *s = &w->store[place];

	t->now.from[w - machine.word] = (u8)place;
	join(&t->acquired, &t->now);
	join(&t->acquired, &s->view);
	if (acquire)
		join(&t->now, &s->view);
}

static void access(struct thread *t, u32 place)
{
	const struct operation *o = &t->next;
	struct word *w = &machine.word[o->word];

	switch (o->kind) {
	case LOAD:
		t->result = w->store[place].value;
		read_store(t, w, place, o->order);
		return;
	case STORE:
		insert(t, w, place, o->value, false, o->order);
		return;
	case SET:
	case CLEAR:
		t->result = w->store[place].value;
		read_store(t, w, place, true);
		insert(t, w, place,
		       o->kind == SET ? t->result | o->value
				      : t->result & ~o->value,
		       true, true);
		return;
	default:
		t->result = w->store[place].value == o->old;
		read_store(t, w, place, t->result && o->order);
		if (t->result)
			insert(t, w, place, o->value, true, false);
	}
}

static void step(const struct choice *choice)
{
	struct thread *t = &machine.thread[choice->thread], *other;

	t->result = 0;
	if (choice->dies) {
		machine.died = true;
		t->successor = true;
		join(&t->now, &t->acquired); // the kernel's order
		begin(choice->thread);
		return;
	}
	switch (t->next.kind) {
	case FENCE:
		join(&t->now, &t->acquired);
		join(&t->now, &machine.fence);
		machine.fence = t->acquired = t->released = t->now;
		break;
	case SIGNAL:
		other = &machine.thread[t->next.word];
		other->signalled = true;
		join(&other->signal, &t->now);
		break;
	case WAIT:
		t->signalled = false;
		join(&t->now, &t->signal);
		t->signal = (struct view){};
		join(&t->acquired, &t->now);
		break;
	default:
		access(t, choice->place);
	}
	resume(choice->thread);
}

// ---- states

static u32 kept_bytes(u32 number)
{
	u8 *end = thread_of[number].stack + STACK_BYTES;
	u32 bytes = (u32)(end - (u8 *)machine.thread[number].stack);

	if (bytes > KEPT_BYTES) {
		fprintf(stderr, "a stack of %u bytes\n", bytes);
		abort();
	}
	return bytes;
}

static void copy_machine(struct machine *to, const struct machine *from)
{
	memcpy(to, from, OFFSET_OF(struct machine, word));
	for (u32 i = 0; i < words; i++)
		memcpy(&to->word[i], &from->word[i],
		       OFFSET_OF(struct word, store) +
			       from->word[i].stores * sizeof(struct store));
}

static void save(struct frame *f)
{
	copy_machine(&f->machine, &machine);
	for (u32 i = 0; i < threads; i++) {
		memcpy(f->stack[i], machine.thread[i].stack, kept_bytes(i));
		memcpy(f->local[i], thread_of[i].local, thread_of[i].bytes);
	}
}

static void put_back(const struct frame *f)
{
	copy_machine(&machine, &f->machine);
	for (u32 i = 0; i < threads; i++) {
		memcpy(machine.thread[i].stack, f->stack[i], kept_bytes(i));
		memcpy(thread_of[i].local, f->local[i], thread_of[i].bytes);
	}
}

static u64 hash[2];

static void mix(const void *data, usize bytes)
{
	const u64 *word = data;

	for (usize i = 0; i < bytes / 8; i++) {
		unsigned __int128 product =
			(unsigned __int128)(hash[0] ^ word[i]) *
			0x9e3779b97f4a7c15ull;

		hash[0] = (u64)product ^ (hash[1] * 0xd6e8feb86659fd93ull);
		hash[1] = (u64)(product >> 64) + (hash[1] << 23 | hash[1] >> 41) +
			word[i];
	}
}

static void hash_state(void)
{
	hash[0] = 0x243f6a8885a308d3;
	hash[1] = 0x13198a2e03707344;
	for (u32 i = 0; i < words; i++) {
		mix(&machine.word[i].stores, 8);
		mix(machine.word[i].store,
		    machine.word[i].stores * sizeof(struct store));
	}
	mix(machine.content, sizeof(machine.content));
	mix(&machine.fence, sizeof(machine.fence));
	for (u32 i = 0; i < threads; i++) {
		struct thread *t = &machine.thread[i];

		mix(t, OFFSET_OF(struct thread, stack));
		mix(thread_of[i].local, thread_of[i].bytes);
	}
	mix(&machine.died, 8);
}

struct entry {
	u64 key[2];
};
static struct entry *table;
static u64 table_size, table_used;

static struct entry *table_find(const u64 key[2])
{
	u64 i = key[0] & (table_size - 1);

	while ((table[i].key[0] | table[i].key[1]) &&
	       (table[i].key[0] != key[0] || table[i].key[1] != key[1]))
		i = (i + 1) & (table_size - 1);
	return &table[i];
}

static void table_grow(void)
{
	struct entry *old = table;
	u64 size = table_size;

	table_size = size ? size * 2 : 1 << 16;
	table = calloc(table_size, sizeof(*table));
	if (!table) {
		fprintf(stderr, "no memory for %lu states\n", table_used);
		abort();
	}
	for (u64 i = 0; i < size; i++)
		if (old[i].key[0] | old[i].key[1])
			*table_find(old[i].key) = old[i];
	free(old);
}

// True if the state is new.
static bool note_state(void)
{
	struct entry *entry;

	if (table_used * 2 >= table_size)
		table_grow();
	hash_state();
	entry = table_find(hash);
	if (entry->key[0] | entry->key[1])
		return false;
	entry->key[0] = hash[0];
	entry->key[1] = hash[1];
	table_used++;
	return true;
}

// ---- the search

static void print_run(void)
{
	static const char *const what[] = {"load",  "store", "swap",
					   "set",   "clear", "fence",
					   "signal", "wait", "end"};

	// The last one may have had nowhere to go.
	for (u32 i = 0; i < depth && frames[i].next != 0; i++) {
		const struct frame *f = &frames[i];
		const struct choice *c = &f->choice[f->next - 1];
		const struct operation *o = &f->machine.thread[c->thread].next;

		printf("  %s: ", thread_of[c->thread].name);
		if (c->dies)
			printf("dies at ");
		printf("%s", what[o->kind]);
		if (o->kind <= CLEAR)
			printf(" word %u, %u of %lu stores", o->word, c->place,
			       f->machine.word[o->word].stores);
		if (o->kind == LOAD)
			printf(" (%#lx)",
			       f->machine.word[o->word].store[c->place].value);
		if (o->kind >= STORE && o->kind <= CLEAR)
			printf(" := %#lx", o->value);
		if (o->kind == SIGNAL)
			printf(" to %s", thread_of[o->word].name);
		printf("\n");
	}
}

// A new state: is there something to complain about; where can it go?
static void enter(struct outcome *outcome)
{
	struct frame *f = &frames[depth];
	bool ended = true;

	if (depth == DEPTH_MAX) {
		violated = "a run without end";
		return;
	}
	save(f);
	f->next = f->nchoices = 0;
	for (u32 i = 0; i < threads; i++) {
		f->nchoices += choices_of(i, f->choice + f->nchoices);
		ended &= thread_of[i].servant ||
			machine.thread[i].next.kind == END;
	}
	depth++;
	outcome->deepest = MAX(outcome->deepest, depth);
	outcome->ends += ended && f->nchoices == 0;
	if (f->nchoices == 0 && !ended)
		violated = "stuck: a wake-up was lost";
}

struct outcome machine_explore(u64 state_limit, bool trace)
{
	struct outcome outcome = {};

	if (!frames)
		frames = calloc(DEPTH_MAX + 1, sizeof(*frames));
	free(table);
	table = nullptr;
	table_size = table_used = 0;
	for (u32 i = 0; i < words; i++) {
		machine.word[i].stores = 1;
		machine.word[i].store[0].value = *word_at[i];
		machine.word[i].store[0].view.known = ~0ull;
	}
	machine.fence.known = ~0ull;
	for (u32 i = 0; i < threads; i++) {
		struct thread *t = &machine.thread[i];

		t->now.known = t->acquired.known = t->released.known = ~0ull;
		t->signal.known = ~0ull;
	}
	for (u32 i = 0; i < threads; i++)
		begin(i);
	depth = 0;
	(void)note_state();
	enter(&outcome);
	while (depth != 0 && !violated) {
		struct frame *f = &frames[depth - 1];

		if (f->next == f->nchoices) {
			depth--;
			continue;
		}
		put_back(f);
		step(&f->choice[f->next++]);
		outcome.steps++;
		if (violated)
			break;
		collect();
		if (note_state())
			enter(&outcome);
		if (state_limit != 0 && table_used > state_limit)
			violated = "more states than allowed";
	}
	outcome.violation = violated;
	outcome.states = table_used;
	if (violated && trace)
		print_run();
	return outcome;
}

void machine_reset(void)
{
	memset(&machine, 0, sizeof(machine));
	threads = words = contents = 0;
	violated = nullptr;
}

void machine_word(const u64 *word)
{
	word_at[words++] = word;
}

void machine_content(const u64 *word)
{
	content_at[contents++] = word;
}

void machine_thread(const char *name, void (*run)(void), void (*successor)(void),
		    void *local, usize bytes)
{
	thread_of[threads].name = name;
	thread_of[threads].run = run;
	thread_of[threads].successor = successor;
	thread_of[threads].local = local;
	thread_of[threads].bytes = bytes;
	thread_of[threads].servant = false;
	threads++;
}

void machine_servant(void)
{
	thread_of[threads - 1].servant = true;
}
