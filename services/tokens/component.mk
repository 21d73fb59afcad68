# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Of libsodium: BLAKE2b in portable C and the comparison in constant time.
PORTS := libsodium
SODIUM := build/ports/libsodium
SODIUM_SOURCES := $(addprefix $(SODIUM)/,blake2b/generichash_blake2b.c \
	blake2b/blake2b-ref.c blake2b/blake2b-compress-ref.c verify/verify.c)
SODIUM_FLAGS := -DCONFIGURED=1 -DNATIVE_LITTLE_ENDIAN=1 -I$(SODIUM)/include
FLAGS := $(SODIUM_FLAGS) -Iservices/tokens/libc
SOURCES += $(SODIUM_SOURCES)
