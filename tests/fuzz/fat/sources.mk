# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += services/fat/volume.c services/fat/journal.c services/fat/times.c lib/fs/fs.c \
	lib/base/checksum.c build/ports/fatfs/src/ffunicode.c
FLAGS += -Ibuild/ports/fatfs/src -Iports/fatfs -DFFCONF_H='"ffconf.h"' -Iservices/fat/libc
$(HOST)/obj/fuzz/fat/services/fat/volume.c.o: build/ports/fatfs/.stamp
