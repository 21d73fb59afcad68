# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += lib/ipc/ring.c lib/ipc/msg.c lib/base/status.c
# Threads have stacks of their own here, which are saved and put back.
FLAGS += -Itests/model/ring/fake -fno-sanitize=address -mno-red-zone
