// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// 64 KiB read out of a file that lies in memory. Fewer rounds: each is long.
#include <fcntl.h>
#include <unistd.h>

#include "bench.h"

#define BYTES 65536
#define READS 2000

static char buffer[BYTES] __attribute__((aligned(4096)));
static int fd;

static void one(void)
{
	must(pread(fd, buffer, BYTES, 0) == BYTES, "read");
}

int main(int count, char **)
{
	fd = open("/tmp/bench-read", O_RDWR | O_CREAT | O_TRUNC, 0600);
	must(fd >= 0, "open");
	for (int i = 0; i < BYTES; i++)
		buffer[i] = (char)i;
	must(pwrite(fd, buffer, BYTES, 0) == BYTES, "write");
	measure("linux-read64k", one, READS, count > 1);
	unlink("/tmp/bench-read");
	return 0;
}
