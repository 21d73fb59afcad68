// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// In front of every program here: CHECK counts and says what was not so; the
// program ends with finish().
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <dirent.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static int checks, failures;

static void check(int good, const char *what, int line)
{
	checks++;
	if (good)
		return;
	failures++;
	printf("FAIL line %d: %s (errno %d)\n", line, what, errno);
}
#define CHECK(condition) check(!!(condition), #condition, __LINE__)
#define FAILS(call, error) (errno = 0, (long)(call) == -1 && errno == (error))

static int finish(void)
{
	printf("%d checks, %d failed\n", checks, failures);
	return failures != 0;
}

// Wait for one child and give its status, -1 when there is none.
static int status_of(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child ? status : -1;
}
