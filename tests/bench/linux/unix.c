// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// One byte to another process and back over an AF_UNIX stream.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static int pair[2];

static void one(void)
{
	char byte = 'x';

	must(write(pair[0], &byte, 1) == 1, "write");
	must(read(pair[0], &byte, 1) == 1, "read");
}

int main(int count, char **)
{
	char byte;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	pid_t child = fork();

	must(child >= 0, "fork");
	if (child == 0) {
		close(pair[0]);
		while (read(pair[1], &byte, 1) == 1)
			must(write(pair[1], &byte, 1) == 1, "write");
		_exit(0);
	}
	close(pair[1]);
	measure("linux-unix", one, ROUNDS, count > 1);
	close(pair[0]);
	waitpid(child, NULL, 0);
	return 0;
}
