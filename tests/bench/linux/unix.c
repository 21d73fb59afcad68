// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// One byte to another process and back over an AF_UNIX stream.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

int main(void)
{
	int pair[2];
	char byte = 'x';
	uint64_t start = 0;

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
	for (long i = -100; i < ROUNDS; i++) {
		if (i == 0)
			start = ticks();
		must(write(pair[0], &byte, 1) == 1, "write");
		must(read(pair[0], &byte, 1) == 1, "read");
	}
	uint64_t elapsed = ticks() - start;

	close(pair[0]);
	waitpid(child, NULL, 0);
	report("linux-unix", elapsed, ROUNDS);
	return 0;
}
