// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The font: made at build time from ports/spleen by tools/kochab_tools/font.py. It
// has at least the printable characters of ASCII and U+FFFD.
#ifndef SERVICES_SCREEN_FONT_H
#define SERVICES_SCREEN_FONT_H
#include "lib/base/types.h"

#define FONT_WIDTH 8
#define FONT_HEIGHT 16

struct font_character {
	u16 character, glyph;
};

extern const u32 font_ncharacters;
extern const struct font_character font_character[]; // in ascending order
extern const u8 font_glyph[][FONT_HEIGHT]; // bit 7 is the leftmost pixel
#endif
