// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel shell of debug builds: what the kernel knows, asked for on the log
// port. It is looked at twenty times a second from a deadline of the boot CPU, so
// it answers as long as the kernel runs, whatever became of root and the engine.
//
// It only looks. Others run meanwhile: each list is walked under its lock where
// that is free, and said to be busy where it is not; single values may be from
// different moments. Nothing seen here can be reused before this CPU has left the
// kernel (pool.h, grace period). Answers go to the port, not to the log's ring.
#include "kernel/debug/shell.h"
#include "abi/constants.h"
#include "kernel/arch/arch.h"
#include "kernel/object/mapping.h"
#include "kernel/object/cnode.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/memory.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"
#include "kernel/sched/cpu.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"

#define LOOK_NS 50000000ull
#define DEPTH_MAX 5 // pools in pools; a CPU can hold 8 locks
#define LINE_BYTES 64
#define INPUT_MAX 256 // characters of one look

static struct pool *first;
static struct timeout look;
static char line[LINE_BYTES];
static u32 line_used;
static u64 wanted; // the object that a command is about; 0: all

static const char *const type_names[] = {
#define OBJECT(name, number, file, text) [number] = #name,
#include "abi/objects.def"
#undef OBJECT
};

static const char *const state_names[] = {
	"stopped", "ready",   "running", "sending", "receiving",
	"reply",   "waiting", "paging",	 "resting", "faulted"};
static_assert(THREAD_FAULTED == ARRAY_COUNT(state_names) - 1);

[[gnu::format(printf, 1, 2)]] static void say(const char *format, ...)
{
	char text[192];
	va_list values;
	usize length;

	va_start(values, format);
	length = format_string(text, sizeof(text), format, values);
	va_end(values);
	arch_console_write(text, MIN(length, sizeof(text) - 1));
}

// ---- walking

static void for_each(struct pool *pool, enum object_type type, u32 depth,
		     void (*show)(struct object *object))
{
	if (!lock_try(&pool->pool_lock)) {
		say("pool %p: busy\n", pool);
		return;
	}
	LIST_FOR_EACH(node, &pool->objects) {
		struct object *o = LIST_ENTRY(node, struct object, in_pool);

		if (o->type == type && (!wanted || wanted == (u64)o))
			show(o);
		if (o->type == OBJECT_POOL && depth < DEPTH_MAX)
			for_each(object_pool(o), type, depth + 1, show);
	}
	lock_drop(&pool->pool_lock);
}

static bool take(struct object *object, struct lock *lock)
{
	bool taken = lock_try(lock);

	if (!taken)
		say("%s %p: busy\n", type_names[object->type], object);
	return taken;
}

// ---- what there is

static void show_pool(struct object *object)
{
	const struct pool *pool = object_pool(object);

	say("pool %p of %p: %lu of %lu pages, %lu objects, %lu capabilities, "
	    "%lu in limbo%s\n",
	    pool, pool->parent, pool->used_pages, pool->limit_pages,
	    pool->nobjects, pool->ncaps, pool->nlimbo,
	    pool->dying ? ", dying" : "");
}

static void show_thread(struct object *object)
{
	const struct thread *t = object_thread(object);
	const struct object *on = t->wait_on;
	u64 fault[5] = {};

	arch_fault_words(t, fault);
	say("thread %p pool %p cpu %u %s%s priority %u/%u layer %u pc %#lx",
	    object, object->pool, t->cpu ? t->cpu->number : 0,
	    t->state < ARRAY_COUNT(state_names) ? state_names[t->state] : "?",
	    t->stopped ? " (stopped)" : "", t->effective, t->priority, t->layer,
	    fault[2]);
	if (on)
		say(" on %s %p",
		    on->type < ARRAY_COUNT(type_names) ? type_names[on->type] :
							 "?",
		    on);
	if (t->reply_server)
		say(" answered by %p", &t->reply_server->object);
	if (t->timeout.armed)
		say(" until %lu us", t->timeout.node.key / 1000);
	say("\n");
}

static void show_cnode(struct object *object)
{
	const struct cnode *cnode = object_cnode(object);
	u32 nused = 0;

	for (u32 i = 0; i <= cnode->mask; i++) {
		u64 word = slot_word(&cnode->slots[i]);

		if (word_type(word) == OBJECT_NONE)
			continue;
		nused++;
		if (wanted)
			say("  %u: %s %p rights %#x badge %#lx\n", i,
			    type_names[word_type(word)], word_object(word),
			    word_rights(word), cnode->slots[i].badge);
	}
	say("cnode %p pool %p: %u of %u slots used\n", object, object->pool,
	    nused, cnode->mask + 1);
}

// The mapping that starts first at or after an address.
static void show_aspace(struct object *object)
{
	const struct aspace *aspace = object_aspace(object);
	const struct mapping *m;

	say("aspace %p pool %p root %#lx: %lu mappings, %lu tables\n", object,
	    object->pool, aspace->root.value, aspace->nmappings,
	    aspace->table_pages);
	if (!take(object, &object->lock))
		return;
	for (u64 at = 0; (m = mapping_find(aspace, at));
	     at = m->start + m->length)
		say("  %#lx-%#lx %c%c%c%c memory %p + %#lx\n", m->start,
		    m->start + m->length, m->flags & MAP_READ ? 'r' : '-',
		    m->flags & MAP_WRITE ? 'w' : '-',
		    m->flags & MAP_EXEC ? 'x' : '-',
		    m->flags & MAP_KEEP ? 'k' : '-', m->memory, m->offset);
	lock_drop(&object->lock);
}

static struct thread *next_sender(const struct endpoint *endpoint,
				  const struct thread *after)
{
	struct tree_node *node =
		tree_find(&endpoint->senders, after->sender.key + 1);

	return node ? CONTAINER_OF(node, struct thread, sender) : nullptr;
}

static void show_endpoint(struct object *object)
{
	const struct endpoint *endpoint = object_endpoint(object);

	if (!take(object, &object->lock))
		return;
	const struct thread *t = first_sender(endpoint);

	if (t || !list_empty(&endpoint->receivers) || wanted)
		say("endpoint %p pool %p layer %u: %s\n", object, object->pool,
		    endpoint->layer,
		    t					? "callers wait"
		    : list_empty(&endpoint->receivers) ? "nobody waits"
						       : "servers wait");
	for (; t; t = next_sender(endpoint, t))
		say("  thread %p priority %u\n", &t->object, t->effective);
	LIST_FOR_EACH(node, &endpoint->receivers) {
		t = LIST_ENTRY(node, struct thread, queue);
		say("  thread %p priority %u\n", &t->object, t->effective);
	}
	lock_drop(&object->lock);
}

static void show_notification(struct object *object)
{
	const struct notification *n = (const struct notification *)object;

	if (n->waiter || n->bits || wanted)
		say("notification %p pool %p bits %#lx waiter %p bound to %p\n",
		    object, object->pool, n->bits,
		    n->waiter ? &n->waiter->object : nullptr,
		    n->bound ? &n->bound->object : nullptr);
}

static void show_cpus(void)
{
	for (u32 i = 0; i < cpu_count; i++) {
		const struct cpu *cpu = cpus[i];

		say("cpu %u: runs %p, %u ready (%#lx, fair %#lx), requests "
		    "%#x, "
		    "inbox %p, reaper %lu, timer due %lu us\n",
		    i, cpu->current ? &cpu->current->object : nullptr,
		    cpu->nready, cpu->ready_mask, cpu->fair_mask, cpu->requests,
		    cpu->inbox, cpu->reaper, cpu->timeouts.next_ns / 1000);
	}
}

static const char *rank_name(u32 rank)
{
	static const char *const names[] = {
#define LOCK(name, rank, what) [rank] = #name ": " what,
#include "kernel/locks.def"
#undef LOCK
	};

	return rank < ARRAY_COUNT(names) && names[rank] ? names[rank] : "?";
}

static void show_locks(void)
{
	u32 nheld = 0;

	for (u32 i = 0; i < cpu_count; i++)
		for (u32 k = 0; k < cpus[i]->nheld; k++, nheld++)
			say("cpu %u holds %p, %s\n", i, cpus[i]->held[k],
			    rank_name(cpus[i]->held[k]->rank));
	say("%u locks held\n", nheld);
}

// ---- commands

static void all(enum object_type type, void (*show)(struct object *object))
{
	for_each(first, type, 0, show);
}

static void do_pools(void)
{
	show_pool(&first->object);
	all(OBJECT_POOL, show_pool);
}
static void do_threads(void)
{
	all(OBJECT_THREAD, show_thread);
}
static void do_caps(void)
{
	all(OBJECT_CNODE, show_cnode);
}
static void do_maps(void)
{
	all(OBJECT_ASPACE, show_aspace);
}
static void do_queues(void)
{
	show_cpus();
	all(OBJECT_ENDPOINT, show_endpoint);
	all(OBJECT_NOTIFICATION, show_notification);
}
static void do_help(void);

static const struct command {
	const char *name;
	void (*run)(void);
	const char *help;
} commands[] = {
	{"threads", do_threads, "state, processor, priority, what each waits on"},
	{"caps", do_caps, "capability spaces; caps ADDRESS: what is in that one"},
	{"maps", do_maps, "address spaces and their mappings; maps ADDRESS"},
	{"queues", do_queues, "processors, and who waits at which object"},
	{"locks", show_locks, "held at this moment, by processor"},
	{"pools", do_pools, "pages, objects and capabilities of each pool"},
	{"help", do_help, "this text"},
};

static void do_help(void)
{
	for (u32 i = 0; i < ARRAY_COUNT(commands); i++)
		say("%s\t%s\n", commands[i].name, commands[i].help);
}

static void run_line(void)
{
	const char *at = line;
	usize bytes = line_used;
	struct word name, address;

	wanted = 0;
	if (!parse_word(&at, &bytes, &name))
		return;
	if (parse_word(&at, &bytes, &address) &&
	    parse_u64(address.text, address.bytes, ~0ull, &wanted) !=
		    STATUS_OK) {
		say("%.*s: not an address such as 0x1f00\n", (int)address.bytes,
		    address.text);
		return;
	}
	for (u32 i = 0; i < ARRAY_COUNT(commands); i++)
		if (word_equal(name, commands[i].name)) {
			commands[i].run();
			return;
		}
	say("%.*s: no such command; try help\n", (int)name.bytes, name.text);
}

static void look_at_port(struct timeout *timeout)
{
	int c;

	for (u32 i = 0; i < INPUT_MAX && (c = arch_console_read()) >= 0; i++) {
		if (c != '\n' && c != '\r') {
			if (line_used < LINE_BYTES)
				line[line_used++] = (char)c;
			continue;
		}
		run_line();
		line_used = 0;
		say("kernel> ");
	}
	timeout_arm(&cpu_self()->timeouts, timeout, arch_now_ns() + LOOK_NS);
}

void shell_start(struct pool *pool)
{
	first = pool;
	look.expire = look_at_port;
	look_at_port(&look);
}
