# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Channels signal through the fake of tests/unit/channel; the font is the real one.
SOURCES += lib/driver/display.c lib/driver/channel.c lib/base/status.c \
	drivers/gpu/virtio-gpu/command.c services/screen/draw.c services/screen/terminal.c \
	services/screen/parser.c $(OUT)/gen/screen/font.c
FLAGS += -Itests/unit/channel/fake
