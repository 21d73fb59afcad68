// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The picture of a terminal, and what its controls do to it; see terminal.h.
// parser.c finds the controls in the stream of bytes.
#include "services/screen/terminal.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/screen/picture.h"

#define FOREGROUND 7
#define BACKGROUND 0
#define TAB_COLUMNS 8

// ---- lines

static u32 line_of(const struct terminal *t, u32 row)
{
	return t->place[t->screen][row];
}

static struct cell *row_cells(struct terminal *t, u32 row)
{
	return t->cell[t->screen] + line_of(t, row) * t->columns;
}

static void touch(struct terminal *t, u32 row)
{
	t->changed[t->screen][line_of(t, row)] = 0xff;
}

const struct cell *terminal_row(const struct terminal *t, u32 row)
{
	return t->cell[t->screen] + line_of(t, row) * t->columns;
}

// What erasing leaves: the background of the pen.
static struct cell blank(const struct terminal *t)
{
	return (struct cell){
		.character = ' ',
		.foreground = FOREGROUND,
		.background = t->cursor.pen.background,
	};
}

// A wide character that loses one of its halves becomes blanks.
static void mend(struct terminal *t, u32 row, u32 column)
{
	struct cell *cell = row_cells(t, row);

	if (column == 0 || column >= t->columns || cell[column].character != 0)
		return;
	cell[column].character = ' ';
	cell[column - 1].character = ' ';
}

static void fill(struct terminal *t, u32 row, u32 from, u32 to)
{
	struct cell *cell = row_cells(t, row);
	struct cell empty = blank(t);

	mend(t, row, from);
	mend(t, row, to);
	for (u32 i = from; i < to; i++)
		cell[i] = empty;
	touch(t, row);
}

static void fill_rows(struct terminal *t, u32 from, u32 to)
{
	for (u32 row = from; row < to; row++)
		fill(t, row, 0, t->columns);
}

// Rows from..to (without): up by n, empty ones come in below; down if !up.
static void scroll(struct terminal *t, u32 from, u32 to, u32 n, bool up)
{
	u8 *place = t->place[t->screen];
	u8 old[TERMINAL_ROWS];
	u32 height = to - from;

	n = MIN(n, height);
	memcpy(old, place, sizeof(old));
	for (u32 i = 0; i < height; i++) {
		u32 source = up ? i + n : i + height - n;

		place[from + i] = old[from + source % height];
	}
	if (up)
		fill_rows(t, to - n, to);
	else
		fill_rows(t, from, from + n);
}

void picture_scroll(struct terminal *t, u32 n, bool up)
{
	scroll(t, t->top, t->bottom + 1u, n, up);
}

// ---- the cursor

void picture_move(struct terminal *t, i32 row, i32 column)
{
	struct terminal_cursor *cursor = &t->cursor;
	i32 first = cursor->origin ? t->top : 0;
	i32 last = cursor->origin ? t->bottom : t->rows - 1;

	cursor->row = (u16)MIN(MAX(row, first), last);
	cursor->column = (u16)MIN(MAX(column, 0), t->columns - 1);
	cursor->wrap = false;
}

void picture_go(struct terminal *t, u32 row, u32 column)
{
	u32 first = t->cursor.origin ? t->top : 0;

	picture_move(t, (i32)(row + first), (i32)column);
}

// Up and down stop at the edge of the region they begin in.
void picture_step(struct terminal *t, i32 down)
{
	struct terminal_cursor *cursor = &t->cursor;
	i32 row = cursor->row + down;

	if (cursor->row <= t->bottom)
		row = MIN(row, (i32)t->bottom);
	if (cursor->row >= t->top)
		row = MAX(row, (i32)t->top);
	cursor->row = (u16)MIN(MAX(row, 0), t->rows - 1);
	cursor->wrap = false;
}

void picture_line_feed(struct terminal *t)
{
	if (t->cursor.row == t->bottom)
		picture_scroll(t, 1, true);
	else if (t->cursor.row < t->rows - 1)
		t->cursor.row++;
	t->cursor.wrap = false;
}

void picture_reverse_feed(struct terminal *t)
{
	if (t->cursor.row == t->top)
		picture_scroll(t, 1, false);
	else if (t->cursor.row > 0)
		t->cursor.row--;
	t->cursor.wrap = false;
}

void picture_tab(struct terminal *t, u32 n, bool back)
{
	u32 column = t->cursor.column;
	u32 last = t->columns - 1u;

	for (n = MIN(n, (u32)t->columns); n != 0; n--) {
		do {
			if (column == (back ? 0 : last))
				break;
			column = back ? column - 1 : column + 1;
		} while (!t->tab[column]);
	}
	picture_move(t, t->cursor.row, (i32)column);
}

void picture_save(struct terminal *t)
{
	t->saved[t->screen] = t->cursor;
}

void picture_restore(struct terminal *t)
{
	t->cursor = t->saved[t->screen];
}

void picture_region(struct terminal *t, u32 top, u32 bottom)
{
	if (bottom == 0 || bottom > t->rows)
		bottom = t->rows;
	top = MAX(top, 1u);
	if (top >= bottom)
		return;
	t->top = (u16)(top - 1);
	t->bottom = (u16)(bottom - 1);
	picture_go(t, 0, 0);
}

// ---- cells

static void put_cell(struct terminal *t, u32 character, u32 width)
{
	struct terminal_cursor *cursor = &t->cursor;
	struct cell *cell = row_cells(t, cursor->row) + cursor->column;

	mend(t, cursor->row, cursor->column);
	mend(t, cursor->row, cursor->column + width);
	cell[0] = cursor->pen;
	cell[0].character = character;
	if (width == 2) {
		cell[1] = cursor->pen;
		cell[1].character = 0;
	}
	touch(t, cursor->row);
}

void picture_put(struct terminal *t, u32 character)
{
	struct terminal_cursor *cursor = &t->cursor;
	u32 width = terminal_width(character);

	if (width == 0)
		return;
	if (width > t->columns)
		character = TERMINAL_REPLACEMENT, width = 1;
	if (cursor->column + width > t->columns)
		cursor->wrap = true;
	if (cursor->wrap && t->autowrap) {
		picture_line_feed(t);
		cursor->column = 0;
	}
	cursor->wrap = false;
	cursor->column = MIN(cursor->column, (u16)(t->columns - width));
	if (t->insert)
		picture_insert(t, width);
	put_cell(t, character, width);
	cursor->wrap = cursor->column + width >= t->columns;
	cursor->column += cursor->wrap ? width - 1 : width;
	t->parser.last = character;
}

void picture_insert(struct terminal *t, u32 n)
{
	u32 column = t->cursor.column, left = t->columns - column;
	struct cell *cell = row_cells(t, t->cursor.row) + column;

	n = MIN(n, left);
	mend(t, t->cursor.row, column);
	mend(t, t->cursor.row, t->columns - n);
	memmove(cell + n, cell, (left - n) * sizeof(*cell));
	for (u32 i = 0; i < n; i++)
		cell[i] = blank(t);
	touch(t, t->cursor.row);
	t->cursor.wrap = false;
}

void picture_delete(struct terminal *t, u32 n)
{
	u32 column = t->cursor.column, left = t->columns - column;
	struct cell *cell = row_cells(t, t->cursor.row) + column;

	n = MIN(n, left);
	mend(t, t->cursor.row, column);
	mend(t, t->cursor.row, column + n);
	memmove(cell, cell + n, (left - n) * sizeof(*cell));
	for (u32 i = left - n; i < left; i++)
		cell[i] = blank(t);
	touch(t, t->cursor.row);
	t->cursor.wrap = false;
}

void picture_erase(struct terminal *t, u32 n)
{
	u32 column = t->cursor.column;

	fill(t, t->cursor.row, column,
	     column + MIN(n, (u32)t->columns - column));
	t->cursor.wrap = false;
}

void picture_erase_line(struct terminal *t, u32 which)
{
	u32 column = t->cursor.column;

	if (which > 2)
		return;
	fill(t, t->cursor.row, which == 0 ? column : 0,
	     which == 1 ? column + 1 : t->columns);
	t->cursor.wrap = false;
}

void picture_erase_screen(struct terminal *t, u32 which)
{
	u32 row = t->cursor.row;

	if (which > 3)
		return;
	if (which < 2)
		picture_erase_line(t, which);
	fill_rows(t, which == 0 ? row + 1u : 0, which == 1 ? row : t->rows);
	t->cursor.wrap = false;
}

void picture_lines(struct terminal *t, u32 n, bool insert)
{
	u32 row = t->cursor.row;

	if (row < t->top || row > t->bottom)
		return;
	scroll(t, row, t->bottom + 1u, n, !insert);
	t->cursor.column = 0;
	t->cursor.wrap = false;
}

// DEC's test picture.
void picture_align(struct terminal *t)
{
	t->top = 0;
	t->bottom = (u16)(t->rows - 1);
	for (u32 row = 0; row < t->rows; row++) {
		struct cell *cell = row_cells(t, row);

		for (u32 i = 0; i < t->columns; i++)
			cell[i] = (struct cell){'E', FOREGROUND, BACKGROUND, 0,
						0};
		touch(t, row);
	}
	t->cursor.origin = false;
	picture_go(t, 0, 0);
}

void picture_screen(struct terminal *t, u32 screen, bool clear)
{
	if (t->screen == screen)
		return;
	t->screen = (u8)screen;
	if (clear)
		fill_rows(t, 0, t->rows);
}

struct cell picture_plain_pen(void)
{
	return (struct cell){' ', FOREGROUND, BACKGROUND, 0, 0};
}

void picture_tabs(struct terminal *t, bool usual)
{
	for (u32 i = 0; i < TERMINAL_COLUMNS; i++)
		t->tab[i] = usual && i % TAB_COLUMNS == 0;
}

// ---- the whole

bool terminal_size_ok(u32 columns, u32 rows)
{
	return columns >= 2 && rows >= 2 && columns <= TERMINAL_COLUMNS &&
		rows <= TERMINAL_ROWS && columns * rows <= TERMINAL_CELLS;
}

void terminal_init(struct terminal *t, u32 columns, u32 rows)
{
	memset(t, 0, OFFSET_OF(struct terminal, cell));
	t->columns = (u16)columns;
	t->rows = (u16)rows;
	for (u32 screen = 0; screen < 2; screen++)
		for (u32 row = 0; row < TERMINAL_ROWS; row++)
			t->place[screen][row] = (u8)row;
	picture_reset(t);
}

void picture_reset(struct terminal *t)
{
	t->top = 0;
	t->bottom = (u16)(t->rows - 1);
	t->autowrap = t->visible = true;
	t->insert = t->newline = false;
	t->cursor = (struct terminal_cursor){.pen = picture_plain_pen()};
	t->saved[0] = t->saved[1] = t->cursor;
	picture_tabs(t, true);
	for (u32 screen = 0; screen < 2; screen++) {
		t->screen = (u8)(1 - screen);
		fill_rows(t, 0, t->rows);
	}
}

static bool cursor_valid(const struct terminal *t,
			 const struct terminal_cursor *cursor)
{
	return cursor->row < t->rows && cursor->column < t->columns &&
		cursor->shift < 2;
}

bool terminal_valid(const struct terminal *t)
{
	if (!terminal_size_ok(t->columns, t->rows) || t->screen > 1 ||
	    t->top >= t->bottom || t->bottom >= t->rows ||
	    t->parser.state >= TERMINAL_STATES || t->parser.set > 1 ||
	    t->parser.nparameters > TERMINAL_PARAMETERS ||
	    t->parser.continuation > 3)
		return false;
	for (u32 screen = 0; screen < 2; screen++) {
		bool seen[TERMINAL_ROWS] = {};

		for (u32 row = 0; row < t->rows; row++) {
			u32 line = t->place[screen][row];

			if (line >= t->rows || seen[line])
				return false;
			seen[line] = true;
		}
	}
	return cursor_valid(t, &t->cursor) && cursor_valid(t, &t->saved[0]) &&
		cursor_valid(t, &t->saved[1]);
}

// Rows of a picture into one of another size, the last ones when not all fit.
static void copy_rows(struct terminal *t, const struct terminal *from,
		      u32 screen, u32 skip)
{
	u32 columns = MIN(t->columns, from->columns);

	for (u32 row = 0; row < t->rows && row + skip < from->rows; row++) {
		u32 line = from->place[screen][row + skip];
		struct cell *cell = t->cell[screen] + row * t->columns;

		memcpy(cell, from->cell[screen] + line * from->columns,
		       columns * sizeof(*cell));
	}
}

void terminal_copy(struct terminal *t, const struct terminal *from)
{
	u32 skip = from->cursor.row >= t->rows ? from->cursor.row + 1u - t->rows
					       : 0;

	copy_rows(t, from, 0, skip);
	copy_rows(t, from, 1, skip);
	t->screen = from->screen;
	t->autowrap = from->autowrap;
	t->insert = from->insert;
	t->visible = from->visible;
	t->newline = from->newline;
	t->parser = from->parser;
	t->cursor = from->cursor;
	t->cursor.origin = false;
	picture_move(t, (i32)(from->cursor.row - skip), from->cursor.column);
	for (u32 row = 0; row < t->rows; row++)
		mend(t, row, t->columns - 1u);
}

void terminal_resume(struct terminal *t)
{
	t->parser.state = TERMINAL_GROUND;
	t->parser.continuation = 0;
}

// Ranges of characters that take two cells, or none, in ascending order. Unicode
// Standard Annex 11 (East Asian width) and the general categories Mn and Cf; a
// choice of what is likely to be met.
static const struct {
	u32 first, last, width;
} widths[] = {
	{0x300, 0x36f, 0},     {0x483, 0x489, 0},     {0x591, 0x5bd, 0},
	{0x610, 0x61a, 0},     {0x64b, 0x65f, 0},     {0x1100, 0x115f, 2},
	{0x1ab0, 0x1aff, 0},   {0x1dc0, 0x1dff, 0},   {0x200b, 0x200f, 0},
	{0x202a, 0x202e, 0},   {0x2060, 0x2064, 0},   {0x20d0, 0x20f0, 0},
	{0x2e80, 0x303e, 2},   {0x3041, 0x33ff, 2},   {0x3400, 0x4dbf, 2},
	{0x4e00, 0xa4cf, 2},   {0xa960, 0xa97f, 2},   {0xac00, 0xd7a3, 2},
	{0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},   {0xfe20, 0xfe2f, 0},
	{0xfe30, 0xfe6f, 2},   {0xfeff, 0xfeff, 0},   {0xff00, 0xff60, 2},
	{0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2}, {0x1f900, 0x1f9ff, 2},
	{0x20000, 0x3fffd, 2}, {0xe0100, 0xe01ef, 0},
};

u32 terminal_width(u32 character)
{
	u32 low = 0, high = ARRAY_COUNT(widths);

	if (character < widths[0].first)
		return 1;
	while (low < high) {
		u32 middle = (low + high) / 2;

		if (character > widths[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ARRAY_COUNT(widths) && character >= widths[low].first
		? widths[low].width
		: 1;
}
