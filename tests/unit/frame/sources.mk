# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
include tests/fake_arch/fake.mk
SOURCES += tests/fake_arch/objects.c $(addprefix kernel/,lock.c debug/lock_check.c mm/frame.c object/cap.c \
	object/cnode.c object/pool.c object/slot.c)
