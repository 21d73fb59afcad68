# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# FLAGS_<file>: what one file of the kernel is compiled with in addition.

# Most of the kernel is seldom run: small. What is measured (tests/bench) is fast.
KERNEL_$(ARCH) += -Oz
FAST := $(addprefix kernel/,arch/$(ARCH)/context.c arch/$(ARCH)/trap.c mm/frame.c \
	mm/pagetable.c object/aspace.c object/cap.c object/mapping.c object/memory.c \
	object/memory_calls.c object/message.c object/notification.c object/pool.c object/slot.c \
	object/thread.c sched/cpu.c sched/sched.c sched/timeout.c syscall.c time/clock.c \
	tree.c)
$(foreach f,$(FAST) lib/base/memory.c lib/base/string.c,$(eval FLAGS_$f := -O2))

# Every instruction counts; its frames end in another function's anyway.
$(foreach a,x86_64 aarch64 riscv64,$(eval FLAGS_kernel/arch/$a/fastpath.c := -O2 -fomit-frame-pointer))

# Functions that call nothing need no frame in a backtrace.
KERNEL_$(ARCH) += -momit-leaf-frame-pointer

# One function per system call: inlined into the switch, each would pay for the
# registers that the worst of them needs.
FLAGS_$(OUT)/gen/kernel/syscall_decode.c := -O2 -finline-hint-functions
