# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
include tests/fake_arch/whole.mk
SOURCES += lib/base/status.c
# The CPUs' stacks are this test's own, which AddressSanitizer does not understand.
FLAGS += -include tests/model/shootdown/stores.h -fno-sanitize=address \
	-Wno-unused-command-line-argument
