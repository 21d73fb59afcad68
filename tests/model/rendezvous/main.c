// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Every interleaving, up to a length, of what two clients, a server and their
// manager do with one endpoint, on the kernel's own code with three CPUs: call,
// send, receive (call and receive also with a deadline), reply, save the reply and
// answer later, give up a saved reply; interrupts between CPUs, timers; the manager stops and
// starts threads, revokes the endpoint, destroys the pools of clients or server.
// A step is one entry into the kernel; in the second search one step of another
// CPU happens in the middle of it, at any place where it takes or has dropped a lock,
// looks at or changes a message's registers, or switches threads. Third, the same
// from states in which a deadline has just passed: the timer, the answer (or the
// message) and the manager's stop or kill race for one wait on three CPUs.
//
// After each step: every thread is in exactly one place (running, in a run queue,
// on its way there, in the endpoint's queue, in one reply relation, stopped);
// queues are well-formed; a request is received at most once and answered at most
// once; a client's call ends with its own answer or, unanswered, with an error
// for which there was a reason. From every state reached, everything is destroyed
// and all memory must come back.
//
//   rendezvous [length [length of the second search [of the third]]]
//
// States are compared byte by byte.
#include "tests/fake_arch/fake.h"
#include "abi/constants.h"
#include "gen/abi/syscall_nr.h"
#include "kernel/object/object.h"

enum { CLIENT, SECOND, SERVER, MANAGER, THREADS };
enum {
	IDLE,
	CALLING,
	TIMED,
	SENDING,
	RECEIVING,
	REPLYING,
	SAVING,
	ANSWERING,
	DROPPING,
	MANAGING
};

#define REQUESTS 8

// What user space knows: part of the state.
static struct {
	u8 doing[THREADS]; // what the thread's last call was for
	u8 request[THREADS]; // client: its number; server: the one it holds
	u8 saved; // request whose reply is in the slot
	u8 next_request;
	// By what the server's calls returned: received, answered; the
	// client's: got its answer, or lost.
	bool received[REQUESTS], answered[REQUESTS];
	bool got[REQUESTS], lost[REQUESTS];
	u64 deadline[THREADS];
	bool stop_asked[THREADS], gone[THREADS];
	bool endpoint_gone;
	u8 managed, passed; // actions of the manager, passages of time
} world;

#include "tests/fake_arch/own.h"
#include "tests/fake_arch/machine.h"
#include "tests/model/seen.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/mm/frame.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cap.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/memory.h"
#include "kernel/object/pool.h"
#include "kernel/object/sched.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "lib/base/string.h"

int atoi(const char *text);
void *realloc(void *memory, usize size);

#define CPUS 3
#define LENGTH_MAX 16
#define ANSWER 1000 // the answer to request n is this plus n

// Slots of every process.
enum { SELF_CNODE = 1, ENDPOINT, SAVED, DRAWER = 8 };
// Slots of the manager: pools and threads of the others, in their order.
enum { POOL_OF = 8, THREAD_OF = 16, ASPACE = 24, SCHED };

static struct pool *first, *pool_of[THREADS];
static struct thread *thread[THREADS];
static struct cnode *cnode[THREADS];
static struct endpoint *endpoint;
static u64 used_start, free_start;
static const u8 home[THREADS] = {0, 1, 1, 2};
static const char *const who[] = {"client", "second", "server", "manager"};

// ---- steps

enum kind : u8 {
	INTERRUPT, // the CPU takes another's request
	TIMER, // its timer has run out
	RUN, // its current thread does what
	TIME, // the clock moves to the next timer
};

enum what : u8 {
	CALL,
	CALL_TIMED,
	SEND, // clients
	RECV,
	RECV_TIMED,
	REPLY,
	REPLY_RECV,
	SAVE,
	ANSWER_SAVED,
	DROP_SAVED, // server
	STOP_CLIENT,
	STOP_SERVER,
	START_CLIENT,
	START_SERVER,
	DESTROY_CLIENT,
	DESTROY_SERVER,
	REVOKE, // manager
	AGAIN, // a call that asked to be run again
	WHATS,
};

static const char *const what_name[] = {
	"call",		  "call with deadline", "send",
	"recv",		  "recv with deadline", "reply",
	"reply_recv",	  "save reply",		"answer saved",
	"drop saved",	  "stop client",	"stop server",
	"start client",	  "start server",	"destroy client",
	"destroy server", "revoke endpoint",	"again",
};

struct step {
	enum kind kind;
	enum what what;
	u8 cpu;
	// A step of another CPU in the middle of it; place 0: none.
	u8 place;
	enum kind other_kind;
	enum what other_what;
	u8 other_cpu;
};

static u32 number_of(const struct thread *t)
{
	for (u32 i = 0; i < THREADS; i++)
		if (thread[i] == t)
			return i;
	CHECK(!"an unknown thread");
	return 0;
}

static void arm(struct thread *t, u64 number, u64 cap, u64 info)
{
	t->regs.info = number | info;
	t->regs.cap = cap;
}

static void client_call(u32 me, enum what what)
{
	struct thread *t = thread[me];
	u8 request = ++world.next_request;
	u64 deadline = fake_counter + 2000000;

	world.request[me] = request;
	world.doing[me] = what == SEND ? SENDING
		: what == CALL	       ? CALLING
				       : TIMED;
	arm(t, what == SEND ? SYS_SEND : SYS_CALL, ENDPOINT,
	    1 << INFO_WORDS_SHIFT | (what == CALL_TIMED ? INFO_DEADLINE : 0));
	t->regs.word[0] = request;
	t->regs.deadline = deadline;
	world.deadline[me] = what == CALL_TIMED ? deadline : 0;
}

static void server_call(enum what what)
{
	struct thread *t = thread[SERVER];
	u8 held = world.request[SERVER];

	world.deadline[SERVER] = 0;
	switch (what) {
	case RECV:
	case RECV_TIMED:
		world.doing[SERVER] = RECEIVING;
		arm(t, SYS_RECV, ENDPOINT,
		    what == RECV_TIMED ? INFO_DEADLINE : 0);
		t->regs.deadline = fake_counter + 2000000;
		if (what == RECV_TIMED)
			world.deadline[SERVER] = t->regs.deadline;
		break;
	case REPLY:
	case REPLY_RECV:
		world.doing[SERVER] = what == REPLY ? REPLYING : RECEIVING;
		arm(t, what == REPLY ? SYS_REPLY : SYS_REPLY_RECV, ENDPOINT,
		    1 << INFO_WORDS_SHIFT);
		t->regs.word[0] = ANSWER + held;
		break;
	case SAVE:
		world.doing[SERVER] = SAVING;
		arm(t, SYS_REPLY_SAVE, SELF_CNODE, 0);
		t->regs.word[0] = SAVED;
		break;
	case ANSWER_SAVED:
		world.doing[SERVER] = ANSWERING;
		arm(t, SYS_SEND, SAVED, 1 << INFO_WORDS_SHIFT);
		t->regs.word[0] = ANSWER + world.saved;
		break;
	default:
		world.doing[SERVER] = DROPPING;
		arm(t, SYS_CAP_DELETE, SELF_CNODE, 0);
		t->regs.word[0] = SAVED;
	}
}

static void manager_call(enum what what)
{
	struct thread *t = thread[MANAGER];
	u32 whom = what == STOP_SERVER || what == START_SERVER ||
			what == DESTROY_SERVER
		? SERVER
		: CLIENT;

	world.doing[MANAGER] = MANAGING;
	world.managed++;
	memset(t->regs.word, 0, sizeof t->regs.word);
	switch (what) {
	case STOP_CLIENT:
	case STOP_SERVER:
		world.stop_asked[whom] = true;
		arm(t, SYS_THREAD_STOP, THREAD_OF + whom, 0);
		break;
	case START_CLIENT:
	case START_SERVER:
		arm(t, SYS_THREAD_START, THREAD_OF + whom, 0);
		break;
	case DESTROY_CLIENT:
	case DESTROY_SERVER:
		world.gone[whom] = true;
		arm(t, SYS_POOL_DESTROY, POOL_OF + whom, 0);
		break;
	default:
		world.endpoint_gone = true;
		arm(t, SYS_CAP_REVOKE, SELF_CNODE, 0);
		t->regs.word[0] = ENDPOINT;
	}
}

// What the server's reply to a request it holds has led to. The call returned OK:
// it was answered, once; else nobody waited any more.
static void answer_given(u8 request, i64 status)
{
	if (status) {
		CHECK(status == ERR_NOREPLY || status == ERR_HANDLE);
		return;
	}
	CHECK(request && !world.answered[request]);
	CHECK(!world.lost[request]);
	world.answered[request] = true;
}

// A request came out of recv. A reply_recv answered the last one, if somebody
// waited: that shows when the client goes on.
static void request_taken(struct thread *t)
{
	u64 request = t->regs.word[0];

	CHECK(request && request <= world.next_request);
	CHECK(!world.received[request]);
	world.received[request] = true;
	world.request[SERVER] = (u8)request;
}

static void server_returned(struct thread *t)
{
	i64 info = (i64)t->regs.info;

	switch (world.doing[SERVER]) {
	case RECEIVING:
		if (info >= 0)
			request_taken(t);
		else
			CHECK(info == ERR_CANCELED || info == ERR_STATE ||
			      (info == ERR_TIMEOUT && world.deadline[SERVER] &&
			       fake_counter >= world.deadline[SERVER]) ||
			      (world.endpoint_gone &&
			       (info == ERR_DEAD || info == ERR_HANDLE)));
		break;
	case REPLYING:
		answer_given(world.request[SERVER], info);
		world.request[SERVER] = 0;
		break;
	case SAVING:
		if (!info) {
			world.saved = world.request[SERVER];
			world.request[SERVER] = 0;
		} else {
			CHECK(info == ERR_NOREPLY || info == ERR_OCCUPIED ||
			      info == ERR_DEAD);
		}
		break;
	case ANSWERING:
		answer_given(world.saved, info);
		world.saved = 0;
		break;
	case DROPPING:
		CHECK(!info);
		world.saved = 0;
	}
}

static void client_returned(u32 me, struct thread *t)
{
	i64 info = (i64)t->regs.info;
	u8 request = world.request[me];

	if (world.doing[me] == SENDING) {
		CHECK(info <= 0 && info != ERR_TIMEOUT);
		CHECK(info || world.received[request] ||
		      world.doing[SERVER] == RECEIVING || world.gone[SERVER]);
	} else if (info >= 0) {
		CHECK(t->regs.word[0] == ANSWER + request);
		CHECK(!world.got[request]);
		world.got[request] = true;
	} else {
		CHECK(!world.answered[request]);
		world.lost[request] = true;
		CHECK(info != ERR_TIMEOUT ||
		      (world.deadline[me] &&
		       fake_counter >= world.deadline[me]));
		CHECK(info != ERR_CANCELED || world.stop_asked[me]);
		CHECK(info != ERR_PEER_RESTARTED || world.gone[SERVER] ||
		      world.received[request]);
		CHECK((info != ERR_DEAD && info != ERR_HANDLE) ||
		      world.endpoint_gone);
		CHECK(info == ERR_TIMEOUT || info == ERR_CANCELED ||
		      info == ERR_PEER_RESTARTED || info == ERR_DEAD ||
		      info == ERR_HANDLE);
	}
	world.request[me] = 0;
}

// The thread is back in user mode: look at what its call returned.
static void returned(u32 me)
{
	struct thread *t = thread[me];

	if (world.doing[me] == IDLE || t->regs.restarts)
		return;
	if (me == SERVER)
		server_returned(t);
	else if (me == MANAGER)
		CHECK((i64)t->regs.info <= 0);
	else
		client_returned(me, t);
	world.doing[me] = IDLE;
}

// May the current thread of a CPU do this now?
static bool may(u32 me, enum what what)
{
	struct thread *t = thread[me];
	bool server = me == SERVER;

	if (t->regs.restarts)
		return what == AGAIN;
	switch (what) {
	case CALL:
	case CALL_TIMED:
	case SEND:
		return me <= SECOND && world.next_request < REQUESTS - 1;
	case RECV:
	case RECV_TIMED:
		return server && !world.request[SERVER];
	case REPLY:
	case REPLY_RECV:
	case SAVE:
		return server && world.request[SERVER];
	case ANSWER_SAVED:
	case DROP_SAVED:
		return server && world.saved;
	case AGAIN:
		return false;
	case STOP_CLIENT:
		return me == MANAGER && !world.gone[CLIENT];
	case STOP_SERVER:
		return me == MANAGER && !world.gone[SERVER];
	case START_CLIENT:
		return me == MANAGER && !world.gone[CLIENT] &&
			world.stop_asked[CLIENT];
	case START_SERVER:
		return me == MANAGER && !world.gone[SERVER] &&
			world.stop_asked[SERVER];
	case DESTROY_CLIENT:
		return me == MANAGER && !world.gone[CLIENT];
	case DESTROY_SERVER:
		return me == MANAGER && !world.gone[SERVER];
	default:
		return me == MANAGER && !world.endpoint_gone;
	}
}

static u64 next_timer(void)
{
	u64 next = ~0ull;

	for (u32 i = 0; i < CPUS; i++)
		if (cpus[i]->timer_set < next)
			next = cpus[i]->timer_set;
	return next;
}

static u32 managed_max;

static bool possible(enum kind kind, enum what what, u32 cpu)
{
	struct thread *current = cpus[cpu]->current;

	switch (kind) {
	case INTERRUPT:
		return cpus[cpu]->arch.ipis;
	case TIMER:
		return cpus[cpu]->timer_set <= fake_counter;
	case RUN:
		if (!current)
			return false;
		u32 me = number_of(current);
		if (me == MANAGER && what != AGAIN &&
		    world.managed >= managed_max)
			return false;
		return may(me, what);
	default:
		return cpu == 0 && world.passed < 2 && next_timer() != ~0ull &&
			next_timer() > fake_counter;
	}
}

// The user's half of a step, then its entry into the kernel.
struct entry {
	void (*call)(void *data);
	void *data;
};

static struct entry prepare(enum kind kind, enum what what, u32 cpu)
{
	struct thread *current = cpus[cpu]->current;

	if (kind == INTERRUPT)
		return (struct entry){fake_interrupt, nullptr};
	if (kind == TIMER)
		return (struct entry){fake_timer, nullptr};
	u32 me = number_of(current);
	if (what == AGAIN)
		current->regs.restarts = 0;
	else if (me == SERVER)
		server_call(what);
	else if (me == MANAGER)
		manager_call(what);
	else
		client_call(me, what);
	return (struct entry){fake_syscall, current};
}

static bool take_step(const struct step *step, bool *reached)
{
	struct entry one, two = {};

	*reached = true;
	if (step->kind == TIME) {
		fake_counter = next_timer();
		world.passed++;
		return true;
	}
	one = prepare(step->kind, step->what, step->cpu);
	if (step->place)
		two = prepare(step->other_kind, step->other_what,
			      step->other_cpu);
	if (!fake_run_two(step->cpu, one.call, one.data, step->place,
			  step->other_cpu, two.call, two.data, reached))
		return false;
	if (!step->place)
		*reached = true;
	for (u32 i = 0; i < CPUS; i++)
		if (cpus[i]->current)
			returned(number_of(cpus[i]->current));
	return true;
}

// ---- what must hold

static bool in_queue(const struct thread *t)
{
	u32 found = 0;

	if (t->wait_on != &endpoint->object)
		return false;
	LIST_FOR_EACH(node, &endpoint->receivers)
		found += node == &t->queue;
	found += t->senders == &endpoint->senders && t->state == THREAD_SENDING;
	CHECK(found == 1);
	return true;
}

// Has the thread's memory not been given back? Poison shows that it was.
static bool exists(u32 n)
{
	return slot_word(&cnode[MANAGER]->slots[POOL_OF + n]) &&
		thread[n]->object.type == OBJECT_THREAD &&
		(n == MANAGER || thread[n]->object.pool == pool_of[n]);
}

static bool in_reply(const struct thread *t)
{
	if (t->reply_slot) {
		CHECK(word_object(t->reply_slot->word) == &t->object);
		return true;
	}
	// reply_server is left behind by an answer: look from the other side.
	for (u32 i = 0; i < THREADS; i++)
		if (exists(i) && thread[i]->reply_caller == t)
			return true;
	return false;
}

static bool in_run_queue(const struct thread *t)
{
	const struct cpu *cpu = t->cpu;
	u32 found = 0;

	if (!thread_queued(t))
		return false;
	for (u32 i = 0; i < RUN_QUEUES; i++)
		LIST_FOR_EACH(node, &cpu->queue[i])
			found += node == &t->run && i == t->queued_at;
	CHECK(found == 1);
	return true;
}

static void check_thread(u32 n)
{
	struct thread *t = thread[n];
	u32 places = 0;
	bool waits;

	if (world.gone[n] || t->object.dead)
		return;
	waits = t->state == THREAD_SENDING || t->state == THREAD_RECEIVING ||
		t->state == THREAD_REPLY;
	for (u32 i = 0; i < CPUS; i++)
		places += cpus[i]->current == t;
	if (places)
		CHECK(t->cpu->current == t && t->state == THREAD_RUNNING);
	places += in_run_queue(t);
	places += in_queue(t) || in_reply(t);
	CHECK(!in_queue(t) || !in_reply(t));
	CHECK(!waits || in_queue(t) || in_reply(t) ||
	      t->requests & REQUEST_WAKE);
	if (t->requests & (REQUEST_WAKE | REQUEST_ARRIVE | REQUEST_START))
		CHECK(t->cpu->requests & CPU_REQUEST_INBOX ||
		      t->requests & REQUEST_BUSY);
	if (t->requests & (REQUEST_WAKE | REQUEST_ARRIVE))
		places++;
	if (t->state == THREAD_STOPPED)
		CHECK(!places);
	else
		CHECK(places == 1);
	if (t->timeout.armed)
		CHECK(waits);
	if (waits && world.deadline[n] && !(t->requests & REQUEST_WAKE))
		CHECK(t->timeout.armed); // it cannot wait for ever
}

static void check_queue(void)
{
	if (endpoint->object.dead)
		return;
	CHECK(!first_sender(endpoint) || list_empty(&endpoint->receivers));
	LIST_FOR_EACH(node, &endpoint->receivers) {
		const struct thread *q = LIST_ENTRY(node, struct thread, queue);

		CHECK(q->wait_on == &endpoint->object);
		CHECK(q->state == THREAD_RECEIVING && !q->senders);
	}
}

// What has no effect any more, so that states which differ in it are one: numbers
// that only grow, the shape of trees.
static void tidy(void)
{
	if (!endpoint->object.dead) {
		if (!first_sender(endpoint))
			endpoint->arrivals = 0;
		endpoint->senders.seed = 0;
	}
	for (u32 i = 0; i < THREADS; i++)
		if (exists(i) && !thread[i]->senders)
			memset(&thread[i]->sender, 0, sizeof thread[i]->sender);
}

static void check_state(void)
{
	tidy();
	check_queue();
	for (u32 i = 0; i < THREADS; i++)
		check_thread(i);
}

// From here the manager alone goes on: everything can be destroyed, and all
// memory comes back.
static void wind_down(void)
{
	static const u8 victims[] = {POOL_OF + SECOND, POOL_OF + SERVER,
				     POOL_OF + CLIENT};
	struct thread *m = thread[MANAGER];
	u32 next = 0, rounds = 0;

	m->regs.restarts = 0;
	while (next < ARRAY_COUNT(victims) || rounds % 64) {
		CHECK(++rounds < 20000);
		for (u32 i = 0; i < CPUS; i++)
			if (cpus[i]->arch.ipis)
				CHECK(fake_run(i, fake_interrupt, nullptr));
		CHECK(cpus[2]->current == m);
		if (next == ARRAY_COUNT(victims))
			continue;
		arm(m, SYS_POOL_DESTROY, victims[next], 0);
		CHECK(fake_run(2, fake_syscall, m));
		if (!m->regs.restarts)
			next++;
		m->regs.restarts = 0;
	}
	for (u32 i = 0; i < 4; i++) {
		arm(m, SYS_POOL_INFO, POOL_OF + MANAGER, 0);
		m->regs.restarts = 0;
		CHECK(fake_run(2, fake_syscall, m));
	}
	CHECK(!m->regs.restarts && !m->regs.info);
	CHECK(list_empty(&endpoint->receivers) && !first_sender(endpoint));
	for (u32 i = 0; i < MANAGER; i++)
		CHECK(!slot_word(&cnode[MANAGER]->slots[THREAD_OF + i]));
	pool_check(first);
	frames_check();
	CHECK(first->used_pages == used_start && frames_free() == free_start);
}

// ---- the world

static void need(enum status status)
{
	CHECK(status == STATUS_OK);
}

static struct cap_ref cap_of(struct cnode *root, u32 slot)
{
	return (struct cap_ref){.slot = &root->slots[slot],
				.word = root->slots[slot].word,
				.badge = root->slots[slot].badge};
}

static void make_process(u32 n, u32 rights)
{
	struct cnode *m = cnode[MANAGER];
	struct pool *pool = n == MANAGER ? first : pool_of[n];
	struct cap_ref cap;

	need(thread_create(pool, &thread[n]));
	if (n != MANAGER)
		need(cnode_create(pool, 3, &cnode[n]));
	need(cnode_install(m, THREAD_OF + n, &thread[n]->object, RIGHTS_ALL,
			   0));
	need(cnode_install(cnode[n], SELF_CNODE, &cnode[n]->object, RIGHTS_ALL,
			   0));
	cap = cap_of(m, ENDPOINT);
	if (n != MANAGER)
		need(cap_derive(cnode[n], ENDPOINT, &cap, rights, n + 1));
	cap = cap_of(m, ASPACE);
	need(cap_refer(&thread[n]->aspace_slot, &cap));
	thread[n]->aspace = object_aspace(cap_object(&cap));
	cap = cap_of(m, SCHED);
	need(cap_refer(&thread[n]->sched_slot, &cap));
	cap = cap_of(cnode[n], SELF_CNODE);
	need(cap_refer(&thread[n]->cspace_slot, &cap));
	thread[n]->cspace = cnode[n];
	thread[n]->layer = 5;
	thread[n]->allowed_cpus = 1ull << home[n];
	thread[n]->cpu = cpus[home[n]];
	thread[n]->state = THREAD_STOPPED;
}

static bool migrate; // clients and server may run on CPU 0 and 1

static void set_up(void)
{
	struct aspace *aspace;
	struct sched *sched;

	fake_machine(44, CPUS);
	first = pool_create_first(frames_free());
	need(clock_init(first, &fake_info));
	for (u32 i = 0; i < CPUS; i++)
		sched_init(cpus[i]);
	need(cnode_create(first, 5, &cnode[MANAGER]));
	struct cnode *m = cnode[MANAGER];
	need(aspace_create(first, ASPACE_PLAIN, nullptr, &aspace));
	need(sched_create(first, 10, 7, &sched));
	need(endpoint_create(first, 3, &endpoint));
	need(cnode_install(m, ASPACE, &aspace->object, RIGHTS_ALL, 0));
	need(cnode_install(m, SCHED, &sched->object, RIGHTS_ALL, 0));
	need(cnode_install(m, ENDPOINT, &endpoint->object, RIGHTS_ALL, 0));
	need(cnode_install(m, POOL_OF + MANAGER, &first->object, RIGHTS_ALL,
			   0));
	make_process(MANAGER, 0);
	free_start = frames_free();
	used_start = first->used_pages;
	for (u32 i = 0; i < MANAGER; i++) {
		need(pool_create(first, 6, &pool_of[i]));
		need(cnode_install(m, POOL_OF + i, &pool_of[i]->object,
				   RIGHTS_ALL, 0));
		make_process(i, i == SERVER ? RIGHT_RECV : RIGHT_CALL);
		if (migrate)
			thread[i]->allowed_cpus = 3;
	}
	for (u32 i = 0; i < THREADS; i++)
		thread_request(thread[i], REQUEST_START);
	for (u32 round = 0; round < 4; round++)
		for (u32 i = 0; i < CPUS; i++)
			CHECK(fake_run(i, fake_interrupt, nullptr));
	CHECK(cpus[2]->current == thread[MANAGER] && cpus[0]->current);
	check_state();
}

// ---- the search

struct path {
	struct step step[LENGTH_MAX];
};

static struct path *front, *next_front;
static u64 nfront, nnext, next_room;
static struct seen seen;
static u64 ntried, nimpossible;
static struct path *at_path;
static u32 at_length;
static struct step at_step;
static void *start_state, *here_state, *after_state;
static usize state_bytes;
static bool two_at_once;

static void print_step(const struct step *s)
{
	static const char *const kind_name[] = {"interrupt", "timer", "",
						"time"};

	printf("  cpu %u: %s%s", s->cpu, kind_name[s->kind],
	       s->kind == RUN ? what_name[s->what] : "");
	if (s->place)
		printf(", at place %u cpu %u: %s%s", s->place, s->other_cpu,
		       kind_name[s->other_kind],
		       s->other_kind == RUN ? what_name[s->other_what] : "");
	printf("\n");
}

static void print_path(void)
{
	if (!at_path)
		return;
	for (u32 i = 0; i < at_length; i++)
		print_step(&at_path->step[i]);
	print_step(&at_step);
	for (u32 i = 0; i < THREADS; i++)
		if (!world.gone[i])
			printf("  %s: state %u, requests %u, doing %u\n",
			       who[i], thread[i]->state, thread[i]->requests,
			       world.doing[i]);
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

// Returns whether the step reached its place; *places: how many it has.
static bool try_step(struct step step, bool last, u32 *places)
{
	bool reached;

	ntried++;
	at_step = step;
	if (take_step(&step, &reached)) {
		*places = fake_places();
		if (reached) {
			check_state();
			fake_save(after_state);
			if (see(&seen, hash_bytes(after_state, state_bytes, 0))) {
				if (!last)
					remember(at_length);
				wind_down();
			}
		}
	} else {
		nimpossible++;
	}
	fake_restore(here_state);
	return reached;
}

// The step with each possible step of another CPU at each place within it.
static void try_two(struct step step, bool last, u32 places)
{
	u32 ignored;

	for (u8 cpu = 0; cpu < CPUS; cpu++)
		for (u8 k = INTERRUPT; k <= RUN; k++)
			for (u8 w = 0; w < (k == RUN ? WHATS : 1); w++) {
				if (cpu == step.cpu ||
				    !possible((enum kind)k, (enum what)w, cpu))
					continue;
				step.other_kind = (enum kind)k;
				step.other_what = (enum what)w;
				step.other_cpu = cpu;
				for (u32 p = 1; p <= places; p++) {
					step.place = (u8)p;
					if (!try_step(step, last, &ignored))
						break;
				}
			}
}

static void expand(struct path *path, u32 length, bool last)
{
	bool reached;

	at_path = path;
	at_length = length;
	fake_restore(start_state);
	for (u32 i = 0; i < length; i++)
		CHECK(take_step(&path->step[i], &reached));
	fake_save(here_state);
	for (u8 cpu = 0; cpu < CPUS; cpu++)
		for (u8 k = 0; k <= TIME; k++)
			for (u8 w = 0; w < (k == RUN ? WHATS : 1); w++) {
				struct step step = {.kind = (enum kind)k,
						    .what = (enum what)w,
						    .cpu = cpu};
				u32 places = 0;

				if (!possible(step.kind, step.what, cpu))
					continue;
				(void)try_step(step, last, &places);
				if (two_at_once && k != TIME)
					try_two(step, last, places);
			}
}

static u32 length_wanted;

// What has happened before the third search, each with all interrupts that follow.
struct race {
	const char *name;
	struct step step[5];
	u32 nsteps;
};

#define STEP(c, w) {.kind = RUN, .cpu = c, .what = w}
static const struct race races[] = {
	{"a call is out of time, received and not answered",
	 {STEP(1, RECV), STEP(0, CALL_TIMED), STEP(1, CALL), {.kind = TIME}},
	 4},
	{"a call is out of time, in the queue",
	 {STEP(0, CALL_TIMED), {.kind = TIME}}, 2},
	{"a call is out of time, its reply saved",
	 {STEP(1, RECV), STEP(0, CALL_TIMED), STEP(1, CALL), STEP(1, SAVE),
	  {.kind = TIME}}, 5},
	{"a receiver is out of time", {STEP(1, RECV_TIMED), {.kind = TIME}}, 2},
};

static const struct race *race;

static void prepare_race(void)
{
	bool reached;

	for (u32 i = 0; race && i < race->nsteps; i++) {
		const struct step *s = &race->step[i];

		CHECK(possible(s->kind, s->what, s->cpu));
		CHECK(take_step(s, &reached));
		for (u32 n = 0; n < 2 * CPUS; n++)
			if (cpus[n % CPUS]->arch.ipis)
				CHECK(take_step(&(struct step){.kind = INTERRUPT,
							       .cpu = n % CPUS},
						&reached));
		check_state();
	}
}

static void explore(void)
{
	set_up();
	prepare_race();
	state_bytes = fake_state_bytes();
	start_state = malloc(state_bytes);
	here_state = malloc(state_bytes);
	after_state = malloc(state_bytes);
	fake_save(start_state);
	fake_panic_hook = print_path;
	seen_forget(&seen);
	ntried = nimpossible = 0;
	front = calloc(1, sizeof *front);
	nfront = 1;
	for (u32 length = 0; length < length_wanted; length++) {
		for (u64 i = 0; i < nfront; i++)
			expand(&front[i], length, length + 1 == length_wanted);
		free(front);
		front = next_front;
		nfront = nnext;
		next_front = nullptr;
		nnext = next_room = 0;
		if (!seeded_bug)
			printf("  length %u: %lu different states, %lu steps "
			       "tried, %lu impossible\n",
			       length + 1, seen.count, ntried, nimpossible);
		fflush(nullptr);
	}
	free(front);
	free(start_state);
	free(here_state);
	free(after_state);
	fake_panic_hook = nullptr;
}

static void search(u32 length, bool two, bool moves, u32 managed)
{
	length_wanted = length;
	two_at_once = two;
	migrate = moves;
	managed_max = managed;
	if (!seeded_bug && race)
		printf("rendezvous: %s\n", race->name);
	if (!seeded_bug)
		printf("rendezvous: up to %u steps, %u of the manager, "
		       "threads %s%s\n",
		       length, managed, moves ? "move between CPUs" : "stay",
		       two ? ", steps of two CPUs interleaved" : "");
	explore();
}

static void search_races(u32 length)
{
	for (race = races; race < races + ARRAY_COUNT(races); race++)
		search(length, true, false, 2);
	race = nullptr;
}

static void search_short(void)
{
	search(5, false, false, 2);
	search(2, true, true, 1);
}

int main(int argc, char **argv)
{
	static const struct {
		u32 number;
		const char *what;
	} bug[] = {
		{110, "limit not returned"},
		{141, "a lost right to reply is not told"},
	};
	u32 length = argc > 1 ? (u32)atoi(argv[1]) : 5;
	u32 second = argc > 2 ? (u32)atoi(argv[2]) : 2;
	u32 third = argc > 3 ? (u32)atoi(argv[3]) : 1;
	bool caught = true;

	CHECK(length <= LENGTH_MAX && second <= LENGTH_MAX &&
	      third <= LENGTH_MAX);
	search(length, false, false, 2);
	search(length, false, true, 2);
	search(second, true, false, 1);
	search(second, true, true, 1);
	search_races(third);
	for (u32 i = 0; i < ARRAY_COUNT(bug); i++)
		caught &= fake_bug_is_caught(bug[i].number, bug[i].what,
					     search_short);
	return caught ? 0 : 1;
}
