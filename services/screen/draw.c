// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See draw.h. The picture starts at its upper left corner; what is left at the right
// and below stays black.
#include "services/screen/draw.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/screen/font.h"

#define UNDERLINE_ROW (FONT_HEIGHT - 2)
#define NOT_SHOWN 0xffffffff // no character

// The first 16 colours: dark ones, bright ones.
static const u32 palette[16] = {
	0x000000, 0xcd3131, 0x0dbc79, 0xe5e510, 0x2472c8, 0xbc3fbc,
	0x11a8cd, 0xd0d0d0, 0x767676, 0xf14c4c, 0x23d18b, 0xf5f543,
	0x3b8eea, 0xd670d6, 0x29b8db, 0xffffff,
};

u32 draw_colour(u8 index)
{
	static const u8 level[6] = {0, 95, 135, 175, 215, 255};
	u32 n = index - 16u;

	if (index < ARRAY_COUNT(palette))
		return palette[index];
	if (index >= 232)
		return (8 + (index - 232u) * 10) * 0x010101;
	return (u32)level[n / 36] << 16 | (u32)level[n / 6 % 6] << 8 |
		level[n % 6];
}

static const u8 *find_glyph(u32 character)
{
	u32 low = 0, high = font_ncharacters;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (font_character[middle].character == character)
			return font_glyph[font_character[middle].glyph];
		if (font_character[middle].character < character)
			low = middle + 1;
		else
			high = middle;
	}
	return nullptr;
}

static const u8 *glyph_of(u32 character)
{
	const u8 *glyph = find_glyph(character ? character : ' ');

	return glyph ? glyph : find_glyph(TERMINAL_REPLACEMENT);
}

static u32 half(u32 colour)
{
	return colour >> 1 & 0x7f7f7f;
}

static void colours_of(const struct cell *cell, u32 *foreground,
		       u32 *background)
{
	u8 front = cell->foreground;
	bool reverse = cell->flags & CELL_REVERSE;

	if ((cell->flags & CELL_BOLD) && front < 8)
		front += 8;
	*foreground = draw_colour(front);
	*background = draw_colour(cell->background);
	if (cell->flags & CELL_FAINT)
		*foreground = half(*foreground);
	if (reverse != !!(cell->flags & CELL_CURSOR)) {
		u32 colour = *foreground;

		*foreground = *background;
		*background = colour;
	}
	if (cell->flags & CELL_HIDDEN)
		*foreground = *background;
}

static void draw_cell(const struct drawing *drawing, u32 column, u32 row,
		      const struct cell *cell)
{
	u64 pitch = drawing->size.pitch;
	u8 *at = drawing->picture + row * FONT_HEIGHT * pitch +
		column * FONT_WIDTH * DISPLAY_PIXEL_BYTES;
	const u8 *glyph = glyph_of(cell->character);
	u32 foreground, background;

	colours_of(cell, &foreground, &background);
	for (u32 y = 0; y < FONT_HEIGHT; y++, at += pitch) {
		u32 *pixel = (u32 *)at;
		u32 bits = glyph[y];

		if (y == UNDERLINE_ROW && (cell->flags & CELL_UNDERLINE))
			bits = 0xff;
		for (u32 x = 0; x < FONT_WIDTH; x++)
			pixel[x] = bits & 0x80 >> x ? foreground : background;
	}
}

void draw_cells_of(struct display_size size, u32 *columns, u32 *rows)
{
	u32 across = MIN(size.width / FONT_WIDTH, (u32)TERMINAL_COLUMNS);
	u32 down = MIN(size.height / FONT_HEIGHT, (u32)TERMINAL_ROWS);

	if (across != 0)
		down = MIN(down, TERMINAL_CELLS / across);
	*columns = across;
	*rows = down;
}

void draw_begin(struct drawing *drawing, u8 *picture, struct display_size size)
{
	drawing->picture = picture;
	drawing->size = size;
	draw_cells_of(size, &drawing->columns, &drawing->rows);
	for (u32 i = 0; i < drawing->columns * drawing->rows; i++)
		drawing->shown[i].character = NOT_SHOWN;
	for (u32 y = 0; y < size.height; y++) {
		u32 from = y < drawing->rows * FONT_HEIGHT
			? drawing->columns * FONT_WIDTH
			: 0;

		memset(picture + y * (u64)size.pitch +
			       from * DISPLAY_PIXEL_BYTES,
		       0, (size.width - from) * DISPLAY_PIXEL_BYTES);
	}
}

// Grows the rectangle of cells [left, right) x [top, bottom).
struct bounds {
	u32 left, right, top, bottom;
};

static bool update_row(struct drawing *drawing, const struct terminal *terminal,
		       u32 row, struct bounds *bounds)
{
	const struct terminal_cursor *cursor = &terminal->cursor;
	const struct cell *cells = terminal_row(terminal, row);
	struct cell *shown = drawing->shown + row * drawing->columns;
	bool any = false;

	for (u32 i = 0; i < drawing->columns; i++) {
		struct cell cell = cells[i];

		if (terminal->visible && row == cursor->row &&
		    i == cursor->column)
			cell.flags |= CELL_CURSOR;
		if (memcmp(&cell, &shown[i], sizeof(cell)) == 0)
			continue;
		draw_cell(drawing, i, row, &cell);
		shown[i] = cell;
		bounds->left = MIN(bounds->left, i);
		bounds->right = MAX(bounds->right, i + 1);
		any = true;
	}
	return any;
}

bool draw_update(struct drawing *drawing, const struct terminal *terminal,
		 struct rectangle *rectangle)
{
	struct bounds bounds = {.left = drawing->columns, .top = drawing->rows};
	bool any = false;

	if (terminal->columns != drawing->columns ||
	    terminal->rows != drawing->rows)
		return false;
	for (u32 row = 0; row < drawing->rows; row++) {
		if (!update_row(drawing, terminal, row, &bounds))
			continue;
		bounds.top = MIN(bounds.top, row);
		bounds.bottom = row + 1;
		any = true;
	}
	*rectangle = (struct rectangle){
		bounds.left * FONT_WIDTH,
		bounds.top * FONT_HEIGHT,
		(bounds.right - bounds.left) * FONT_WIDTH,
		(bounds.bottom - bounds.top) * FONT_HEIGHT,
	};
	return any;
}
