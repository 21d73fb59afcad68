// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A page is mapped, touched and unmapped again.
#include <sys/mman.h>

#include "bench.h"

static void one(void)
{
	volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(page != MAP_FAILED, "mmap");
	*page = 1;
	must(munmap((void *)page, 4096) == 0, "munmap");
}

int main(int count, char **)
{
	measure("linux-mmap", one, ROUNDS, count > 1);
	return 0;
}
