# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += personalities/linux/elf.c
