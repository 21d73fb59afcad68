// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the Linux benchmark programs share. Each is a plain static program that
// runs on Linux and on Kochab unchanged and prints lines
//	BENCH <name> insns <value with one decimal>
// and, given any argument,
//	BENCH-LATENCY <name> insns <median> <99th percentile> <longest>
// Under QEMU's -icount shift=0 a tick of x86-64's counter is one guest instruction,
// one of AArch64's (62.5 MHz) 16, one of RISC-V's (10 MHz) 100. The empty loop, counter reads included, is subtracted.
#ifndef BENCH_LINUX_BENCH_H
#define BENCH_LINUX_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

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

// Ends the program when a call that must work did not.
static inline void must(int good, const char *what)
{
	if (!good) {
		perror(what);
		exit(1);
	}
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

static inline int by_size(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

// Each operation on its own: median, 99th percentile and the longest.
static inline void report_latency(const char *name, uint32_t *took, long count)
{
	qsort(took, (size_t)count, sizeof *took, by_size);
	printf("BENCH-LATENCY %s insns %u %u %u\n", name, took[count / 2],
	       took[count * 99 / 100], took[count - 1]);
	fflush(stdout);
}

// Runs the operation rounds times after a warm-up and reports; as often once
// more, each with a stamp before and behind it, where latency is set.
// In all: RUNS(rounds).
#define WARM_UP(rounds) ((rounds) / 100)
#define RUNS(rounds) (2 * (rounds) + WARM_UP(rounds))

__attribute__((always_inline)) static inline void
measure(const char *name, void (*one)(void), long rounds, int latency)
{
	uint64_t start, none;
	uint32_t *took;

	for (long i = 0; i < WARM_UP(rounds); i++)
		one();
	start = ticks();
	for (long i = 0; i < rounds; i++)
		one();
	report(name, ticks() - start, rounds);
	if (!latency)
		return;
	// Only now, and every page touched: what a program is made of is a part of
	// what fork costs.
	took = mmap(NULL, (size_t)rounds * sizeof *took, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(took != MAP_FAILED, "mmap");
	for (long i = 0; i < rounds; i++)
		took[i] = UINT32_MAX;
	start = ticks();
	none = ticks() - start;
	for (long i = 0; i < rounds; i++) {
		start = ticks();
		one();
		start = ticks() - start;
		took[i] = (uint32_t)(start > none ? start - none : 0);
	}
	report_latency(name, took, rounds);
}
#endif
