// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Reading and writing the memory of the Linux process whose address space the
// calling carrier runs in. It is directly visible below GUEST_END; a fault there
// resumes at guest_fault_vector and becomes -EFAULT. Nothing else may touch it.
#ifndef PERSONALITIES_LINUX_GUEST_H
#define PERSONALITIES_LINUX_GUEST_H
#include "personalities/linux/linux_abi.h"

// 0 or -EFAULT (something may have been copied by then).
i64 guest_copy_in(void *to, u64 from, usize bytes);
i64 guest_copy_out(u64 to, const void *from, usize bytes);
i64 guest_zero(u64 to, usize bytes);
// Up to size - 1 bytes and a NUL. The length, -EFAULT, or -ENAMETOOLONG.
i64 guest_text_in(char *to, u64 from, usize size);
// Word access as the program's own would be: aligned, atomic.
i64 guest_load_u32(u64 from, u32 *value);
// *value holds what was there before; it was exchanged if that was expected.
i64 guest_exchange_u32(u64 at, u32 expected, u32 wanted, u32 *value);

extern char guest_fault_vector[];

// Where bytes of a transfer go to or come from: a guest's memory or our own.
struct io {
	bool native;
	u64 address;
	u64 left;
};
// Move bytes (at most left) and advance. 0 or -EFAULT.
i64 io_put(struct io *io, const void *from, usize bytes);
i64 io_get(struct io *io, void *to, usize bytes);
#endif
