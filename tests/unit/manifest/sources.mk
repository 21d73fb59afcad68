# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += services/engine/manifest.c services/engine/framebuffer.c $(addprefix lib/base/,parse.c status.c string.c format.c)
FLAGS += -ffreestanding $(foreach f,strlcpy strlcat,-D$f=base_$f)
