# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# For sources.mk of tests that run kernel code on the fake machine. BUGS below
# kernel/bugs.h are chosen at run time.
SOURCES += tests/fake_arch/fake.c tests/fake_arch/check.c
FLAGS += -Itests/fake_arch -include tests/fake_arch/state.h -DKOCHAB_DEBUG=1
