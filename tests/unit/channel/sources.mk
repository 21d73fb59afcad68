# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += lib/driver/channel.c lib/base/status.c
FLAGS += -Itests/unit/channel/fake
