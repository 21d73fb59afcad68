# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += lib/ipc/ring.c lib/ipc/msg.c lib/base/status.c
FLAGS += -Itests/unit/channel/fake
