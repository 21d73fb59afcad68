// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Two threads wake each other through two futex words.
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

static _Atomic uint32_t there, back;

static void give(_Atomic uint32_t *word)
{
	*word = 1;
	must(syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) >=
		     0,
	     "futex wake");
}

static void take(_Atomic uint32_t *word)
{
	while (*word == 0)
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	*word = 0;
}

static void *other(void *unused)
{
	for (long i = -100; i < ROUNDS; i++) {
		take(&there);
		give(&back);
	}
	return unused;
}

int main(void)
{
	pthread_t thread;
	uint64_t start = 0;

	must(pthread_create(&thread, NULL, other, NULL) == 0,
	     "pthread_create");
	for (long i = -100; i < ROUNDS; i++) {
		if (i == 0)
			start = ticks();
		give(&there);
		take(&back);
	}
	report("linux-futex", ticks() - start, ROUNDS);
	pthread_join(thread, NULL);
	return 0;
}
