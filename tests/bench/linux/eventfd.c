// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Two processes wake each other through two eventfds.
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "bench.h"

static void give(int fd)
{
	uint64_t one = 1;

	must(write(fd, &one, sizeof one) == sizeof one, "write");
}

static void take(int fd)
{
	uint64_t count;

	must(read(fd, &count, sizeof count) == sizeof count, "read");
}

int main(void)
{
	int there = eventfd(0, 0), back = eventfd(0, 0);
	uint64_t start = 0;

	must(there >= 0 && back >= 0, "eventfd");
	pid_t child = fork();

	must(child >= 0, "fork");
	if (child == 0) {
		for (;;) {
			take(there);
			give(back);
		}
	}
	for (long i = -100; i < ROUNDS; i++) {
		if (i == 0)
			start = ticks();
		give(there);
		take(back);
	}
	uint64_t elapsed = ticks() - start;

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	report("linux-eventfd", elapsed, ROUNDS);
	return 0;
}
