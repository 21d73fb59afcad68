// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The Linux calls that svc makes, and its start: arch/<arch>/linux.S. Negative
// results are error numbers.
#ifndef APPS_SVC_LINUX_H
#define APPS_SVC_LINUX_H
#include "lib/base/types.h"

#define LINUX_O_RDWR 2
#define LINUX_O_CLOEXEC 02000000
#define LINUX_EINTR 4

i64 linux_read(int fd, void *to, usize bytes);
i64 linux_write(int fd, const void *from, usize bytes);
i64 linux_open(const char *path, int flags);
struct linux_time {
	i64 s, ns;
};

i64 linux_nanosleep(const struct linux_time *time, struct linux_time *left);
void linux_exit(u32 status); // of all threads

// Called with the stack as the kernel left it.
[[noreturn]] void svc_main(u64 *stack);
#endif
