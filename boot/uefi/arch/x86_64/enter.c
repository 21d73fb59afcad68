// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See stub.h and enter.S.
#include "boot/uefi/stub.h"

[[noreturn]] void enter_kernel(const void *handoff, const u8 *from, u64 to,
			       u64 bytes, u8 *page, u64 entry);

// The kernel's first instructions see 4 GiB.
u64 arch_highest(void)
{
	return 0xffffffff;
}

void arch_enter(const struct boot_handoff *handoff,
		const struct compressed *kernel, u8 *image, u8 *page)
{
	enter_kernel(handoff, image, kernel->address, kernel->memory_bytes,
		     page, kernel->address + kernel->entry);
}
