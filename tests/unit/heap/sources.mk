# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += lib/sys/heap.c
