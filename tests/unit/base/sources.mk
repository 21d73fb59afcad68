# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# lib/base under names of its own beside the C library's.
SOURCES += $(call code,lib/base)
FLAGS += -ffreestanding $(foreach f,memcpy memmove memset memcmp memchr strlen strnlen \
	strcmp strncmp strchr strrchr strstr strlcpy strlcat,-D$f=base_$f)
