# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += lib/process/elf.c
