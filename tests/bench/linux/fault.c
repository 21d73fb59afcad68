// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// First touch of anonymous pages, small ones.
#include <sys/mman.h>

#include "bench.h"

#define FAULTS 8000 // memory is not without end

static volatile char *next;

static void one(void)
{
	*next = 1;
	next += 4096;
}

int main(int count, char **)
{
	size_t bytes = (size_t)RUNS(FAULTS) * 4096;
	char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(pages != MAP_FAILED, "mmap");
	madvise(pages, bytes, MADV_NOHUGEPAGE); // may be refused
	next = pages;
	measure("linux-fault", one, FAULTS, count > 1);
	return 0;
}
