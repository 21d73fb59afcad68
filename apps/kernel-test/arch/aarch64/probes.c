// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AArch64: what user code must not be able to do. x0 holds the address.
#include "apps/kernel-test/hardening.h"
#include "gen/abi/syscall_nr.h"

#define WORD(w) (w) & 0xff, (w) >> 8 & 0xff, (w) >> 16 & 0xff, (w) >> 24 & 0xff
#define WORDS1(a) WORD(a)
#define WORDS2(a, b) WORD(a), WORD(b)
#define WORDS3(a, b, c) WORD(a), WORD(b), WORD(c)
#define PICK(a, b, c, name, ...) name
#define A64(...) WORDS(PICK(__VA_ARGS__, WORDS3, WORDS2, WORDS1)(__VA_ARGS__))
#define WORDS(...) CODE(__VA_ARGS__)

const struct probe machine_probes[] = {
	{"msr daifset", A64(0xd50342df), FAULT_INSTRUCTION},
	{"msr daif", A64(0xd51b4220), FAULT_INSTRUCTION},
	{"msr daifclr", A64(0xd5034fff), FAULT_INSTRUCTION},
	{"msr spsel", A64(0xd50041bf), FAULT_INSTRUCTION},
	{"msr pan", A64(0xd500409f), FAULT_INSTRUCTION},
	{"read sctlr", A64(0xd5381001), FAULT_INSTRUCTION},
	{"write sctlr", A64(0xd5181000), FAULT_INSTRUCTION},
	{"write ttbr0", A64(0xd5182000), FAULT_INSTRUCTION},
	{"read ttbr1", A64(0xd5382021), FAULT_INSTRUCTION},
	{"write ttbr1", A64(0xd5182020), FAULT_INSTRUCTION},
	{"write tcr", A64(0xd5182040), FAULT_INSTRUCTION},
	{"write vbar", A64(0xd518c000), FAULT_INSTRUCTION},
	{"write elr", A64(0xd5184020), FAULT_INSTRUCTION},
	{"write spsr", A64(0xd5184000), FAULT_INSTRUCTION},
	{"write sp_el0", A64(0xd5184100), FAULT_INSTRUCTION},
	{"read far", A64(0xd5386001), FAULT_INSTRUCTION},
	{"read tpidr_el1", A64(0xd538d081), FAULT_INSTRUCTION},
	{"write tpidrro", A64(0xd51bd060), FAULT_INSTRUCTION},
	{"write cpacr", A64(0xd5181040), FAULT_INSTRUCTION},
	{"write cntkctl", A64(0xd518e100), FAULT_INSTRUCTION},
	{"write timer", A64(0xd51be340), FAULT_INSTRUCTION},
	{"write physical timer", A64(0xd51be240), FAULT_INSTRUCTION},
	{"read physical counter", A64(0xd53be021), FAULT_INSTRUCTION},
	{"read cycles", A64(0xd53b9d01), FAULT_INSTRUCTION},
	{"write mdscr", A64(0xd5100240), FAULT_INSTRUCTION},
	{"read mpidr", A64(0xd53800a1), FAULT_INSTRUCTION},
	{"read midr", A64(0xd5380001), FAULT_INSTRUCTION},
	{"read hcr", A64(0xd53c1101), FAULT_INSTRUCTION},
	{"write hcr", A64(0xd51c1100), FAULT_INSTRUCTION},
	{"read sctlr_el2", A64(0xd53c1001), FAULT_INSTRUCTION},
	{"acknowledge", A64(0xd538cc01), FAULT_INSTRUCTION},
	{"end of interrupt", A64(0xd518cc20), FAULT_INSTRUCTION},
	{"send interrupt", A64(0xd518cba0), FAULT_INSTRUCTION},
	{"tlbi vmalle1", A64(0xd508871f), FAULT_INSTRUCTION},
	{"tlbi vaae1is", A64(0xd5088360), FAULT_INSTRUCTION},
	{"ic iallu", A64(0xd508751f), FAULT_INSTRUCTION},
	{"dc isw", A64(0xd5087640), FAULT_INSTRUCTION},
	{"dc ivac", A64(0xd5087620), FAULT_INSTRUCTION},
	{"at s1e1r", A64(0xd5087800), FAULT_INSTRUCTION},
	{"eret", A64(0xd69f03e0), FAULT_INSTRUCTION},
	{"hvc", A64(0xd4000002), FAULT_INSTRUCTION},
	{"smc", A64(0xd4000003), FAULT_INSTRUCTION},
	{"hlt", A64(0xd45e0000), FAULT_INSTRUCTION},
	{"dcps1", A64(0xd4a00001), FAULT_INSTRUCTION},
	{"udf", A64(0x00000000), FAULT_INSTRUCTION},
	{"read pan", A64(0xd5384261), FAULT_INSTRUCTION},
	{"cache selection", A64(0xd51a0000), FAULT_INSTRUCTION},
	{"pointer key", A64(0xd5182100), FAULT_INSTRUCTION},
	{"scalable vectors", A64(0x25d8e3e0), FAULT_INSTRUCTION},
	{"load unprivileged", A64(0xf8400801), FAULT_ACCESS},
	{"dc zva", A64(0xd50b7420), FAULT_ACCESS},
	{"brk", A64(0xd4200020), FAULT_BREAKPOINT},
	{"unaligned exclusive", A64(0x910007e1, 0xc85f7c22), FAULT_ALIGNMENT},
	{"unaligned code", A64(0x10000001, 0x91000821, 0xd61f0020),
	 FAULT_ALIGNMENT},
};
const u32 machine_probes_count = ARRAY_COUNT(machine_probes);

const struct code machine_load = A64(0xf9400001); // ldr x1, [x0]
const struct code machine_store = A64(0xf9000001); // str x1, [x0]
const struct code machine_jump = A64(0xd61f0000); // br x0
const struct code machine_syscall = A64(0xd4000001); // svc #0
const struct code machine_bad = A64(0x00000000); // udf #0
const struct code machine_nothing = A64(0xd503201f); // nop
const struct code machine_return = A64(0xd65f03c0); // ret

const u64 machine_kernel[] = {
	0xffffffff80000000, 0xffff800000000000, 0xffff800040000000,
	0xffff800040100000, 0xffff800040200000, 0xffff800008000000,
	0xffff800009000000, 0xffffffff80010000, 0xffffffff80020000,
	0xffffffffd0000000, 0xffffffffd0007000, 0xffffffffe0000000,
	0xfffffffffffffffc, 0xffff000000000000,
};
const u32 machine_kernel_count = ARRAY_COUNT(machine_kernel);
const u64 machine_nowhere = 0x8000000000000000;

bool machine_is_syscall(const u8 *code)
{
	u32 word = code[0] | code[1] << 8 | code[2] << 16 | (u32)code[3] << 24;

	return (word & 0xffe0001f) == 0xd4000001;
}

// Trap instructions with numbers in them.
void machine_traps(void)
{
	static const struct {
		u32 instruction;
		u64 kind;
	} traps[] = {
		{0xd4000002, FAULT_INSTRUCTION}, // hvc
		{0xd4000003, FAULT_INSTRUCTION}, // smc
		{0xd4200000, FAULT_BREAKPOINT}, // brk
		{0xd4400000, FAULT_INSTRUCTION}, // hlt
	};
	struct fault fault = {};

	for (u32 i = 0; i < ARRAY_COUNT(traps); i++)
		for (u32 n = 0; n < 65536; n = n < 16 ? n + 1 : n * 3) {
			u32 word = traps[i].instruction | n << 5;
			struct code code = A64(word);

			probe_code(&code);
			CHECK(probe_run(CODE_AT, 0, 0, MACHINE_FLAGS, &fault));
			if (fault.kind != traps[i].kind || fault.pc != CODE_AT)
				FAIL("%#x: kind %lu at +%ld", word, fault.kind,
				     (i64)(fault.pc - CODE_AT));
		}
}

// System calls with other numbers in the instruction, and with all flags set.
void machine_entry(void)
{
	struct fault fault = {};

	for (u32 n = 0; n < 65536; n = n * 5 + 1) {
		u32 word = 0xd4000001 | n << 5;
		struct code code = A64(word);

		probe_code(&code);
		CHECK(probe_run(CODE_AT, 0, SYS_NULL, ~0ull, &fault));
		SAME(fault.kind, FAULT_INSTRUCTION);
		SAME(fault.pc, CODE_AT + 4);
	}
}

// A thread pointer is only a number; and nothing is in the other one, which a user
// may read.
void machine_bases(void)
{
	// msr tpidr_el0, x0; svc #0
	static const struct code write = A64(0xd51bd040, 0xd4000001);
	// mrs x0, tpidrro_el0; str x0, [x0]
	static const struct code read = A64(0xd53bd060, 0xf9000000);
	struct fault fault = {};

	for (u32 i = 0; i < machine_kernel_count; i++) {
		probe_code(&write);
		CHECK(probe_run(CODE_AT, machine_kernel[i], 0, MACHINE_FLAGS,
				&fault));
	}
	probe_code(&read);
	CHECK(probe_run(CODE_AT, 1, 0, MACHINE_FLAGS, &fault));
	SAME(fault.address, 0);
}
