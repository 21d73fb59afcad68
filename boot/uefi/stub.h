// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the UEFI first stage wants of an architecture.
#ifndef BOOT_UEFI_STUB_H
#define BOOT_UEFI_STUB_H
#include "boot/compressed/compressed.h"
#include "boot/handoff/handoff.h"

// The highest address that what is handed to the kernel may have.
u64 arch_highest(void);

// The firmware is gone. Start the kernel, unpacked at image, with the handoff. page
// is free for use and lies below arch_highest() too.
[[noreturn]] void arch_enter(const struct boot_handoff *handoff,
			     const struct compressed *kernel, u8 *image,
			     u8 *page);
#endif
