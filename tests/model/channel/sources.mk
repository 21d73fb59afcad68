# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# The machine is the rings' one.
SOURCES += lib/driver/channel.c lib/base/status.c tests/model/ring/machine.c
FLAGS += -Itests/model/ring/fake -fno-sanitize=address -mno-red-zone
