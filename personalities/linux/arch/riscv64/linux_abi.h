// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V: what differs from the other architectures.
#pragma once
#include "lib/base/types.h"

#define MACHINE_NAME "riscv64" // of uname
#define PLATFORM_NAME "" // AT_PLATFORM: none
#define ELF_MACHINE 243 // EM_RISCV

#define O_DIRECTORY 0200000
#define O_NOFOLLOW 0400000
#define MINSIGSTKSZ 2048
#define EPOLL_PACKED

// Places of two arguments of clone
#define CLONE_CHILD_TID 4
#define CLONE_TLS 3

#define FPU_BYTES 528 // of a saved state

struct linux_sigaction {
	u64 handler, flags, mask;
};

struct linux_stat {
	u64 dev, ino;
	u32 mode, nlink, uid, gid;
	u64 rdev, padding;
	i64 size;
	i32 blksize, padding2;
	i64 blocks;
	struct linux_timespec atime, mtime, ctime;
	u32 unused[2];
};
static_assert(sizeof(struct linux_stat) == 128);
