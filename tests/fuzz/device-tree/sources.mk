# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
FDT_PORT := build/ports/libfdt
SOURCES += boot/fdt/fdt_read.c boot/fdt/node.c boot/parse.c lib/base/format.c \
	lib/base/string.c lib/base/memory.c $(addprefix $(FDT_PORT)/,fdt.c fdt_check.c fdt_ro.c)
FLAGS += -ffreestanding -Iboot/fdt/libc -I$(FDT_PORT) \
	-fno-sanitize=function $(foreach f,memcpy memmove memset memcmp memchr strlen strnlen \
	strcmp strncmp strchr strrchr strstr strlcpy strlcat,-D$f=base_$f)
$(HOST)/obj/fuzz/device-tree/boot/fdt/fdt_read.c.o $(HOST)/obj/fuzz/device-tree/boot/fdt/node.c.o \
	$(HOST)/obj/fuzz/device-tree/tests/fuzz/device-tree/main.c.o: | $(FDT_PORT)/.stamp
