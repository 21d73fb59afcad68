# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
include services/tokens/component.mk
TOKEN_OBJECTS := $(foreach s,services/tokens/mac.c $(SODIUM_SOURCES),$(HOST)/obj/unit/token/$s.o)
SOURCES := tests/unit/token/main.c tests/unit/token/model.c services/tokens/grants.c \
	services/tokens/mac.c lib/token/store.c lib/base/checksum.c $(SODIUM_SOURCES)
FLAGS := $(SODIUM_FLAGS)
$(TOKEN_OBJECTS) $(HOST)/obj/unit/token/tests/unit/token/main.c.o: build/ports/libsodium/.stamp
