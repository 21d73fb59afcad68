# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += $(wildcard boot/acpi/*.c boot/handoff/*.c boot/multiboot2/*.c boot/pc/*.c boot/pvh/*.c) \
	boot/facts.c boot/parse.c boot/words.c boot/program/program.c lib/tar/tar.c \
	lib/base/format.c lib/base/string.c lib/base/memory.c lib/base/status.c
FLAGS += -ffreestanding $(foreach f,memcpy memmove memset memcmp memchr strlen strnlen \
	strcmp strncmp strchr strrchr strstr strlcpy strlcat,-D$f=base_$f)
