// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The cheapest system call: getppid.
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

int main(void)
{
	syscall(SYS_getppid);
	uint64_t start = ticks();

	for (long i = 0; i < ROUNDS; i++)
		syscall(SYS_getppid);
	report("linux-getppid", ticks() - start, ROUNDS);
	return 0;
}
