# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# FLAGS_<file>: what one file of the kernel is compiled with in addition.

# Every instruction counts; its frames end in another function's anyway.
FLAGS_kernel/arch/x86_64/fastpath.c := -fomit-frame-pointer

# Functions that call nothing need no frame in a backtrace.
KERNEL_x86_64 += -momit-leaf-frame-pointer

# One function per system call: inlined into the switch, each would pay for the
# registers that the worst of them needs.
FLAGS_$(OUT)/gen/kernel/syscall_decode.c := -finline-hint-functions
