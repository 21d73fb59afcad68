// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Memory: mapping, protecting, discarding, moving; files in memory.

static sigjmp_buf back;

static void leap(int signo)
{
	siglongjmp(back, signo);
}

#define FAULTS(statement)                                                      \
	({                                                                     \
		int signo = sigsetjmp(back, 1);                                \
		if (!signo)                                                    \
			statement;                                             \
		signo;                                                         \
	})

static void anonymous(void)
{
	volatile char sink;
	char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED && at[12345] == 0);
	memset(at, 7, 1 << 20);
	CHECK(mprotect(at + 4096, 4096, PROT_READ) == 0);
	CHECK(FAULTS(at[4096] = 1) == SIGSEGV && at[4096] == 7);
	CHECK(mprotect(at + 4096, 4096, PROT_NONE) == 0);
	CHECK(FAULTS(sink = at[4096]) == SIGSEGV);
	CHECK(mprotect(at + 4096, 4096, PROT_READ | PROT_WRITE) == 0);
	CHECK(at[4096] == 7);
	CHECK(madvise(at, 8192, MADV_DONTNEED) == 0);
	CHECK(at[0] == 0 && at[4096] == 0 && at[8192] == 7);
	at = mremap(at, 1 << 20, 4 << 20, MREMAP_MAYMOVE);
	CHECK(at != MAP_FAILED && at[8192] == 7 && at[3 << 20] == 0);
	CHECK(munmap(at + 4096, 4096) == 0);
	CHECK(FAULTS(sink = at[4096]) == SIGSEGV && at[8192] == 7);
	CHECK(mmap(at + 4096, 4096, PROT_READ,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		   0) == at + 4096 &&
	      at[4096] == 0);
	CHECK(FAILS(mmap(at, 4096, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			 0),
		    EEXIST));
	CHECK(munmap(at, 4 << 20) == 0);
	CHECK(FAILS(mprotect(at, 4096, PROT_READ), ENOMEM));
	CHECK(FAILS(
		mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		EINVAL));
	CHECK(FAILS(munmap((void *)1, 4096), EINVAL));
}

// Large and many: areas with a memory object of their own, and forks of them.
static void large(void)
{
	char *at = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *small[200];
	pid_t child;

	CHECK(at != MAP_FAILED);
	at[0] = at[40 << 20] = 3;
	for (int i = 0; i < 200; i++) {
		small[i] = mmap(NULL, 8192,
				i & 1 ? PROT_READ | PROT_WRITE : PROT_READ,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(small[i] != MAP_FAILED && small[i][0] == 0);
	}
	child = fork();
	if (!child) {
		int good = at[0] == 3 && at[40 << 20] == 3;

		at[0] = 4;
		_exit(good && at[0] == 4 ? 0 : 1);
	}
	CHECK(status_of(child) == 0 && at[0] == 3);
	for (int i = 0; i < 200; i++)
		CHECK(munmap(small[i], 8192) == 0);
	CHECK(munmap(at, 64 << 20) == 0);
}

static void breaks(void)
{
	char *start = sbrk(0);

	CHECK(sbrk(1 << 20) == start);
	start[0] = start[(1 << 20) - 1] = 5;
	CHECK(sbrk(-(1 << 19)) == start + (1 << 20));
	CHECK(sbrk(1 << 19) == start + (1 << 19) && start[(1 << 20) - 1] == 0);
	CHECK(start[0] == 5);
}

static void files(void)
{
	char bytes[8];
	int file = open("/tmp/mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *shown, *copy, *shared;

	CHECK(pwrite(file, "abcdef", 6, 10000) == 6);
	shown = mmap(NULL, 10006, PROT_READ, MAP_PRIVATE, file, 0);
	copy = mmap(NULL, 10006, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	shared = mmap(NULL, 10006, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(shown != MAP_FAILED && copy != MAP_FAILED &&
	      shared != MAP_FAILED);
	CHECK(shown[10002] == 'c' && copy[10000] == 'a' && copy[5] == 0);
	copy[10000] = 'Z';
	CHECK(shown[10000] == 'a');
	shared[10001] = 'Q';
	CHECK(pread(file, bytes, 2, 10000) == 2 && bytes[1] == 'Q');
	close(file);
	file = open("/tmp/mapped", O_RDONLY);
	CHECK(FAILS(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, file, 0), EACCES));
	CHECK(FAILS(mmap(NULL, 4096, PROT_READ, MAP_SHARED, 99, 0), EBADF));
	unlink("/tmp/mapped");
	CHECK(shown[10002] == 'c'); // mapped it stays
}

// So many bytes behind the end of what is ours, which lies shortly above the stack on a
// multiple of 8 GiB. At 1 MiB the personality begins.
static void *beyond(unsigned long bytes)
{
	unsigned long end = ((unsigned long)&bytes | 0x1ffffffff) + 1;

	return (void *)(end + bytes);
}

// Where programs end, and what they ask for beyond that.
static void borders(void)
{
	unsigned long size = 64ul << 30; // what every machine has room for
	char *end = beyond(0), *big;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	pid_t child;

	CHECK((unsigned long)end >= 0x3e00000000 &&
	      (unsigned long)end <= 0x7c0000000000);
	CHECK(FAILS(mmap(end, 4096, PROT_READ, flags | MAP_FIXED, -1, 0),
		    ENOMEM));
	CHECK(FAILS(mmap(end - 4096, 8192, PROT_READ, flags | MAP_FIXED, -1, 0),
		    ENOMEM));
	CHECK(FAILS(mmap((void *)-4096ul, 4096, PROT_READ, flags | MAP_FIXED,
			 -1, 0),
		    ENOMEM));
	CHECK(FAILS(mmap(NULL, (unsigned long)end, PROT_NONE, flags, -1, 0),
		    ENOMEM));
	CHECK(FAILS(mmap(NULL, -4096ul, PROT_NONE, flags, -1, 0), ENOMEM));
	CHECK(FAILS(munmap(end, 4096), EINVAL));
	// A hint that cannot be followed is none.
	big = mmap(end + 4096, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
	CHECK(big != MAP_FAILED && big < end && (*big = 1));
	munmap(big, 4096);
	// Much more than there is memory.
	big = mmap(NULL, size, PROT_NONE, flags, -1, 0);
	CHECK(big != MAP_FAILED && big + size <= end);
	CHECK(mprotect(big + size - 65536, 65536, PROT_READ | PROT_WRITE) == 0);
	CHECK(mprotect(big + size / 2, 4096, PROT_READ | PROT_WRITE) == 0);
	big[size - 1] = 1;
	big[size / 2] = 2;
	CHECK(big[size - 1] == 1 && big[size - 65536] == 0);
	child = fork();
	if (!child) {
		big[size / 2] = 3;
		_exit(big[size - 1] == 1 && big[size / 2] == 3 ? 0 : 1);
	}
	CHECK(status_of(child) == 0 && big[size / 2] == 2);
	CHECK(munmap(big, size) == 0);
	CHECK(FAULTS(big[size / 2] = 1) == SIGSEGV);
}

// Bad addresses are an error, not a fault, wherever they are.
static void bad_addresses(void)
{
	int ends[2];
	char *page =
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(pipe(ends) == 0 && write(ends[1], "12345678", 8) == 8);
	CHECK(FAILS(write(ends[1], (void *)8, 1), EFAULT));
	CHECK(FAILS(read(ends[0], page, 1), EFAULT));
	CHECK(FAILS(read(ends[0], (void *)0xffff800000000000ul, 1), EFAULT));
	CHECK(FAILS(read(ends[0], beyond(0x100000), 1), EFAULT));
	CHECK(FAILS(write(ends[1], beyond(0x100000), 1), EFAULT));
	CHECK(FAILS(open(beyond(0x100000), O_RDONLY), EFAULT));
	CHECK(FAILS(stat("/", (void *)page), EFAULT));
	CHECK(FAILS(pipe((int *)page), EFAULT));
}

int main(void)
{
	signal(SIGSEGV, leap);
	anonymous();
	large();
	breaks();
	files();
	borders();
	bad_addresses();
	return finish();
}
