// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Two processes on one CPU give it to each other: cost per own sched_yield,
// which is two switches.
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

int main(void)
{
	pid_t child = fork();

	must(child >= 0, "fork");
	if (child == 0) {
		for (;;)
			sched_yield();
	}
	for (int i = 0; i < 100; i++)
		sched_yield();
	uint64_t start = ticks();

	for (long i = 0; i < ROUNDS; i++)
		sched_yield();
	uint64_t elapsed = ticks() - start;

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	report("linux-yield", elapsed, ROUNDS);
	return 0;
}
