// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Instructions from reset to this program's first one: the counter starts at
// zero when the machine does.
#include <unistd.h>

#include "bench.h"

[[noreturn, gnu::used]] static void started(uint64_t at)
{
	char text[64];
	int length = snprintf(text, sizeof text, "BENCH linux-boot insns %llu.0\n",
			      (unsigned long long)at);

	must(write(1, text, (size_t)length) == length, "write");
	_exit(0);
}

int main(void)
{
	extern uint64_t first_instruction;

	started(first_instruction);
}

// The entry point reads the counter before anything else, then starts libc.
__asm__(".globl bench_start\n"
	"bench_start:\n"
	"	mov %rdx, %rcx\n"
	"	rdtsc\n"
	"	shl $32, %rdx\n"
	"	or %rdx, %rax\n"
	"	mov %rax, first_instruction(%rip)\n"
	"	mov %rcx, %rdx\n"
	"	jmp _start\n"
	".data\n"
	".globl first_instruction\n"
	"first_instruction: .quad 0\n"
	".text\n");
