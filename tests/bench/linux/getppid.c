// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The cheapest system call: getppid.
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

static void one(void)
{
	syscall(SYS_getppid);
}

int main(int count, char **)
{
	measure("linux-getppid", one, ROUNDS, count > 1);
	return 0;
}
