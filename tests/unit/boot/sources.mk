# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += boot/parse.c boot/calendar.c boot/cmos.c boot/acpi/acpi.c boot/acpi/arm.c boot/pvh/pvh.c lib/base/format.c \
	lib/base/string.c lib/base/memory.c
FLAGS += -ffreestanding $(foreach f,memcpy memmove memset memcmp memchr strlen strnlen \
	strcmp strncmp strchr strrchr strstr strlcpy strlcat,-D$f=base_$f)
