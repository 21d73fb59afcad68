// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// x86-64: what user code must not be able to do. rdi holds the address.
#include "apps/kernel-test/hardening.h"
#include "gen/abi/syscall_nr.h"

const struct probe machine_probes[] = {
	{"cli", CODE(0xfa), FAULT_INSTRUCTION},
	{"sti", CODE(0xfb), FAULT_INSTRUCTION},
	{"hlt", CODE(0xf4), FAULT_INSTRUCTION},
	{"in", CODE(0xe4, 0x60), FAULT_INSTRUCTION},
	{"out", CODE(0xe6, 0x80), FAULT_INSTRUCTION},
	{"in dx", CODE(0x66, 0xba, 0xf8, 0x02, 0xec), FAULT_INSTRUCTION},
	{"outs", CODE(0x66, 0xba, 0xf4, 0x00, 0x6e), FAULT_INSTRUCTION},
	{"mov cr0", CODE(0x0f, 0x22, 0xc0), FAULT_INSTRUCTION},
	{"read cr0", CODE(0x0f, 0x20, 0xc0), FAULT_INSTRUCTION},
	{"read cr3", CODE(0x0f, 0x20, 0xd8), FAULT_INSTRUCTION},
	{"mov cr3", CODE(0x0f, 0x22, 0xd8), FAULT_INSTRUCTION},
	{"mov cr4", CODE(0x0f, 0x22, 0xe0), FAULT_INSTRUCTION},
	{"mov dr7", CODE(0x0f, 0x23, 0xf8), FAULT_INSTRUCTION},
	{"read dr7", CODE(0x0f, 0x21, 0xf8), FAULT_INSTRUCTION},
	{"clts", CODE(0x0f, 0x06), FAULT_INSTRUCTION},
	{"lmsw", CODE(0x0f, 0x01, 0xf0), FAULT_INSTRUCTION},
	{"invlpg", CODE(0x0f, 0x01, 0x3f), FAULT_INSTRUCTION},
	{"invd", CODE(0x0f, 0x08), FAULT_INSTRUCTION},
	{"wbinvd", CODE(0x0f, 0x09), FAULT_INSTRUCTION},
	{"rdmsr", CODE(0xb9, 0x80, 0, 0, 0xc0, 0x0f, 0x32), FAULT_INSTRUCTION},
	{"wrmsr", CODE(0xb9, 0x82, 0, 0, 0xc0, 0x0f, 0x30), FAULT_INSTRUCTION},
	{"lgdt", CODE(0x0f, 0x01, 0x14, 0x24), FAULT_INSTRUCTION},
	{"lidt", CODE(0x0f, 0x01, 0x1c, 0x24), FAULT_INSTRUCTION},
	{"ltr", CODE(0x0f, 0x00, 0xd8), FAULT_INSTRUCTION},
	{"lldt", CODE(0x0f, 0x00, 0xd0), FAULT_INSTRUCTION},
	{"swapgs", CODE(0x0f, 0x01, 0xf8), FAULT_INSTRUCTION},
	{"sysret", CODE(0x48, 0x0f, 0x07), FAULT_INSTRUCTION},
	{"sysexit", CODE(0x0f, 0x35), FAULT_INSTRUCTION},
	{"xsetbv", CODE(0x31, 0xc9, 0x0f, 0x01, 0xd1), FAULT_INSTRUCTION},
	{"stac", CODE(0x0f, 0x01, 0xcb), FAULT_INSTRUCTION},
	{"clac", CODE(0x0f, 0x01, 0xca), FAULT_INSTRUCTION},
	{"vmrun", CODE(0x0f, 0x01, 0xd8), FAULT_INSTRUCTION},
	{"vmload", CODE(0x0f, 0x01, 0xda), FAULT_INSTRUCTION},
	{"monitor", CODE(0x0f, 0x01, 0xc8), FAULT_INSTRUCTION},
	{"mwait", CODE(0x0f, 0x01, 0xc9), FAULT_INSTRUCTION},
	{"ud2", CODE(0x0f, 0x0b), FAULT_INSTRUCTION},
	// Tables' addresses are kept from users by UMIP.
	{"sgdt", CODE(0x0f, 0x01, 0x04, 0x24), FAULT_INSTRUCTION},
	{"sidt", CODE(0x0f, 0x01, 0x0c, 0x24), FAULT_INSTRUCTION},
	{"sldt", CODE(0x0f, 0x00, 0xc0), FAULT_INSTRUCTION},
	{"str", CODE(0x0f, 0x00, 0xc8), FAULT_INSTRUCTION},
	{"smsw", CODE(0x0f, 0x01, 0xe0), FAULT_INSTRUCTION},
	// A far jump into the kernel's segment. (Far returns cannot be tried:
	// QEMU before 9 pops them with the kernel's access, which SMAP refuses.)
	{"kernel cs", CODE(0x6a, 0x08, 0x57, 0x48, 0xff, 0x2c, 0x24),
	 FAULT_INSTRUCTION},
	{"mov ss", CODE(0xb8, 0x10, 0, 0, 0, 0x8e, 0xd0), FAULT_INSTRUCTION},
	{"load tss", CODE(0xb8, 0x30, 0, 0, 0, 0x8e, 0xd8), FAULT_INSTRUCTION},
	{"int3", CODE(0xcc), FAULT_BREAKPOINT},
	{"divide", CODE(0x31, 0xc9, 0xf7, 0xf1), FAULT_ARITHMETIC},
	{"step", CODE(0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d, 0x90, 0x90),
	 FAULT_DEBUG},
};
const u32 machine_probes_count = ARRAY_COUNT(machine_probes);

const struct code machine_load = CODE(0x48, 0x8b, 0x07),
		  machine_store = CODE(0x48, 0x89, 0x07),
		  machine_jump = CODE(0xff, 0xe7),
		  machine_syscall = CODE(0x0f, 0x05),
		  machine_bad = CODE(0x0f, 0x0b), machine_nothing = CODE(0x90),
		  machine_return = CODE(0xc3);

const u64 machine_kernel[] = {
	0xffff800000000000, 0xffff800000100000, 0xffff800010000000,
	0xffff8000fee00000, 0xffff8000fec00000, 0xffffffff80000000,
	0xffffffff80100000, 0xffffffff80200000, 0xffffffff80400000,
	0xffffffffffffffff, 0xffffffffff5ff000,
};
const u32 machine_kernel_count = ARRAY_COUNT(machine_kernel);
const u64 machine_nowhere = 0x8000000000000000;

bool machine_is_syscall(const u8 *code)
{
	return code[0] == 0x0f && code[1] == 0x05;
}

// int N for all N but 3: a protection fault, never the kernel's handler.
void machine_traps(void)
{
	struct fault fault = {};

	for (u32 n = 0; n < 256; n++) {
		struct code code = CODE(0xcd, (u8)n);

		probe_code(&code);
		CHECK(probe_run(CODE_AT, 0, 0, MACHINE_FLAGS, &fault));
		if (n == 3)
			SAME(fault.kind, FAULT_BREAKPOINT);
		else if (fault.kind != FAULT_INSTRUCTION || fault.pc != CODE_AT)
			FAIL("int %u: kind %lu at +%ld", n, fault.kind,
			     (i64)(fault.pc - CODE_AT));
	}
}

// A system call with every flag set that a user can set; and one that is stepped.
void machine_entry(void)
{
	// NT, direction, AC, ID, arithmetic
	static const struct code flags =
		CODE(0x9c, 0x48, 0x81, 0x0c, 0x24, 0xd5, 0x4c, 0x24, 0x00, 0x9d,
		     0x0f, 0x05);
	struct fault fault = {};

	probe_code(&flags);
	CHECK(probe_run(CODE_AT, 0, SYS_NULL, MACHINE_FLAGS, &fault));
	SAME(fault.pc, CODE_AT + flags.bytes);
	probe_code(&machine_syscall);
	CHECK(probe_run(CODE_AT, 0, SYS_NULL, MACHINE_FLAGS | 0x100, &fault));
	CHECK(fault.kind == FAULT_DEBUG || fault.pc == CODE_AT + 2);
}

// Segment bases a user may set (where it may) must not lead the kernel astray.
void machine_bases(void)
{
	static const struct code code[] = {
		// wrgsbase rdi; syscall
		CODE(0xf3, 0x48, 0x0f, 0xae, 0xdf, 0x0f, 0x05),
		// wrfsbase rdi; syscall
		CODE(0xf3, 0x48, 0x0f, 0xae, 0xd7, 0x0f, 0x05),
		// load gs with 0; syscall
		CODE(0x31, 0xc0, 0x8e, 0xe8, 0x0f, 0x05),
	};
	struct fault fault = {};

	for (u32 i = 0; i < machine_kernel_count; i++)
		for (u32 k = 0; k < ARRAY_COUNT(code); k++) {
			probe_code(&code[k]);
			CHECK(probe_run(CODE_AT, machine_kernel[i], 0,
					MACHINE_FLAGS, &fault));
		}
}
