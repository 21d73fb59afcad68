// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// vfork, exit of the child, wait. Fewer rounds than the others: it is long.
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define PROCESSES 1000

static void one(void)
{
	int status;
	pid_t child = vfork();

	must(child >= 0, "vfork");
	if (child == 0)
		_exit(0);
	must(waitpid(child, &status, 0) == child && status == 0, "waitpid");
}

int main(void)
{
	for (int i = 0; i < 20; i++)
		one();
	uint64_t start = ticks();

	for (int i = 0; i < PROCESSES; i++)
		one();
	report("linux-vfork", ticks() - start, PROCESSES);
	return 0;
}
