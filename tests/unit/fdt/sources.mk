# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += boot/fdt/fdt_read.c boot/fdt/node.c boot/parse.c $(FDT_SOURCES) lib/base/format.c \
	lib/base/string.c lib/base/memory.c
FLAGS += $(FDT_FLAGS) -ffreestanding $(foreach f,memcpy memmove memset memcmp memchr strlen \
	strnlen strcmp strncmp strchr strrchr strstr strlcpy strlcat,-D$f=base_$f)
$(addprefix $(HOST)/obj/unit/fdt/,boot/fdt/fdt_read.c.o boot/fdt/node.c.o): build/ports/libfdt/.stamp
