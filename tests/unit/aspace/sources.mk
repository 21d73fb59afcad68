# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
include tests/unit/memory/sources.mk
SOURCES += tests/unit/memory/vm.c
