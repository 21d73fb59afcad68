// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// First touch of anonymous pages, small ones.
#include <sys/mman.h>

#include "bench.h"

int main(void)
{
	size_t bytes = (size_t)ROUNDS * 4096;
	volatile char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(pages != MAP_FAILED, "mmap");
	madvise((void *)pages, bytes, MADV_NOHUGEPAGE); // may be refused
	uint64_t start = ticks();

	for (long i = 0; i < ROUNDS; i++)
		pages[i * 4096] = 1;
	report("linux-fault", ticks() - start, ROUNDS);
	return 0;
}
