// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Two processes wake each other through two eventfds.
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static int there, back;

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

static void one(void)
{
	give(there);
	take(back);
}

int main(int count, char **)
{
	there = eventfd(0, 0);
	back = eventfd(0, 0);
	must(there >= 0 && back >= 0, "eventfd");
	pid_t child = fork();

	must(child >= 0, "fork");
	if (child == 0) {
		for (;;) {
			take(there);
			give(back);
		}
	}
	measure("linux-eventfd", one, ROUNDS, count > 1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
