// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V: what user code must not be able to do: every control register of the
// supervisor, the hypervisor and the machine, and the instructions that are theirs.
// a0 holds the address.
#include "apps/kernel-test/hardening.h"
#include "gen/abi/syscall_nr.h"

const struct probe machine_probes[] = {
	{"write sstatus", CODE(0x73, 0x10, 0x05, 0x10), FAULT_INSTRUCTION},
	{"read sstatus", CODE(0xf3, 0x25, 0x00, 0x10), FAULT_INSTRUCTION},
	{"write sie", CODE(0x73, 0x10, 0x45, 0x10), FAULT_INSTRUCTION},
	{"read sie", CODE(0xf3, 0x25, 0x40, 0x10), FAULT_INSTRUCTION},
	{"write stvec", CODE(0x73, 0x10, 0x55, 0x10), FAULT_INSTRUCTION},
	{"read stvec", CODE(0xf3, 0x25, 0x50, 0x10), FAULT_INSTRUCTION},
	{"write scounteren", CODE(0x73, 0x10, 0x65, 0x10), FAULT_INSTRUCTION},
	{"read scounteren", CODE(0xf3, 0x25, 0x60, 0x10), FAULT_INSTRUCTION},
	{"write sscratch", CODE(0x73, 0x10, 0x05, 0x14), FAULT_INSTRUCTION},
	{"read sscratch", CODE(0xf3, 0x25, 0x00, 0x14), FAULT_INSTRUCTION},
	{"write sepc", CODE(0x73, 0x10, 0x15, 0x14), FAULT_INSTRUCTION},
	{"read sepc", CODE(0xf3, 0x25, 0x10, 0x14), FAULT_INSTRUCTION},
	{"write scause", CODE(0x73, 0x10, 0x25, 0x14), FAULT_INSTRUCTION},
	{"read scause", CODE(0xf3, 0x25, 0x20, 0x14), FAULT_INSTRUCTION},
	{"write stval", CODE(0x73, 0x10, 0x35, 0x14), FAULT_INSTRUCTION},
	{"read stval", CODE(0xf3, 0x25, 0x30, 0x14), FAULT_INSTRUCTION},
	{"write sip", CODE(0x73, 0x10, 0x45, 0x14), FAULT_INSTRUCTION},
	{"read sip", CODE(0xf3, 0x25, 0x40, 0x14), FAULT_INSTRUCTION},
	{"write stimecmp", CODE(0x73, 0x10, 0xd5, 0x14), FAULT_INSTRUCTION},
	{"read stimecmp", CODE(0xf3, 0x25, 0xd0, 0x14), FAULT_INSTRUCTION},
	{"write satp", CODE(0x73, 0x10, 0x05, 0x18), FAULT_INSTRUCTION},
	{"read satp", CODE(0xf3, 0x25, 0x00, 0x18), FAULT_INSTRUCTION},
	{"write senvcfg", CODE(0x73, 0x10, 0xa5, 0x10), FAULT_INSTRUCTION},
	{"read senvcfg", CODE(0xf3, 0x25, 0xa0, 0x10), FAULT_INSTRUCTION},
	{"write hstatus", CODE(0x73, 0x10, 0x05, 0x60), FAULT_INSTRUCTION},
	{"read hstatus", CODE(0xf3, 0x25, 0x00, 0x60), FAULT_INSTRUCTION},
	{"write vsatp", CODE(0x73, 0x10, 0x05, 0x28), FAULT_INSTRUCTION},
	{"read vsatp", CODE(0xf3, 0x25, 0x00, 0x28), FAULT_INSTRUCTION},
	{"write mstatus", CODE(0x73, 0x10, 0x05, 0x30), FAULT_INSTRUCTION},
	{"read mstatus", CODE(0xf3, 0x25, 0x00, 0x30), FAULT_INSTRUCTION},
	{"write mtvec", CODE(0x73, 0x10, 0x55, 0x30), FAULT_INSTRUCTION},
	{"read mtvec", CODE(0xf3, 0x25, 0x50, 0x30), FAULT_INSTRUCTION},
	{"write mepc", CODE(0x73, 0x10, 0x15, 0x34), FAULT_INSTRUCTION},
	{"read mepc", CODE(0xf3, 0x25, 0x10, 0x34), FAULT_INSTRUCTION},
	{"write mscratch", CODE(0x73, 0x10, 0x05, 0x34), FAULT_INSTRUCTION},
	{"read mscratch", CODE(0xf3, 0x25, 0x00, 0x34), FAULT_INSTRUCTION},
	{"write pmpcfg0", CODE(0x73, 0x10, 0x05, 0x3a), FAULT_INSTRUCTION},
	{"read pmpcfg0", CODE(0xf3, 0x25, 0x00, 0x3a), FAULT_INSTRUCTION},
	{"write pmpaddr0", CODE(0x73, 0x10, 0x05, 0x3b), FAULT_INSTRUCTION},
	{"read pmpaddr0", CODE(0xf3, 0x25, 0x00, 0x3b), FAULT_INSTRUCTION},
	{"read mhartid", CODE(0xf3, 0x25, 0x40, 0xf1), FAULT_INSTRUCTION},
	{"write mcounteren", CODE(0x73, 0x10, 0x65, 0x30), FAULT_INSTRUCTION},
	{"read mcounteren", CODE(0xf3, 0x25, 0x60, 0x30), FAULT_INSTRUCTION},
	{"write medeleg", CODE(0x73, 0x10, 0x25, 0x30), FAULT_INSTRUCTION},
	{"read medeleg", CODE(0xf3, 0x25, 0x20, 0x30), FAULT_INSTRUCTION},
	{"write dcsr", CODE(0x73, 0x10, 0x05, 0x7b), FAULT_INSTRUCTION},
	{"read dcsr", CODE(0xf3, 0x25, 0x00, 0x7b), FAULT_INSTRUCTION},
	{"write tselect", CODE(0x73, 0x10, 0x05, 0x7a), FAULT_INSTRUCTION},
	{"read tselect", CODE(0xf3, 0x25, 0x00, 0x7a), FAULT_INSTRUCTION},
	{"write time", CODE(0x73, 0x10, 0x15, 0xc0), FAULT_INSTRUCTION},
	{"read cycle", CODE(0xf3, 0x25, 0x00, 0xc0), FAULT_INSTRUCTION},
	{"read instret", CODE(0xf3, 0x25, 0x20, 0xc0), FAULT_INSTRUCTION},
	{"read hpmcounter3", CODE(0xf3, 0x25, 0x30, 0xc0), FAULT_INSTRUCTION},
	{"sret", CODE(0x73, 0x00, 0x20, 0x10), FAULT_INSTRUCTION},
	{"mret", CODE(0x73, 0x00, 0x20, 0x30), FAULT_INSTRUCTION},
	{"wfi", CODE(0x73, 0x00, 0x50, 0x10), FAULT_INSTRUCTION},
	{"sfence.vma", CODE(0x73, 0x00, 0x00, 0x12), FAULT_INSTRUCTION},
	{"sfence.vma a0", CODE(0x73, 0x00, 0x05, 0x12), FAULT_INSTRUCTION},
	{"hfence.vvma", CODE(0x73, 0x00, 0x00, 0x22), FAULT_INSTRUCTION},
	{"hfence.gvma", CODE(0x73, 0x00, 0x00, 0x62), FAULT_INSTRUCTION},
	{"hlv.d", CODE(0xf3, 0x45, 0x05, 0x6c), FAULT_INSTRUCTION},
	{"hsv.d", CODE(0x73, 0x40, 0xb5, 0x6e), FAULT_INSTRUCTION},
	{"sinval.vma", CODE(0x73, 0x00, 0x00, 0x16), FAULT_INSTRUCTION},
	{"dret", CODE(0x73, 0x00, 0x20, 0x7b), FAULT_INSTRUCTION},
	{"zero", CODE(0x00, 0x00, 0x00, 0x00), FAULT_INSTRUCTION},
	{"ones", CODE(0xff, 0xff, 0xff, 0xff), FAULT_INSTRUCTION},
	{"ebreak", CODE(0x73, 0x00, 0x10, 0x00), FAULT_BREAKPOINT},
	{"c.ebreak", CODE(0x02, 0x90), FAULT_BREAKPOINT},
};
const u32 machine_probes_count = ARRAY_COUNT(machine_probes);

const struct code machine_load = CODE(0x83, 0x35, 0x05, 0x00); // ld a1, 0(a0)
const struct code machine_store = CODE(0x23, 0x30, 0xb5, 0x00); // sd a1, 0(a0)
const struct code machine_jump = CODE(0x67, 0x00, 0x05, 0x00); // jr a0
const struct code machine_syscall = CODE(0x73, 0x00, 0x00, 0x00); // ecall
const struct code machine_bad = CODE(0x73, 0x10, 0x00, 0xc0);
const struct code machine_nothing = CODE(0x13, 0x00, 0x00, 0x00); // nop
const struct code machine_return = CODE(0x67, 0x80, 0x00, 0x00); // ret

const u64 machine_kernel[] = {
	0xffffffff80200000, 0xffffffc080000000, 0xffffffc080200000,
	0xffffffc000000000, 0xffffffff80300000, 0xffffffffd0007000,
	0xffffffffe0000000, 0xffff800000000000, 0xffffff8000000000,
	0xfffffffffffffff0,
};
const u32 machine_kernel_count = ARRAY_COUNT(machine_kernel);
const u64 machine_nowhere = 0x8000000000000000;

bool machine_is_syscall(const u8 *code)
{
	return code[0] == 0x73 && code[1] == 0 && code[2] == 0 && code[3] == 0;
}

// A semihosting call of user code is a breakpoint like any other.
void machine_traps(void)
{
	static const struct code semihosting =
		CODE(0x13, 0x10, 0xf0, 0x01, 0x73, 0x00, 0x10, 0x00, 0x13, 0x50,
		     0x70, 0x40);
	struct fault fault = {};

	probe_code(&semihosting);
	CHECK(probe_run(CODE_AT, 4, 0, MACHINE_FLAGS, &fault));
	SAME(fault.kind, FAULT_BREAKPOINT);
	SAME(fault.pc, CODE_AT + 4);
}

// A system call from an address between two words, compressed code in front of it.
void machine_entry(void)
{
	static const struct code code = // c.nop; ecall
		CODE(0x01, 0x00, 0x73, 0x00, 0x00, 0x00);
	struct fault fault = {};

	probe_code(&code);
	CHECK(probe_run(CODE_AT, 0, SYS_NULL, MACHINE_FLAGS, &fault));
	SAME(fault.pc, CODE_AT + code.bytes);
}

// The thread pointer and the global pointer are only numbers.
void machine_bases(void)
{
	static const struct code code[] = {
		CODE(0x13, 0x02, 0x05, 0x00, 0x73, 0x00, 0x00,
		     0x00), // mv tp, a0; ecall
		CODE(0x93, 0x01, 0x05, 0x00, 0x73, 0x00, 0x00,
		     0x00), // mv gp, a0; ecall
	};
	struct fault fault = {};

	for (u32 i = 0; i < machine_kernel_count; i++)
		for (u32 k = 0; k < ARRAY_COUNT(code); k++) {
			probe_code(&code[k]);
			CHECK(probe_run(CODE_AT, machine_kernel[i], 0,
					MACHINE_FLAGS, &fault));
		}
}
