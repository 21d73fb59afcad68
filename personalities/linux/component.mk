# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Linked above 2 GiB, so everything is position independent, the library too:
# it is compiled again with this component's flags.
FLAGS := -fpie
SOURCES += $(call whole,$(patsubst %/,%,$(wildcard lib/*/)))
