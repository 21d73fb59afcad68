# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += $(addprefix services/memfs/,store.c names.c file.c check.c populate.c) lib/fs/fs.c \
	lib/tar/tar.c lib/base/checksum.c lib/base/status.c lib/base/string.c
