// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Draws a terminal's cells into a picture (lib/driver/display.h), and remembers
// which cells the picture shows, so that only others are drawn.
#ifndef SERVICES_SCREEN_DRAW_H
#define SERVICES_SCREEN_DRAW_H
#include "lib/driver/display.h"
#include "services/screen/terminal.h"

struct drawing {
	u8 *picture;
	struct display_size size;
	u32 columns, rows;
	struct cell shown[TERMINAL_CELLS];
};

// How many cells a picture of this size has room for, at most what a terminal may
// have.
void draw_cells_of(struct display_size size, u32 *columns, u32 *rows);
// A picture whose content is not known: blackens its edges, shows no cell yet.
void draw_begin(struct drawing *drawing, u8 *picture, struct display_size size);
// Draw what differs. False: nothing did; else rectangle is what has changed.
bool draw_update(struct drawing *drawing, const struct terminal *terminal,
		 struct rectangle *rectangle);
// The colour of a palette entry, 0x00RRGGBB.
u32 draw_colour(u8 index);
#endif
