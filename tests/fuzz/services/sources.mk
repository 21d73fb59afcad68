# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += lib/base/status.c
