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

static void *other(void *)
{
	for (;;) {
		take(&there);
		give(&back);
	}
}

static void one(void)
{
	give(&there);
	take(&back);
}

int main(int count, char **)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, other, NULL) == 0, "pthread_create");
	measure("linux-futex", one, ROUNDS, count > 1);
	return 0; // the other thread ends with the process
}
