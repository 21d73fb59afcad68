// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What user code must not be able to do. Each probe is a piece of machine code
// that runs on a thread of its own; its fault is caught and judged, and the system
// goes on. That SMEP, SMAP, UMIP, NX and write protection are on in every
// processor is read from the machine's registers by the script of this test; that
// the kernel makes no use of user addresses by itself shows here only in system
// calls with bad addresses, which end in ERR_ADDRESS.
#include "apps/kernel-test/hardening.h"

static struct handle faults, code;
static u64 patience_ns; // for a fault
static struct worker *victim;

void probe_code(const struct code *wanted)
{
	u8 *to = (u8 *)ALIAS_AT;

	for (u32 i = 0; i < 64; i += machine_nothing.bytes)
		memcpy(to + i, machine_nothing.byte, machine_nothing.bytes);
	memcpy(to, wanted->byte, wanted->bytes);
	memcpy(to + wanted->bytes, machine_bad.byte, machine_bad.bytes);
	// A new page, so that no instruction cache holds what was there.
	unmap(CODE_AT, 2 * PAGE);
	map_at(code, CODE_AT, 2 * PAGE, MAP_READ | MAP_EXEC);
}

void probe_begin(void)
{
	patience_ns = 20 * SECOND;
	faults = endpoint();
	code = memory_of(2 * PAGE);
	map_at(code, ALIAS_AT, 2 * PAGE, MAP_READ | MAP_WRITE);
	map_at(code, CODE_AT, 2 * PAGE, MAP_READ | MAP_EXEC);
	victim = worker_new(nullptr);
	victim->fault = faults;
	worker_prepare(victim);
}

bool probe_run(u64 pc, u64 argument, u64 number, u64 flags, struct fault *fault)
{
	struct handle thread = handle_of(victim->thread);
	struct thread_registers r = {};
	struct machine_registers m = machine_registers(&r);
	bool came;

	*m.pc = pc;
	*m.sp = victim->stack + STACK_BYTES - 256;
	*m.argument = argument;
	*m.number = number;
	*m.flags = flags;
	memset((void *)(victim->stack + STACK_BYTES - 512), 0, 512);
	OK(sys_thread_registers(thread, (struct uaddr){(u64)&r}, true));
	OK(sys_thread_start(thread, 0, 0, 0, 0));
	came = fault_within(faults, fault, patience_ns);
	if (came)
		fault_reply(FAULT_REPLY_STOP);
	OK(sys_thread_stop(thread));
	return came;
}

static u64 victim_pc(void)
{
	struct thread_registers r;

	OK(sys_thread_registers(handle_of(victim->thread),
				(struct uaddr){(u64)&r}, false));
	return *machine_registers(&r).pc;
}

static void test_privileged(void)
{
	u32 bad = 0;

	probe_begin();
	for (u32 i = 0; i < machine_probes_count; i++) {
		const struct probe *p = &machine_probes[i];
		u64 behind = CODE_AT + p->code.bytes;
		struct fault fault = {};

		probe_code(&p->code);
		if (!probe_run(CODE_AT, machine_kernel[0], 0, MACHINE_FLAGS,
			       &fault)) {
			say("hardening: %s did not fault: pc %#lx\n", p->name,
			    victim_pc());
			bad++;
		} else if (fault.kind != p->kind || fault.pc == behind) {
			bool through = fault.pc == behind && p->code.bytes;
			// A trap is reported behind its instruction.
			if (through && fault.kind == p->kind &&
			    p->kind != FAULT_INSTRUCTION)
				continue;
			say("hardening: %s: kind %lu at +%ld%s\n", p->name,
			    fault.kind, (i64)(fault.pc - CODE_AT),
			    through ? ", was carried out" : "");
			bad++;
		}
	}
	if (bad)
		FAIL("%u of %u probes", bad, machine_probes_count);
}

static void test_interrupts(void)
{
	probe_begin();
	machine_traps();
}

static void test_kernel_memory(void)
{
	struct fault fault = {};

	probe_begin();
	for (u32 i = 0; i < machine_kernel_count; i++) {
		u64 address = machine_kernel[i];

		probe_code(&machine_load);
		CHECK(probe_run(CODE_AT, address, 0, MACHINE_FLAGS, &fault));
		SAME(fault.kind, FAULT_ACCESS);
		SAME(fault.pc, CODE_AT);
		probe_code(&machine_store);
		CHECK(probe_run(CODE_AT, address, 0, MACHINE_FLAGS, &fault));
		SAME(fault.kind, FAULT_ACCESS);
		probe_code(&machine_jump);
		CHECK(probe_run(CODE_AT, address, 0, MACHINE_FLAGS, &fault));
		SAME(fault.kind, FAULT_ACCESS);
		SAME(fault.pc, address);
	}
	// Neither a user's nor the kernel's: whatever fault it is.
	probe_code(&machine_load);
	CHECK(probe_run(CODE_AT, USER_END, 0, MACHINE_FLAGS, &fault));
	CHECK(fault.kind == FAULT_INSTRUCTION || fault.kind == FAULT_ACCESS);
	probe_code(&machine_jump);
	CHECK(probe_run(CODE_AT, machine_nowhere, 0, MACHINE_FLAGS, &fault));
	CHECK(fault.kind == FAULT_INSTRUCTION || fault.kind == FAULT_ACCESS);
}

static void test_own_memory(void)
{
	extern char image_end[];
	struct fault fault = {};

	probe_begin();
	probe_code(&machine_store);
	// Its own code, its constants, the startup page, the time page.
	u64 targets[] = {0x400000, (u64)test_own_memory, (u64)startup,
			 startup->time_page, CODE_AT};
	for (u32 i = 0; i < ARRAY_COUNT(targets); i++) {
		CHECK(probe_run(CODE_AT, targets[i], 0, MACHINE_FLAGS, &fault));
		SAME(fault.kind, FAULT_ACCESS);
		SAME(fault.address, targets[i]);
		SAME(fault.code & FAULT_CODE_WRITE, FAULT_CODE_WRITE);
	}
	probe_code(&machine_jump);
	u64 data[] = {0x400000, victim->stack, (u64)image_end - 64,
		      ALIAS_AT, (u64)startup,  SHARED_AT};
	for (u32 i = 0; i < ARRAY_COUNT(data); i++) {
		(void)*(volatile u8 *)data[i];
		CHECK(probe_run(CODE_AT, data[i], 0, MACHINE_FLAGS, &fault));
		SAME(fault.kind, FAULT_ACCESS);
		SAME(fault.pc, data[i]);
	}
}

// System calls with bad numbers, and at the very end of user space, where the
// address behind the instruction is no user's.
static void test_entry(void)
{
	u64 bytes = machine_syscall.bytes;
	struct fault fault = {};

	probe_begin();
	machine_entry();
	probe_code(&machine_syscall);
	// Numbers that are no call.
	for (u64 nr = SYS_COUNT; nr < 256; nr += 13) {
		CHECK(probe_run(CODE_AT, 0, nr, MACHINE_FLAGS, &fault));
		CHECK(fault.kind == FAULT_NOSYS ||
		      (fault.pc == CODE_AT + bytes &&
		       fault.kind == FAULT_INSTRUCTION));
	}
	// The last instruction of user space.
	memcpy((u8 *)ALIAS_AT + PAGE - bytes, machine_syscall.byte, bytes);
	OK(sys_aspace_map(SELF_ASPACE, code, 0, USER_END - PAGE, PAGE,
			  MAP_READ | MAP_EXEC));
	patience_ns = 20 * MS; // most of them do not fault
	for (u64 nr = 0; nr < SYS_COUNT; nr += 7) { // null, yield, …
		u64 pc;

		// It fails, and stays where it is.
		if (probe_run(USER_END - bytes, 0, nr, MACHINE_FLAGS, &fault))
			CHECK(fault.pc == USER_END - bytes ||
			      fault.pc == USER_END);
		pc = victim_pc();
		CHECK(pc == USER_END - bytes || pc == USER_END);
	}
	patience_ns = 20 * SECOND;
	// An instruction that runs over the end.
	((u8 *)ALIAS_AT)[PAGE - 1] = 0x48;
	CHECK(probe_run(USER_END - 1, 0, 0, MACHINE_FLAGS, &fault));
	unmap(USER_END - PAGE, PAGE);
	// A stack that is none, or the kernel's.
	struct thread_registers r = {};
	struct machine_registers m = machine_registers(&r);

	*m.pc = CODE_AT;
	*m.flags = MACHINE_FLAGS;
	probe_code(&machine_syscall);
	for (u32 i = 0; i < machine_kernel_count; i++) {
		struct handle thread = handle_of(victim->thread);
		enum status status;

		*m.sp = machine_kernel[i];
		status = sys_thread_registers(thread, (struct uaddr){(u64)&r},
					      true);
		if (status == ERR_ADDRESS)
			continue;
		OK(status);
		OK(sys_thread_start(thread, 0, 0, 0, 0));
		CHECK(fault_receive(faults, &fault));
		fault_reply(FAULT_REPLY_STOP);
		OK(sys_thread_stop(thread));
	}
}

static void test_bases(void)
{
	probe_begin();
	machine_bases();
	pause_ns(5 * MS); // interrupts on top of it
}

// Addresses in system calls.
static void test_addresses(void)
{
	const u64 bad[] = {0,
			   1,
			   0xfff,
			   USER_END - 1,
			   USER_END,
			   0x8000000000000000,
			   0xffff800000100000,
			   0xffffffff80100000,
			   0xfffffffffffffff0,
			   ~0ull};
	struct worker *worker = worker_new(nullptr);
	u32 done;
	u64 next;

	worker_prepare(worker);
	for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
		struct uaddr at = {bad[i]};

		SAME(sys_system_log(SYSTEM, at, 32), ERR_ADDRESS);
		SAME(sys_system_log_read(SYSTEM, at, 32, 0, &done, &next),
		     ERR_ADDRESS);
		SAME(sys_thread_registers(handle_of(worker->thread), at, false),
		     ERR_ADDRESS);
		SAME(sys_thread_registers(handle_of(worker->thread), at, true),
		     ERR_ADDRESS);
	}
}

// Random bytes as code, at random places, with random registers.
static void test_random_code(void)
{
	u64 state = 20260;
	struct fault fault;
	u32 caught = 0;

	probe_begin();
	for (u32 round = 0; round < 1500; round++) {
		struct handle thread = handle_of(victim->thread);
		struct thread_registers r;
		struct machine_registers m = machine_registers(&r);
		u64 *words = (u64 *)&r;

		for (u32 i = 0; i < PAGE / 8; i++)
			word_at(ALIAS_AT)[i] = random_next(&state);
		// No system calls: what they do to others is the fuzzer's part.
		for (u32 i = 0; i < PAGE - 3; i++)
			if (machine_is_syscall((u8 *)ALIAS_AT + i))
				memcpy((u8 *)ALIAS_AT + i, machine_bad.byte,
				       machine_bad.bytes);
		unmap(CODE_AT, 2 * PAGE); // no instruction cache holds it
		map_at(code, CODE_AT, 2 * PAGE, MAP_READ | MAP_EXEC);
		for (u32 i = 0; i < sizeof(r) / 8; i++)
			words[i] = random_next(&state);
		*m.pc = CODE_AT + random_next(&state) % (PAGE - 64);
		*m.sp = victim->stack + 4096;
		machine_pointers_set(&r, 0);
		OK(sys_thread_registers(thread, (struct uaddr){(u64)&r}, true));
		OK(sys_thread_start(thread, 0, 0, 0, 0));
		struct message message = {};

		if (ipc_recv(faults, &message, clock_ns() + 3 * MS) ==
		    STATUS_OK) {
			caught++;
			fault_reply(FAULT_REPLY_STOP);
		}
		OK(sys_thread_stop(thread));
	}
	(void)fault;
	CHECK(caught > 1000);
}

const struct test_case suite_hardening[] = {
	{"hardening.privileged", test_privileged, nullptr, 0},
	{"hardening.interrupts", test_interrupts, nullptr, 0},
	{"hardening.kernel-memory", test_kernel_memory, nullptr, 0},
	{"hardening.own-memory", test_own_memory, nullptr, 0},
	{"hardening.entry", test_entry, nullptr, 0},
	{"hardening.bases", test_bases, nullptr, 0},
	{"hardening.addresses", test_addresses, nullptr, 0},
	{"hardening.random-code", test_random_code, nullptr, 0},
	{}};
