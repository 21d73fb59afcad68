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

static void one(void)
{
	sched_yield();
}

int main(int count, char **)
{
	pid_t child = fork();

	must(child >= 0, "fork");
	if (child == 0) {
		for (;;)
			sched_yield();
	}
	measure("linux-yield", one, ROUNDS, count > 1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
