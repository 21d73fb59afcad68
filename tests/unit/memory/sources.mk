# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
include tests/fake_arch/fake.mk
LINK_FLAGS += -Wl,--wrap=frame_alloc
SOURCES += $(addprefix kernel/,tree.c lock.c debug/lock_check.c mm/frame.c mm/pagetable.c object/aspace.c object/cap.c \
	object/cnode.c object/dma.c object/mapping.c object/memory.c object/memory_calls.c \
	object/pool.c object/slot.c)
