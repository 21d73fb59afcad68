// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls of x86-64 alone.
#include "abi/constants.h"
#include "personalities/linux/call.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"

i64 call_arch_prctl(struct thread *thread, const u64 *a)
{
	struct guest_state *state = thread->carrier->state;
	u64 *base = a[0] == 0x1002 || a[0] == 0x1003 ? &state->fs_base
						     : &state->gs_base;

	switch (a[0]) {
	case 0x1001: // ARCH_SET_GS
	case 0x1002: // ARCH_SET_FS
		if (a[1] >= GUEST_END)
			return -EPERM;
		*base = a[1];
		return 0;
	case 0x1003: // ARCH_GET_FS
	case 0x1004: // ARCH_GET_GS
		return guest_copy_out(a[1], base, 8);
	default:
		return -EINVAL;
	}
}
