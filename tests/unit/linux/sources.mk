# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += $(addprefix personalities/linux/,line.c elf.c path_text.c) lib/base/string.c lib/base/memory.c
