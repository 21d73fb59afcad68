// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See stub.h and enter.S.
#include "boot/uefi/stub.h"

[[noreturn]] void enter_kernel(const void *handoff, const u8 *entry,
			       const u8 *image, const u8 *end);

u64 arch_highest(void)
{
	return ~0ull;
}

void arch_enter(const struct boot_handoff *handoff,
		const struct compressed *kernel, u8 *image, u8 *)
{
	enter_kernel(handoff, image + kernel->entry, image,
		     image + kernel->memory_bytes);
}
