// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Instructions from reset to this program's first one: the counter starts at
// zero when the machine does.
#include <unistd.h>

#include "bench.h"

#if defined(__x86_64__)
#define TICK 1
#define READ_COUNTER                                                           \
	"	mov %rdx, %rcx\n"                                               \
	"	rdtsc\n"                                                        \
	"	shl $32, %rdx\n"                                                \
	"	or %rdx, %rax\n"                                                \
	"	mov %rax, first_instruction(%rip)\n"                            \
	"	mov %rcx, %rdx\n"                                               \
	"	jmp _start\n"
#elif defined(__aarch64__)
#define TICK 16
#define READ_COUNTER                                                           \
	"	mrs x9, cntvct_el0\n"                                           \
	"	adrp x10, first_instruction\n"                                  \
	"	str x9, [x10, :lo12:first_instruction]\n"                       \
	"	b _start\n"
#else
#define TICK 100
#define READ_COUNTER                                                           \
	"	rdtime t0\n"                                                    \
	"	la t1, first_instruction\n"                                     \
	"	sd t0, (t1)\n"                                                  \
	"	j _start\n"
#endif

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

	started(first_instruction * TICK);
}

// The entry point reads the counter before anything else, then starts libc.
__asm__(".globl bench_start\n"
	"bench_start:\n" READ_COUNTER
	".data\n"
	".balign 8\n"
	".globl first_instruction\n"
	"first_instruction: .quad 0\n"
	".text\n");
