# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# For sources.mk of tests that run the whole kernel on the fake machine, but for
# its start and its log.
include tests/fake_arch/fake.mk
SOURCES += tests/fake_arch/machine.c kernel/debug/lock_check.c $(filter-out kernel/log.c kernel/panic.c kernel/system.c, \
	$(wildcard kernel/*.c kernel/mm/*.c kernel/object/*.c kernel/sched/*.c kernel/time/*.c)) \
	$(OUT)/gen/kernel/syscall_decode.c
# Leaving the kernel is a longjmp; with fake stack frames each would be searched.
FLAGS += -fsanitize-address-use-after-return=never
