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

int main(int count, char **)
{
	measure("linux-vfork", one, PROCESSES, count > 1);
	return 0;
}
