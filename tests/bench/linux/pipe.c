// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// One byte to another process and back through two pipes.
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static int there[2], back[2];

static void echo(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1)
		must(write(out, &byte, 1) == 1, "write");
	_exit(0);
}

static void one(void)
{
	char byte = 'x';

	must(write(there[1], &byte, 1) == 1, "write");
	must(read(back[0], &byte, 1) == 1, "read");
}

int main(int count, char **)
{
	must(pipe(there) == 0 && pipe(back) == 0, "pipe");
	pid_t child = fork();

	must(child >= 0, "fork");
	if (child == 0) {
		close(there[1]);
		echo(there[0], back[1]);
	}
	measure("linux-pipe", one, ROUNDS, count > 1);
	close(there[1]);
	waitpid(child, NULL, 0);
	return 0;
}
