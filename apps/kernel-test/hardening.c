// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What user code must not be able to do. Each probe is a piece of machine code
// that runs on a thread of its own; its fault is caught and judged, and the system
// goes on. That SMEP, SMAP, UMIP, NX and write protection are on in every
// processor is read from the machine's registers by the script of this test; that
// the kernel makes no use of user addresses by itself shows here only in system
// calls with bad addresses, which end in ERR_ADDRESS.
#include "abi/registers.h"
#include "apps/kernel-test/harness/harness.h"

#define PAGE (u64) PAGE_BYTES
#define CODE_AT AREA
#define ALIAS_AT (AREA + 0x100000)
#define ANY_KIND 0

struct probe {
	const char *name;
	u8 code[24];
	u32 bytes;
	u64 kind; // of the fault; ANY_KIND: whichever
	u64 address; // of FAULT_ACCESS; 0: not looked at
};

#define P(name, kind, address, ...)                                            \
	{name, {__VA_ARGS__}, sizeof((u8[]){__VA_ARGS__}), kind, address}

// rdi holds the address to be used.
static const struct probe privileged[] = {
	P("cli", FAULT_INSTRUCTION, 0, 0xfa),
	P("sti", FAULT_INSTRUCTION, 0, 0xfb),
	P("hlt", FAULT_INSTRUCTION, 0, 0xf4),
	P("in", FAULT_INSTRUCTION, 0, 0xe4, 0x60),
	P("out", FAULT_INSTRUCTION, 0, 0xe6, 0x80),
	P("in dx", FAULT_INSTRUCTION, 0, 0x66, 0xba, 0xf8, 0x02, 0xec),
	P("outs", FAULT_INSTRUCTION, 0, 0x66, 0xba, 0xf4, 0x00, 0x6e),
	P("mov cr0", FAULT_INSTRUCTION, 0, 0x0f, 0x22, 0xc0),
	P("read cr0", FAULT_INSTRUCTION, 0, 0x0f, 0x20, 0xc0),
	P("read cr3", FAULT_INSTRUCTION, 0, 0x0f, 0x20, 0xd8),
	P("mov cr3", FAULT_INSTRUCTION, 0, 0x0f, 0x22, 0xd8),
	P("mov cr4", FAULT_INSTRUCTION, 0, 0x0f, 0x22, 0xe0),
	P("mov dr7", FAULT_INSTRUCTION, 0, 0x0f, 0x23, 0xf8),
	P("read dr7", FAULT_INSTRUCTION, 0, 0x0f, 0x21, 0xf8),
	P("clts", FAULT_INSTRUCTION, 0, 0x0f, 0x06),
	P("lmsw", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0xf0),
	P("invlpg", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0x3f),
	P("invd", FAULT_INSTRUCTION, 0, 0x0f, 0x08),
	P("wbinvd", FAULT_INSTRUCTION, 0, 0x0f, 0x09),
	P("rdmsr", FAULT_INSTRUCTION, 0, 0xb9, 0x80, 0, 0, 0xc0, 0x0f, 0x32),
	P("wrmsr", FAULT_INSTRUCTION, 0, 0xb9, 0x82, 0, 0, 0xc0, 0x0f, 0x30),
	P("lgdt", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0x14, 0x24),
	P("lidt", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0x1c, 0x24),
	P("ltr", FAULT_INSTRUCTION, 0, 0x0f, 0x00, 0xd8),
	P("lldt", FAULT_INSTRUCTION, 0, 0x0f, 0x00, 0xd0),
	P("swapgs", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0xf8),
	P("sysret", FAULT_INSTRUCTION, 0, 0x48, 0x0f, 0x07),
	P("sysexit", FAULT_INSTRUCTION, 0, 0x0f, 0x35),
	P("xsetbv", FAULT_INSTRUCTION, 0, 0x31, 0xc9, 0x0f, 0x01, 0xd1),
	P("stac", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0xcb),
	P("clac", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0xca),
	P("vmrun", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0xd8),
	P("vmload", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0xda),
	P("monitor", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0xc8),
	P("mwait", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0xc9),
	P("ud2", FAULT_INSTRUCTION, 0, 0x0f, 0x0b),
	// Tables' addresses are kept from users by UMIP.
	P("sgdt", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0x04, 0x24),
	P("sidt", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0x0c, 0x24),
	P("sldt", FAULT_INSTRUCTION, 0, 0x0f, 0x00, 0xc0),
	P("str", FAULT_INSTRUCTION, 0, 0x0f, 0x00, 0xc8),
	P("smsw", FAULT_INSTRUCTION, 0, 0x0f, 0x01, 0xe0),
	// A far jump into the kernel's segment. (Far returns cannot be tried:
	// QEMU before 9 pops them with the kernel's access, which SMAP refuses.)
	P("kernel cs", FAULT_INSTRUCTION, 0, 0x6a, 0x08, 0x57, 0x48, 0xff, 0x2c,
	  0x24),
	P("mov ss", FAULT_INSTRUCTION, 0, 0xb8, 0x10, 0, 0, 0, 0x8e, 0xd0),
	P("load tss", FAULT_INSTRUCTION, 0, 0xb8, 0x30, 0, 0, 0, 0x8e, 0xd8),
	P("int3", FAULT_BREAKPOINT, 0, 0xcc),
	P("divide", FAULT_ARITHMETIC, 0, 0x31, 0xc9, 0xf7, 0xf1),
	P("step", FAULT_DEBUG, 0, 0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d,
	  0x90, 0x90),
};

static struct handle faults, code;
static u64 patience_ns; // for a fault
static struct worker *victim;

static void code_set(const u8 *bytes, u32 count)
{
	u8 *to = (u8 *)ALIAS_AT;

	memset(to, 0x90, 64);
	memcpy(to, bytes, count);
	to[count] = 0x0f; // ud2: it came through
	to[count + 1] = 0x0b;
}

static void set_up(void)
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

// Run code at pc with rdi, catch its fault, leave the thread stopped.
static bool victim_run(u64 pc, u64 rdi, u64 rax, u64 rflags,
		       struct fault *fault)
{
	struct handle thread = handle_of(victim->thread);
	struct thread_registers r = {
		.rip = pc,
		.rsp = victim->stack + STACK_BYTES - 256,
		.rdi = rdi,
		.rax = rax,
		.rflags = rflags,
	};
	bool came;

	memset((void *)(victim->stack + STACK_BYTES - 512), 0, 512);
	OK(sys_thread_registers(thread, (struct uaddr){(u64)&r}, true));
	OK(sys_thread_start(thread, 0, 0, 0, 0));
	came = fault_within(faults, fault, patience_ns);
	if (came)
		fault_reply(FAULT_REPLY_STOP);
	OK(sys_thread_stop(thread));
	return came;
}

static void test_privileged(void)
{
	u32 bad = 0;

	set_up();
	for (u32 i = 0; i < ARRAY_COUNT(privileged); i++) {
		const struct probe *p = &privileged[i];
		struct fault fault = {};

		code_set(p->code, p->bytes);
		if (!victim_run(CODE_AT, 0xffffffff80100000, 0, 0x202,
				&fault)) {
			struct thread_registers r;

			OK(sys_thread_registers(handle_of(victim->thread),
						(struct uaddr){(u64)&r},
						false));
			say("hardening: %s did not fault: pc %#lx\n", p->name,
			    r.rip);
			bad++;
		} else if (fault.kind != p->kind ||
			   fault.pc == CODE_AT + p->bytes) {
			bool through =
				fault.pc == CODE_AT + p->bytes && p->bytes;
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
		FAIL("%u of %lu probes", bad, ARRAY_COUNT(privileged));
}

// int N for all N but 3: a protection fault, never the kernel's handler.
static void test_interrupts(void)
{
	struct fault fault = {};

	set_up();
	for (u32 n = 0; n < 256; n++) {
		u8 bytes[] = {0xcd, (u8)n};

		code_set(bytes, 2);
		CHECK(victim_run(CODE_AT, 0, 0, 0x202, &fault));
		if (n == 3)
			SAME(fault.kind, FAULT_BREAKPOINT);
		else if (fault.kind != FAULT_INSTRUCTION || fault.pc != CODE_AT)
			FAIL("int %u: kind %lu at +%ld", n, fault.kind,
			     (i64)(fault.pc - CODE_AT));
	}
}

static const u64 kernel_addresses[] = {
	0xffff800000000000, 0xffff800000100000, 0xffff800010000000,
	0xffff8000fee00000, 0xffff8000fec00000, 0xffffffff80000000,
	0xffffffff80100000, 0xffffffff80200000, 0xffffffff80400000,
	0xffffffffffffffff, 0xffffffffff5ff000,
};

static void test_kernel_memory(void)
{
	static const u8 load[] = {0x48, 0x8b, 0x07},
			store[] = {0x48, 0x89, 0x07};
	static const u8 jump[] = {0xff, 0xe7};
	struct fault fault = {};

	set_up();
	for (u32 i = 0; i < ARRAY_COUNT(kernel_addresses); i++) {
		u64 address = kernel_addresses[i];

		code_set(load, 3);
		CHECK(victim_run(CODE_AT, address, 0, 0x202, &fault));
		SAME(fault.kind, FAULT_ACCESS);
		SAME(fault.pc, CODE_AT);
		code_set(store, 3);
		CHECK(victim_run(CODE_AT, address, 0, 0x202, &fault));
		SAME(fault.kind, FAULT_ACCESS);
		code_set(jump, 2);
		CHECK(victim_run(CODE_AT, address, 0, 0x202, &fault));
		SAME(fault.kind, FAULT_ACCESS);
		SAME(fault.pc, address);
	}
	// Not canonical: no page fault, an exception.
	code_set(load, 3);
	CHECK(victim_run(CODE_AT, 0x0000800000000000, 0, 0x202, &fault));
	CHECK(fault.kind == FAULT_INSTRUCTION || fault.kind == FAULT_ACCESS);
	code_set(jump, 2);
	CHECK(victim_run(CODE_AT, 0x8000000000000000, 0, 0x202, &fault));
	CHECK(fault.kind == FAULT_INSTRUCTION || fault.kind == FAULT_ACCESS);
}

static void test_own_memory(void)
{
	static const u8 store[] = {0x48, 0x89, 0x07}, jump[] = {0xff, 0xe7};
	extern char image_end[];
	struct fault fault = {};

	set_up();
	code_set(store, 3);
	// Its own code, its constants, the startup page, the time page.
	static const u64 fixed[] = {0x400000, 0, 0};
	u64 targets[] = {fixed[0], (u64)test_own_memory, (u64)startup,
			 startup->time_page, CODE_AT};
	for (u32 i = 0; i < ARRAY_COUNT(targets); i++) {
		CHECK(victim_run(CODE_AT, targets[i], 0, 0x202, &fault));
		SAME(fault.kind, FAULT_ACCESS);
		SAME(fault.address, targets[i]);
		SAME(fault.code & FAULT_CODE_WRITE, FAULT_CODE_WRITE);
	}
	code_set(jump, 2);
	u64 data[] = {0x400000, victim->stack, (u64)image_end - 64,
		      ALIAS_AT, (u64)startup,  SHARED_AT};
	for (u32 i = 0; i < ARRAY_COUNT(data); i++) {
		(void)*(volatile u8 *)data[i];
		CHECK(victim_run(CODE_AT, data[i], 0, 0x202, &fault));
		SAME(fault.kind, FAULT_ACCESS);
		SAME(fault.pc, data[i]);
	}
}

// A system call with every flag set that a user can set, and at the very end of
// user space, where the address behind the instruction is not canonical.
static void test_entry(void)
{
	static const u8 call[] = {0x0f, 0x05};
	static const u8 flags[] = {0x9c, 0x48, 0x81, 0x0c, 0x24, 0xd5,
				   0x4c, 0x24, 0x00, 0x9d, 0x0f, 0x05};
	struct fault fault = {};

	set_up();
	code_set(flags, sizeof(flags)); // NT, direction, AC, ID, arithmetic
	CHECK(victim_run(CODE_AT, 0, SYS_NULL, 0x202, &fault));
	SAME(fault.pc, CODE_AT + sizeof(flags));
	code_set(call, 2);
	// Stepping over a system call.
	CHECK(victim_run(CODE_AT, 0, SYS_NULL, 0x302, &fault));
	CHECK(fault.kind == FAULT_DEBUG || fault.pc == CODE_AT + 2);
	// Numbers that are no call.
	for (u64 nr = SYS_COUNT; nr < 256; nr += 13) {
		CHECK(victim_run(CODE_AT, 0, nr, 0x202, &fault));
		CHECK(fault.kind == FAULT_NOSYS ||
		      (fault.pc == CODE_AT + 2 &&
		       fault.kind == FAULT_INSTRUCTION));
	}
	// The last two bytes of user space.
	((u8 *)ALIAS_AT)[PAGE - 2] = 0x0f;
	((u8 *)ALIAS_AT)[PAGE - 1] = 0x05;
	OK(sys_aspace_map(SELF_ASPACE, code, 0, USER_END - PAGE, PAGE,
			  MAP_READ | MAP_EXEC));
	patience_ns = 20 * MS; // most of them do not fault
	for (u64 nr = 0; nr < SYS_COUNT; nr += 7) { // null, yield, …
		struct thread_registers r;

		// It fails, and stays where it is.
		if (victim_run(USER_END - 2, 0, nr, 0x202, &fault))
			CHECK(fault.pc == USER_END - 2 || fault.pc == USER_END);
		OK(sys_thread_registers(handle_of(victim->thread),
					(struct uaddr){(u64)&r}, false));
		CHECK(r.rip == USER_END - 2 || r.rip == USER_END);
	}
	patience_ns = 20 * SECOND;
	// An instruction that runs over the end.
	((u8 *)ALIAS_AT)[PAGE - 1] = 0x48;
	CHECK(victim_run(USER_END - 1, 0, 0, 0x202, &fault));
	unmap(USER_END - PAGE, PAGE);
	// A stack that is none, or the kernel's.
	struct thread_registers r = {.rip = CODE_AT, .rflags = 0x202};
	for (u32 i = 0; i < ARRAY_COUNT(kernel_addresses); i++) {
		struct handle thread = handle_of(victim->thread);
		enum status status;

		code_set(call, 2);
		r.rsp = kernel_addresses[i];
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

// Segment bases a user may set (where it may) must not lead the kernel astray.
static void test_bases(void)
{
	static const u8 write_gs[] = {
		0xf3, 0x48, 0x0f, 0xae,
		0xdf, 0x0f, 0x05}; // wrgsbase rdi; syscall
	static const u8 write_fs[] = {0xf3, 0x48, 0x0f, 0xae, 0xd7, 0x0f, 0x05};
	static const u8 load_gs[] = {0x31, 0xc0, 0x8e, 0xe8, 0x0f, 0x05};
	struct fault fault = {};

	set_up();
	for (u32 i = 0; i < ARRAY_COUNT(kernel_addresses); i++) {
		code_set(write_gs, sizeof(write_gs));
		CHECK(victim_run(CODE_AT, kernel_addresses[i], 0, 0x202,
				 &fault));
		code_set(write_fs, sizeof(write_fs));
		CHECK(victim_run(CODE_AT, kernel_addresses[i], 0, 0x202,
				 &fault));
	}
	code_set(load_gs, sizeof(load_gs));
	CHECK(victim_run(CODE_AT, 0, 0, 0x202, &fault));
	pause_ns(5 * MS); // interrupts on top of it
}

// Addresses in system calls.
static void test_addresses(void)
{
	static const u64 bad[] = {0,
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

	set_up();
	for (u32 round = 0; round < 1500; round++) {
		struct handle thread = handle_of(victim->thread);
		struct thread_registers r;
		u64 *words = (u64 *)&r;

		for (u32 i = 0; i < PAGE / 8; i++)
			word_at(ALIAS_AT)[i] = random_next(&state);
		// No system calls: what they do to others is the fuzzer's part.
		for (u32 i = 0; i < PAGE - 1; i++)
			if (((u8 *)ALIAS_AT)[i] == 0x0f &&
			    ((u8 *)ALIAS_AT)[i + 1] == 0x05)
				((u8 *)ALIAS_AT)[i + 1] = 0x0b;
		for (u32 i = 0; i < sizeof(r) / 8; i++)
			words[i] = random_next(&state);
		r.rip = CODE_AT + random_next(&state) % (PAGE - 64);
		r.rsp = victim->stack + 4096;
		r.fs_base = r.gs_base = 0;
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
