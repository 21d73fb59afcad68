// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// guest_run: a container, one guest process in it, and a small personality
// (arch/x86_64/guest_code.S) that reports every exit of the guest to the runner.
#include "abi/guest.h"
#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"

#define PAGE (u64) PAGE_BYTES
#define RW (MAP_READ | MAP_WRITE)
#define PERSONALITY_AT (GUEST_END + 0x100000)
#define CODE_AT 0x10000ull
#define DATA_AT 0x20000ull
#define STATE_OFFSET 512

enum piece {
	PIECE_SYSCALL,
	PIECE_LOAD,
	PIECE_INVALID,
	PIECE_LOOP,
	PIECE_BREAK,
	PIECE_STORE,
	PIECE_OTHER, // 6, 7: further exceptions
	PIECE_ANOTHER,
	PIECE_JUMP,
	PIECE_POINTER,
	PIECE_VECTOR,
	PIECE_LAST, // 11: another exception
};

extern const u8 personality_start[], personality_fault[], personality_peek[],
	personality_end[], guest_start[], guest_end[];

struct scene {
	struct handle gate, container, foreign, state_memory, guest, data;
	struct handle bell;
	volatile struct guest_state *state;
	struct machine_registers r; // of the state
	struct worker *worker;
};

static struct handle code_page(const u8 *from, const u8 *to)
{
	struct handle memory = memory_of(PAGE);

	map_at(memory, AREA + 0x100000, PAGE, RW);
	memcpy((void *)(AREA + 0x100000), from, (usize)(to - from));
	unmap(AREA + 0x100000, PAGE);
	return memory;
}

static void scene_make(struct scene *s)
{
	struct handle code = code_page(personality_start, personality_end);
	struct handle program = code_page(guest_start, guest_end);
	struct handle thread;

	s->gate = endpoint();
	s->bell = notification();
	s->data = memory_of(4 * PAGE);
	s->container = make(OBJECT_ASPACE, ASPACE_CONTAINER, 0);
	s->foreign = handle_of(slot_new());
	OK(sys_object_create(CASE_POOL, OBJECT_ASPACE, ASPACE_FOREIGN, 0,
			     s->container, SELF_CNODE, s->foreign.value));
	OK(sys_aspace_map(s->container, code, 0, PERSONALITY_AT, PAGE,
			  MAP_READ | MAP_EXEC));
	OK(sys_aspace_map(s->foreign, program, 0, CODE_AT, PAGE,
			  MAP_READ | MAP_EXEC));
	OK(sys_aspace_map(s->foreign, s->data, 0, DATA_AT, 2 * PAGE, RW));
	s->state_memory = memory_of(PAGE);
	s->guest = handle_of(slot_new());
	OK(sys_object_create(CASE_POOL, OBJECT_GUEST, STATE_OFFSET, 0,
			     s->state_memory, SELF_CNODE, s->guest.value));
	map_at(s->state_memory, AREA, PAGE, RW);
	s->state = (volatile struct guest_state *)(AREA + STATE_OFFSET);
	s->r = machine_registers((struct thread_registers *)s->state);
	*s->r.flags = MACHINE_FLAGS;
	s->worker = worker_new(nullptr);
	s->worker->aspace = s->foreign;
	worker_prepare(s->worker);
	thread = handle_of(s->worker->thread);
	OK(sys_thread_bind(thread, s->bell));
	OK(sys_thread_configure(
		thread, s->foreign, SELF_CNODE, NONE, WORKER_LAYER,
		PERSONALITY_AT + (u64)(personality_fault - personality_start)));
}

static void personality_go(struct scene *s, u64 offset, u64 argument)
{
	struct thread_registers r = {};
	struct machine_registers m = machine_registers(&r);
	struct handle thread = handle_of(s->worker->thread);

	*m.pc = PERSONALITY_AT + offset;
	*m.gate = s->gate.value;
	*m.guest = s->guest.value;
	*m.argument = argument;
	*m.flags = MACHINE_FLAGS;
	OK(sys_thread_registers(thread, (struct uaddr){(u64)&r}, true));
	OK(sys_thread_start(thread, 0, 0, 0, 0));
}

// The next report of the personality.
static void report(struct scene *s, i64 status, u64 reason)
{
	struct message message = {};
	enum status got = ipc_recv(s->gate, &message, clock_ns() + 2 * SECOND);

	if (got != STATUS_OK)
		FAIL("the guest did not come back: %s, state %lu",
		     status_name(got), thread_state(s->worker->thread));
	SAME(message.word[0], status);
	SAME(message.word[1], reason);
}

static void resume(void)
{
	OK(ipc_reply(&(struct message){}));
}

static void at(struct scene *s, enum piece piece)
{
	*s->r.pc = CODE_AT + 16 * piece;
}

static void test_syscall(void)
{
	volatile u64 *words;
	struct scene s;

	scene_make(&s);
	words = (volatile u64 *)s.state + machine_general_first;
	for (u32 i = 0; i < machine_general_count; i++)
		words[i] = (i + 1) * 0x100010001;
	at(&s, PIECE_SYSCALL);
	personality_go(&s, 0, 0);
	for (u32 i = 0; i < 100; i++) {
		report(&s, 0, GUEST_SYSCALL);
		SAME(s.state->reason, GUEST_SYSCALL);
		SAME(*s.r.pc, CODE_AT + MACHINE_SYSCALL_BYTES);
		for (u32 k = 0; k < machine_general_count; k++)
			if (!(machine_syscall_changes >> k & 1))
				SAME(words[k], (k + 1) * 0x100010001);
		resume();
	}
	// What is in the page is what it runs with: rax came through.
	report(&s, 0, GUEST_SYSCALL);
	at(&s, PIECE_LOAD);
	*s.r.argument = DATA_AT;
	resume();
	report(&s, 0, GUEST_SYSCALL);
	SAME(*s.r.a, 0);
}

static void test_faults(void)
{
	struct scene s;

	scene_make(&s);
	at(&s, PIECE_LOAD);
	*s.r.argument = DATA_AT + 2 * PAGE + 8;
	personality_go(&s, 0, 0);
	report(&s, 0, GUEST_FAULT);
	SAME(s.state->address, DATA_AT + 2 * PAGE + 8);
	SAME(s.state->code & (FAULT_CODE_WRITE | FAULT_CODE_EXEC), 0);
	SAME(*s.r.pc, CODE_AT + 16 * PIECE_LOAD);
	// The personality makes the page; the access is done again.
	OK(sys_aspace_map(s.foreign, s.data, 2 * PAGE, DATA_AT + 2 * PAGE, PAGE,
			  MAP_READ));
	resume();
	report(&s, 0, GUEST_SYSCALL);
	at(&s, PIECE_STORE);
	resume();
	report(&s, 0, GUEST_FAULT);
	SAME(s.state->code & FAULT_CODE_WRITE, FAULT_CODE_WRITE);
	*s.r.argument = DATA_AT;
	*s.r.a = 4711;
	resume();
	report(&s, 0, GUEST_SYSCALL);
	map_at(s.data, AREA + 0x200000, PAGE, MAP_READ);
	SAME(*word_at(AREA + 0x200000), 4711);
	// The personality's half and the kernel are not the guest's.
	const u64 no[] = {PERSONALITY_AT,     GUEST_END,	  USER_END - 8,
			  0xffff800000000000, 0xffffffff80100000, 0};
	for (u32 i = 0; i < ARRAY_COUNT(no); i++) {
		at(&s, PIECE_LOAD);
		*s.r.argument = no[i];
		resume();
		report(&s, 0, GUEST_FAULT);
		SAME(s.state->address, no[i]);
		at(&s, PIECE_JUMP);
		resume();
		report(&s, 0, GUEST_FAULT);
		SAME(s.state->address, no[i]);
	}
	at(&s, PIECE_LOAD);
	*s.r.argument = 0x1234567890123456; // no address at all
	resume();
	report(&s, 0, MACHINE_NO_ADDRESS);
}

static void test_exceptions(void)
{
	struct scene s;

	scene_make(&s);
	at(&s, PIECE_SYSCALL);
	personality_go(&s, 0, 0);
	report(&s, 0, GUEST_SYSCALL);
	for (u32 i = 0; i < machine_exceptions_count; i++) {
		at(&s, (enum piece)machine_exceptions[i].piece);
		resume();
		report(&s, 0, GUEST_EXCEPTION);
		SAME(s.state->trap, machine_exceptions[i].trap);
	}
}

static void test_kick(void)
{
	struct scene s;

	scene_make(&s);
	at(&s, PIECE_LOOP);
	personality_go(&s, 0, 0);
	for (u32 i = 0; i < 20; i++) {
		u64 before = *s.r.a;

		pause_ns(2 * MS);
		OK(sys_signal(s.bell));
		report(&s, 0, GUEST_KICKED);
		SAME(s.state->reason, GUEST_KICKED);
		CHECK(*s.r.a > before);
		resume(); // the bit is still there: it does not enter
		report(&s, 0, GUEST_KICKED);
		OK(sys_poll(s.bell, ~0ull, nullptr));
		resume();
	}
	kill(s.worker); // while it loops
	pause_ns(2 * MS);
}

// What the page holds is input.
static void test_bad_state(void)
{
	const u64 bad[] = {USER_END, 1ull << 63, 0xffff800000000000,
			   0xffffffff80100000, ~0ull};
	struct message message = {};
	struct scene s;

	scene_make(&s);
	at(&s, PIECE_SYSCALL);
	personality_go(&s, 0, 0);
	report(&s, 0, GUEST_SYSCALL);
	for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
		*s.r.pc = bad[i];
		resume();
		OK(ipc_recv(s.gate, &message, clock_ns() + SECOND));
		if ((i64)message.word[0] != ERR_ARGUMENT &&
		    message.word[1] != GUEST_FAULT &&
		    message.word[1] != GUEST_EXCEPTION)
			FAIL("rip %#lx: %ld %lu", bad[i], message.word[0],
			     message.word[1]);
	}
	for (u64 bit = 0; bit < 64; bit++) {
		if (bit == MACHINE_STEP_BIT)
			continue; // stepping: an exception, and rightly so
		at(&s, PIECE_SYSCALL);
		*s.r.flags = 1ull << bit;
		resume();
		OK(ipc_recv(s.gate, &message, clock_ns() + SECOND));
		CHECK(message.word[1] == GUEST_SYSCALL ||
		      (i64)message.word[0] == ERR_ARGUMENT);
	}
	*s.r.flags = MACHINE_FLAGS;
	for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
		at(&s, PIECE_SYSCALL);
		machine_pointers_set((struct thread_registers *)s.state,
				     bad[i]);
		resume();
		OK(ipc_recv(s.gate, &message, clock_ns() + SECOND));
	}
	*s.r.sp = ~0ull;
	at(&s, PIECE_BREAK);
	resume();
	report(&s, 0, GUEST_EXCEPTION);
	at(&s, PIECE_SYSCALL);
	machine_pointers_set((struct thread_registers *)s.state, DATA_AT);
	resume();
	report(&s, 0, GUEST_SYSCALL);
}

static void test_state_error(void)
{
	struct scene s;
	u64 reason;

	scene_make(&s);
	// A thread of an ordinary address space cannot run it.
	SAME(sys_guest_run(s.guest, &reason), ERR_STATE);
	// Nor can two threads at once.
	struct worker *second = worker_new(nullptr);
	struct handle thread;

	second->aspace = s.foreign;
	worker_prepare(second);
	thread = handle_of(second->thread);
	at(&s, PIECE_LOOP);
	personality_go(&s, 0, 0);
	pause_ns(2 * MS);
	struct worker *first = s.worker;

	s.worker = second;
	personality_go(&s, 0, 0);
	report(&s, ERR_STATE, s.guest.value);
	OK(sys_thread_stop(thread));
	kill(first);
}

static void test_dead(void)
{
	struct message message = {};
	struct scene s;

	scene_make(&s);
	at(&s, PIECE_LOOP);
	personality_go(&s, 0, 0);
	pause_ns(2 * MS);
	OK(slot_revoke(s.state_memory)); // under a running guest
	OK(ipc_recv(s.gate, &message, clock_ns() + SECOND));
	SAME(message.word[0], ERR_DEAD);
	resume();
	OK(ipc_recv(s.gate, &message, clock_ns() + SECOND));
	SAME(message.word[0], ERR_DEAD);
	OK(slot_delete(s.state_memory));
	OK(slot_delete(s.guest));
	resume();
	OK(ipc_recv(s.gate, &message, clock_ns() + SECOND));
	SAME(message.word[0], ERR_HANDLE);
}

static void test_vector(void)
{
	struct scene s;
	u64 peek = (u64)(personality_peek - personality_start);

	scene_make(&s);
	map_at(s.data, AREA + 0x200000, PAGE, RW);
	*word_at(AREA + 0x200000 + 16) = 4242;
	personality_go(&s, peek, DATA_AT + 16);
	report(&s, 0xbe, 4242);
	OK(sys_thread_stop(handle_of(s.worker->thread)));
	OK(ipc_reply(&(struct message){}) == ERR_NOREPLY ? STATUS_OK
							 : ERR_STATE);
	// Nothing there: it continues at its vector.
	personality_go(&s, peek, DATA_AT + 3 * PAGE);
	report(&s, 0xfa, DATA_AT + 3 * PAGE);
}

// The container shows in all its guests, the lower halves differ.
static void test_container(void)
{
	struct handle memory = memory_of(PAGE), other;
	struct scene s;

	scene_make(&s);
	other = handle_of(slot_new());
	OK(sys_object_create(CASE_POOL, OBJECT_ASPACE, ASPACE_FOREIGN, 0,
			     s.container, SELF_CNODE, other.value));
	OK(sys_aspace_map(s.container, memory, 0, GUEST_END, PAGE, RW));
	SAME(sys_aspace_map(s.container, memory, 0, 0x10000, PAGE, RW) ==
		     STATUS_OK,
	     false);
	SAME(sys_aspace_map(s.foreign, memory, 0, GUEST_END + PAGE, PAGE, RW) ==
		     STATUS_OK,
	     false);
	OK(sys_aspace_map(s.foreign, memory, 0, GUEST_END - PAGE, PAGE, RW));
	SAME(sys_aspace_map(s.foreign, memory, 0, GUEST_END - PAGE, 2 * PAGE,
			    RW) == STATUS_OK,
	     false);
	// The container goes: its guests' threads can no longer run there.
	at(&s, PIECE_SYSCALL);
	personality_go(&s, 0, 0);
	report(&s, 0, GUEST_SYSCALL);
	OK(slot_revoke(s.container));
	OK(slot_delete(s.container));
	resume();
	pause_ns(5 * MS);
	SAME(ipc_recv(s.gate, &(struct message){}, clock_ns() + 5 * MS),
	     ERR_TIMEOUT);
}

static void test_registers_kept(void)
{
	struct scene s;

	scene_make(&s);
	map_at(s.data, AREA + 0x200000, PAGE, RW);
	*word_at(AREA + 0x200000 + 64) = 99;
	*s.r.thread_pointer = DATA_AT + 64;
	at(&s, PIECE_POINTER);
	personality_go(&s, 0, 0);
	report(&s, 0, GUEST_SYSCALL);
	SAME(*s.r.a, 99);
	// The vector registers stay the guest's, whoever uses them meanwhile.
	at(&s, PIECE_VECTOR);
	*s.r.b = 0x7777;
	resume();
	report(&s, 0, GUEST_SYSCALL);
	for (u64 i = 0; i < 20; i++) {
		u64 mine = 0x1000 + i;

		machine_vector_set(mine);
		at(&s, PIECE_VECTOR);
		*s.r.b = 0x8888 + i;
		resume();
		report(&s, 0, GUEST_SYSCALL);
		SAME(*s.r.a, i ? 0x8887 + i : 0x7777);
		SAME(machine_vector(0), mine);
	}
}

const struct test_case suite_guest[] = {
	{"guest.syscall", test_syscall, "guest_run ok", 0},
	{"guest.faults", test_faults, nullptr, 0},
	{"guest.exceptions", test_exceptions, nullptr, 0},
	{"guest.kick", test_kick, nullptr, 0},
	{"guest.bad-state", test_bad_state, "guest_run error ARGUMENT", 0},
	{"guest.state", test_state_error, "guest_run error STATE", 0},
	{"guest.dead", test_dead, "guest_run error DEAD", 0},
	{"guest.vector", test_vector, nullptr, 0},
	{"guest.container", test_container, nullptr, 0},
	{"guest.registers", test_registers_kept, nullptr, 0},
	{}};
