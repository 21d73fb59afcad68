# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += lib/ipc/session.c lib/ipc/server.c lib/base/status.c
FLAGS += -Itests/unit/session/fake
