# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Tests that run on the host. tests/<kind>/<name>/*.c, for the kinds unit, model
# and fuzz, becomes build/host/<kind>/<name>. Its sources.mk may add to SOURCES
# (files of the tree under test), FLAGS (before the tree's own include paths, so
# a fake header may stand in for a real one) and LINK_FLAGS. `make unit` builds
# all of a kind, `make build/host/unit/x` one; running them is the tester's part.

HOST := build/host
HOST_FLAGS := -std=c2x -Wall -Wextra -Werror -O1 -g -MMD -MP -fno-omit-frame-pointer \
	-DKOCHAB_HOST=1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
HOST_FLAGS_fuzz := -fsanitize=fuzzer
HOST_FLAGS_model := -O2

# $(call host_test,kind,name)
define host_test
SOURCES := $(call code,tests/$1/$2)
FLAGS :=
LINK_FLAGS :=
$(if $(wildcard tests/$1/$2/sources.mk),include tests/$1/$2/sources.mk)
$1_$2_OBJECTS := $$(SOURCES:%=$(HOST)/obj/$1/$2/%.o)
$1_$2_FLAGS := $(HOST_FLAGS) $(HOST_FLAGS_$1) $$(FLAGS) -I. -I$(OUT)
$1_$2_LINK_FLAGS := $$(LINK_FLAGS)
$(HOST)/obj/$1/$2/%.c.o: %.c Makefile mk/host.mk $(wildcard tests/$1/$2/sources.mk) | $(GEN)
	@mkdir -p $$(@D)
	$(if $(Q),@echo "  CC    $$< ($1/$2)")
	$(Q)$(CC) $$($1_$2_FLAGS) -c $$< -o $$@
$(HOST)/obj/$1/$2/%.S.o: %.S Makefile mk/host.mk $(wildcard tests/$1/$2/sources.mk) | $(GEN)
	@mkdir -p $$(@D)
	$(if $(Q),@echo "  CC    $$< ($1/$2)")
	$(Q)$(CC) $$($1_$2_FLAGS) -c $$< -o $$@
$(HOST)/$1/$2: $$($1_$2_OBJECTS)
	@mkdir -p $$(@D)
	@echo "  LINK  $$@"
	$(Q)$(CC) $$($1_$2_FLAGS) $$^ $$($1_$2_LINK_FLAGS) -o $$@
-include $$($1_$2_OBJECTS:.o=.d)
.PHONY: $1
$1: $(HOST)/$1/$2
endef
tests_of = $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard tests/$1/*/*.c)))))
$(foreach k,unit model fuzz,$(foreach n,$(call tests_of,$k),$(eval $(call host_test,$k,$n))))
