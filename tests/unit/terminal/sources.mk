# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += services/screen/terminal.c services/screen/parser.c lib/driver/tap.c
