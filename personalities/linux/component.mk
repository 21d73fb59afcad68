# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# It lives where its guests' part of user space ends, which differs from machine to
# machine, so everything is position independent, the library too: it is compiled
# again with this component's flags. The words that hold addresses are listed for
# whoever loads it (lib/process/elf.h).
FLAGS := -fpie -fdirect-access-external-data
LINK_FLAGS := -pie --no-dynamic-linker --pack-dyn-relocs=relr -z norelro
SOURCES += $(call whole,$(patsubst %/,%,$(wildcard lib/*/)))
