# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
include tests/fake_arch/whole.mk
SOURCES += lib/base/status.c
FLAGS += -include tests/fake_arch/atomic_places.h
