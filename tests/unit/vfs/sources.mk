# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += services/vfs/walk.c lib/base/parse.c lib/base/status.c lib/base/string.c
