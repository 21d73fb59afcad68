# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += boot/compressed/compressed.c boot/compressed/lz4.c lib/base/checksum.c
