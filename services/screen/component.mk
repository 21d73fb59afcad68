# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# The font is C text, made from the port's file.
SOURCES += $(OUT)/gen/screen/font.c
$(OUT)/gen/screen/font.c: build/ports/spleen/.stamp tools/kochab_tools/font.py
	@echo "  FONT  $@"
	$(Q)$(PYTHON) tools/kochab_tools/font.py $(<D)/spleen-8x16.psfu.gz $@
