// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the Linux benchmark programs share. Each is a plain static program that
// runs on Linux and on Kochab unchanged and prints lines
//	BENCH <name> insns <value with one decimal>
// Under QEMU's -icount shift=0 a tick of x86-64's counter is one guest instruction,
// one of AArch64's (62.5 MHz) 16, one of RISC-V's (10 MHz) 100. The empty loop, counter reads included, is subtracted.
#ifndef BENCH_LINUX_BENCH_H
#define BENCH_LINUX_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 20000

static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
	uint64_t value;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(value)::"memory");
	return value * 16;
#else
	uint64_t value;

	__asm__ volatile("rdtime %0" : "=r"(value)::"memory");
	return value * 100;
#endif
}

// Ticks of an empty loop of so many rounds.
static inline uint64_t empty_loop(long rounds)
{
	uint64_t start = ticks();

	for (long i = 0; i < rounds; i++)
		__asm__ volatile("" ::: "memory");
	return ticks() - start;
}

// elapsed ticks over operations, minus the empty loop of as many rounds
static inline void report(const char *name, uint64_t elapsed, long operations)
{
	uint64_t empty = empty_loop(operations);
	uint64_t net = elapsed > empty ? elapsed - empty : 0;
	uint64_t tenths =
		(net * 10 + (uint64_t)operations / 2) / (uint64_t)operations;

	printf("BENCH %s insns %llu.%llu\n", name,
	       (unsigned long long)(tenths / 10),
	       (unsigned long long)(tenths % 10));
	fflush(stdout);
}

// Ends the program when a call that must work did not.
static inline void must(int good, const char *what)
{
	if (!good) {
		perror(what);
		exit(1);
	}
}
#endif
