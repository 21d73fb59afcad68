// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// x86-64: faults and registers.
#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"

static void divide(void)
{
	__asm__ volatile("xorl %%ecx, %%ecx\n\tmovl $1, %%eax\n\t"
			 "cltd\n\tidivl %%ecx"
			 :
			 :
			 : "rax", "rcx", "rdx", "cc");
}

void machine_invalid(void)
{
	__asm__ volatile("ud2");
}

static void breakpoint(void)
{
	__asm__ volatile("int3");
}

static void halt(void)
{
	__asm__ volatile("hlt");
}

static void step(void)
{
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"
			 "nop\n\tnop"
			 :
			 :
			 : "cc", "memory");
}

const struct machine_fault machine_faults[] = {
	{"breakpoint", breakpoint, FAULT_BREAKPOINT},
	{"divide", divide, FAULT_ARITHMETIC},
	{"invalid", machine_invalid, FAULT_INSTRUCTION},
	{"halt", halt, FAULT_INSTRUCTION},
	{"step", step, FAULT_DEBUG},
};
const u32 machine_faults_count = ARRAY_COUNT(machine_faults);

void machine_pattern(volatile u64 *flag)
{
	__asm__ volatile("pushq %%rbp\n\t"
			 "movq $0x1111, %%rbx\n\tmovq $0x2222, %%rcx\n\t"
			 "movq $0x3333, %%rdx\n\tmovq $0x4444, %%rsi\n\t"
			 "movq $0x6666, %%rbp\n\tmovq $0x8888, %%r8\n\t"
			 "movq $0x9999, %%r9\n\tmovq $0xaaaa, %%r10\n\t"
			 "movq $0xbbbb, %%r11\n\tmovq $0xcccc, %%r12\n\t"
			 "movq $0xdddd, %%r13\n\tmovq $0xeeee, %%r14\n\t"
			 "movq $0xffff, %%r15\n\tmovl $1, %%eax\n\t"
			 "movl %%eax, (%%rdi)\n"
			 "1:\ttestl %%eax, %%eax\n\tjnz 1b\n\t"
			 "popq %%rbp"
			 :
			 : "D"(flag)
			 : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10",
			   "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}

const char *machine_pattern_check(const struct thread_registers *r, u64 flag)
{
	const struct {
		const char *name;
		u64 got, want;
	} all[] = {
		{"rbx", r->rbx, 0x1111}, {"rcx", r->rcx, 0x2222},
		{"rdx", r->rdx, 0x3333}, {"rsi", r->rsi, 0x4444},
		{"rdi", r->rdi, flag},	 {"rbp", r->rbp, 0x6666},
		{"r8", r->r8, 0x8888},	 {"r9", r->r9, 0x9999},
		{"r10", r->r10, 0xaaaa}, {"r11", r->r11, 0xbbbb},
		{"r12", r->r12, 0xcccc}, {"r13", r->r13, 0xdddd},
		{"r14", r->r14, 0xeeee}, {"r15", r->r15, 0xffff},
		{"rax", r->rax, 1},
	};

	for (u32 i = 0; i < ARRAY_COUNT(all); i++)
		if (all[i].got != all[i].want)
			return all[i].name;
	return nullptr;
}

u64 *machine_pattern_stop(struct thread_registers *r)
{
	return &r->rax;
}

// Privilege of ports; interrupts; virtual modes
bool machine_flags_ok(u64 flags)
{
	return !(flags & 0x3000) && flags & 0x200 &&
		!(flags & (1 << 17 | 1 << 19 | 1 << 20));
}

void machine_vector_set(u64 value)
{
	__asm__ volatile("movq %0, %%xmm1\n\tmovq %0, %%xmm15" : : "r"(value));
}

u64 machine_vector(u32 which)
{
	u64 value;

	if (which)
		__asm__ volatile("movq %%xmm15, %0" : "=r"(value));
	else
		__asm__ volatile("movq %%xmm1, %0" : "=r"(value));
	return value;
}

// Pieces of guest_code.S
const struct machine_exception machine_exceptions[] = {
	{2, 6}, {4, 3}, {6, 0}, {7, 13}, {11, 13}};
const u32 machine_exceptions_count = ARRAY_COUNT(machine_exceptions);
const u64 machine_syscall_changes = 1 << 3 | 1 << 11; // rcx, r11
const u32 machine_general_first = 0, machine_general_count = 16;
