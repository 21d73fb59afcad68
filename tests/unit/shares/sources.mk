# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
include tests/fake_arch/whole.mk
SOURCES += lib/base/status.c
