# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
FAT_CORE := $(addprefix services/fat/,contents.c directories.c fatfs.c journal.c nodes.c times.c \
	volume.c)
SOURCES += $(FAT_CORE) lib/fs/fs.c lib/base/checksum.c build/ports/fatfs/src/ffunicode.c
FLAGS += -Ibuild/ports/fatfs/src -Iports/fatfs -DFFCONF_H='"ffconf.h"' -Iservices/fat/libc
$(FAT_CORE:%=$(HOST)/obj/unit/fat/%.o): build/ports/fatfs/.stamp
build/ports/fatfs/src/ffunicode.c: build/ports/fatfs/.stamp ;
