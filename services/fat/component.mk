# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# fatfs.c includes FatFs's ff.c, to reach what works on clusters and directory
# entries instead of paths; ffunicode.c is linked as it is.
PORTS := fatfs
FATFS_FLAGS := -Ibuild/ports/fatfs/src -Iports/fatfs -DFFCONF_H='"ffconf.h"'
FLAGS := $(FATFS_FLAGS) -Iservices/fat/libc
SOURCES := $(wildcard services/fat/*.c) build/ports/fatfs/src/ffunicode.c
