# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += boot/acpi/acpi.c boot/acpi/arm.c boot/parse.c lib/base/format.c lib/base/string.c
FLAGS += -ffreestanding $(foreach f,memcpy memmove memset memcmp memchr strlen strnlen \
	strcmp strncmp strchr strrchr strstr strlcpy strlcat,-D$f=base_$f)
SOURCES += lib/base/memory.c
