# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += lib/tar/tar.c lib/fs/fs.c services/tarfs/tree.c lib/base/status.c lib/base/string.c
