// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// x86-64: what differs from the other architectures.
#pragma once
#include "lib/base/types.h"

#define MACHINE_NAME "x86_64" // of uname
#define PLATFORM_NAME "x86_64" // AT_PLATFORM
#define ELF_MACHINE 62 // EM_X86_64

#define O_DIRECTORY 0200000
#define O_NOFOLLOW 0400000
#define MINSIGSTKSZ 2048
#define EPOLL_PACKED [[gnu::packed]]

// Places of two arguments of clone
#define CLONE_CHILD_TID 3
#define CLONE_TLS 4

#define FPU_BYTES 2816 // of a saved state, at most

struct linux_sigaction {
	u64 handler, flags, restorer, mask;
};

struct linux_stat {
	u64 dev, ino, nlink;
	u32 mode, uid, gid, padding;
	u64 rdev;
	i64 size, blksize, blocks;
	struct linux_timespec atime, mtime, ctime;
	i64 unused[3];
};
static_assert(sizeof(struct linux_stat) == 144);
