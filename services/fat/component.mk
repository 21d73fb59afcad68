# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# volume.c includes FatFs's ff.c, to reach what works on clusters and directory
# entries instead of paths; ffunicode.c is linked as it is.
PORTS := fatfs
FATFS_FLAGS := -Ibuild/ports/fatfs/src -Iports/fatfs -DFFCONF_H='"ffconf.h"'
FLAGS := $(FATFS_FLAGS) -Iservices/fat/libc
SOURCES := services/fat/disk.c services/fat/journal.c services/fat/main.c services/fat/times.c \
	services/fat/volume.c build/ports/fatfs/src/ffunicode.c
