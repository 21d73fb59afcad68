// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The stream of bytes into characters (UTF-8) and controls (ECMA-48, and DEC's
// private ones); see terminal.h.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/screen/picture.h"

#define ESCAPE 0x1b
#define COUNT_MAX 9999

// ---- parameters

static u32 parameter(const struct terminal *t, u32 index)
{
	return index < t->parser.nparameters ? t->parser.parameter[index] : 0;
}

// A count: what is left out, or 0, is 1.
static u32 count(const struct terminal *t, u32 index)
{
	return MAX(parameter(t, index), 1u);
}

// ---- colours

// 24 bits to the nearest of the 6 by 6 by 6 colours from 16 on.
static u8 colour_of(u32 red, u32 green, u32 blue)
{
	u32 part[3] = {red, green, blue};
	u32 index = 0;

	for (u32 i = 0; i < 3; i++) {
		u32 level = MIN(part[i], 255u);

		// The six levels are 0, 95, 135, 175, 215, 255.
		level = level < 48 ? 0 : level < 115 ? 1 : (level - 35) / 40;
		index = index * 6 + level;
	}
	return (u8)(16 + index);
}

// 38 and 48: parameters used behind the first, and the colour.
static u32 take_colour(const struct terminal *t, u32 index, u8 *colour)
{
	if (parameter(t, index + 1) == 5) {
		*colour = (u8)MIN(parameter(t, index + 2), 255u);
		return 2;
	}
	if (parameter(t, index + 1) != 2)
		return 0;
	*colour = colour_of(parameter(t, index + 2), parameter(t, index + 3),
			    parameter(t, index + 4));
	return 4;
}

static void set_attribute(struct cell *pen, u32 n)
{
	switch (n) {
	case 1:
		pen->flags |= CELL_BOLD;
		break;
	case 2:
		pen->flags |= CELL_FAINT;
		break;
	case 4:
		pen->flags |= CELL_UNDERLINE;
		break;
	case 7:
		pen->flags |= CELL_REVERSE;
		break;
	case 8:
		pen->flags |= CELL_HIDDEN;
		break;
	case 21: // doubly underlined, or not bold
	case 22:
		pen->flags &= ~(CELL_BOLD | CELL_FAINT);
		break;
	case 24:
		pen->flags &= ~CELL_UNDERLINE;
		break;
	case 27:
		pen->flags &= ~CELL_REVERSE;
		break;
	case 28:
		pen->flags &= ~CELL_HIDDEN;
		break;
	case 39:
		pen->foreground = picture_plain_pen().foreground;
		break;
	case 49:
		pen->background = picture_plain_pen().background;
		break;
	default:
		if (n >= 30 && n <= 37)
			pen->foreground = (u8)(n - 30);
		else if (n >= 40 && n <= 47)
			pen->background = (u8)(n - 40);
		else if (n >= 90 && n <= 97)
			pen->foreground = (u8)(n - 90 + 8);
		else if (n >= 100 && n <= 107)
			pen->background = (u8)(n - 100 + 8);
	}
}

static void set_attributes(struct terminal *t)
{
	struct cell *pen = &t->cursor.pen;
	u32 n = MAX((u32)t->parser.nparameters, 1u);

	for (u32 i = 0; i < n; i++) {
		u32 value = parameter(t, i);

		if (value == 0)
			*pen = picture_plain_pen();
		else if (value == 38)
			i += take_colour(t, i, &pen->foreground);
		else if (value == 48)
			i += take_colour(t, i, &pen->background);
		else
			set_attribute(pen, value);
	}
}

// ---- modes

static void set_alternate(struct terminal *t, u32 mode, bool on)
{
	if (mode == 1049 && on && t->screen == 0)
		picture_save(t);
	picture_screen(t, on ? 1 : 0, on && mode != 47);
	if (mode == 1049 && !on)
		picture_restore(t);
}

static void set_private_mode(struct terminal *t, u32 mode, bool on)
{
	switch (mode) {
	case 6:
		t->cursor.origin = on;
		picture_go(t, 0, 0);
		break;
	case 7:
		t->autowrap = on;
		break;
	case 25:
		t->visible = on;
		break;
	case 47:
	case 1047:
	case 1049:
		set_alternate(t, mode, on);
		break;
	case 1048:
		if (on)
			picture_save(t);
		else
			picture_restore(t);
		break;
	default:
		break;
	}
}

static void set_modes(struct terminal *t, bool on)
{
	for (u32 i = 0; i < t->parser.nparameters; i++) {
		u32 mode = parameter(t, i);

		if (t->parser.mark == '?')
			set_private_mode(t, mode, on);
		else if (mode == 4)
			t->insert = on;
		else if (mode == 20)
			t->newline = on;
	}
}

// ---- control sequences

static void clear_tabs(struct terminal *t)
{
	if (parameter(t, 0) == 3)
		picture_tabs(t, false);
	else if (parameter(t, 0) == 0)
		t->tab[t->cursor.column] = false;
}

static void repeat(struct terminal *t)
{
	u32 n = MIN(count(t, 0), (u32)t->columns * t->rows);

	if (t->parser.last == 0)
		return;
	while (n-- != 0)
		picture_put(t, t->parser.last);
}

static void soft_reset(struct terminal *t)
{
	t->insert = false;
	t->autowrap = t->visible = true;
	t->top = 0;
	t->bottom = (u16)(t->rows - 1);
	t->cursor.origin = false;
	t->cursor.pen = picture_plain_pen();
	t->cursor.shift = 0;
	t->cursor.drawing[0] = t->cursor.drawing[1] = false;
	t->saved[t->screen] =
		(struct terminal_cursor){.pen = picture_plain_pen()};
}

// Those that move the cursor; false: another one.
static bool move(struct terminal *t, u8 final)
{
	const struct terminal_cursor *cursor = &t->cursor;
	i32 n = (i32)count(t, 0);

	switch (final) {
	case 'A':
		picture_step(t, -n);
		break;
	case 'B':
	case 'e':
		picture_step(t, n);
		break;
	case 'C':
	case 'a':
		picture_move(t, cursor->row, cursor->column + n);
		break;
	case 'D':
		picture_move(t, cursor->row, cursor->column - n);
		break;
	case 'E':
	case 'F':
		picture_step(t, final == 'E' ? n : -n);
		t->cursor.column = 0;
		break;
	case 'G':
	case '`':
		picture_move(t, cursor->row, n - 1);
		break;
	case 'H':
	case 'f':
		picture_go(t, count(t, 0) - 1, count(t, 1) - 1);
		break;
	case 'd':
		picture_go(t, count(t, 0) - 1, cursor->column);
		break;
	case 'I':
	case 'Z':
		picture_tab(t, (u32)n, final == 'Z');
		break;
	case 's':
		picture_save(t);
		break;
	case 'u':
		picture_restore(t);
		break;
	default:
		return false;
	}
	return true;
}

static void change(struct terminal *t, u8 final)
{
	u32 n = count(t, 0);

	switch (final) {
	case '@':
		picture_insert(t, n);
		break;
	case 'P':
		picture_delete(t, n);
		break;
	case 'X':
		picture_erase(t, n);
		break;
	case 'J':
		picture_erase_screen(t, parameter(t, 0));
		break;
	case 'K':
		picture_erase_line(t, parameter(t, 0));
		break;
	case 'L':
	case 'M':
		picture_lines(t, n, final == 'L');
		break;
	case 'S':
	case 'T':
		picture_scroll(t, n, final == 'S');
		break;
	case 'b':
		repeat(t);
		break;
	case 'm':
		set_attributes(t);
		break;
	case 'r':
		picture_region(t, parameter(t, 0), parameter(t, 1));
		break;
	case 'g':
		clear_tabs(t);
		break;
	case 'h':
	case 'l':
		set_modes(t, final == 'h');
		break;
	default: // 'c' and 'n' ask: the serial line's terminal answers
		break;
	}
}

static void finish_sequence(struct terminal *t, u8 final)
{
	struct terminal_parser *parser = &t->parser;

	parser->state = TERMINAL_GROUND;
	if (parser->between == '!' && final == 'p')
		soft_reset(t);
	if (parser->between != 0)
		return;
	if (parser->mark == '?') {
		if (final == 'h' || final == 'l')
			set_modes(t, final == 'h');
		else if (final == 'J' || final == 'K')
			change(t, final);
		return;
	}
	if (parser->mark == 0 && !move(t, final))
		change(t, final);
}

static void begin_sequence(struct terminal *t)
{
	struct terminal_parser *parser = &t->parser;

	parser->state = TERMINAL_PARAMETER;
	parser->mark = parser->between = 0;
	parser->nparameters = 0;
	memset(parser->parameter, 0, sizeof(parser->parameter));
}

static void digit(struct terminal_parser *parser, u8 byte)
{
	u16 *value;

	if (parser->nparameters == 0)
		parser->nparameters = 1;
	value = &parser->parameter[parser->nparameters - 1];
	*value = (u16)MIN(*value * 10u + (byte - '0'), (u32)COUNT_MAX);
}

static void in_sequence(struct terminal *t, u8 byte)
{
	struct terminal_parser *parser = &t->parser;

	if (byte >= '@' && byte <= '~') {
		finish_sequence(t, byte);
	} else if (byte >= '0' && byte <= '9' && !parser->between) {
		digit(parser, byte);
	} else if ((byte == ';' || byte == ':') && !parser->between) {
		parser->nparameters = MAX(parser->nparameters, (u8)1);
		if (parser->nparameters == TERMINAL_PARAMETERS)
			parser->state = TERMINAL_IGNORE;
		else
			parser->nparameters++;
	} else if (byte >= '<' && byte <= '?' && parser->nparameters == 0 &&
		   parser->mark == 0 && !parser->between) {
		parser->mark = byte;
	} else if (byte >= ' ' && byte <= '/') {
		parser->between = byte;
	} else {
		parser->state = TERMINAL_IGNORE;
	}
}

// ---- escape sequences of two and three bytes

static void escape(struct terminal *t, u8 byte)
{
	struct terminal_parser *parser = &t->parser;

	parser->state = TERMINAL_GROUND;
	switch (byte) {
	case '[':
		begin_sequence(t);
		break;
	case ']': // operating system command, and strings for devices
	case 'P':
	case 'X':
	case '^':
	case '_':
		parser->state = TERMINAL_STRING;
		break;
	case '(':
	case ')':
		parser->set = byte == ')';
		parser->state = TERMINAL_CHARSET;
		break;
	case '#':
		parser->state = TERMINAL_HASH;
		break;
	case '7':
		picture_save(t);
		break;
	case '8':
		picture_restore(t);
		break;
	case 'D':
		picture_line_feed(t);
		break;
	case 'E':
		picture_line_feed(t);
		t->cursor.column = 0;
		break;
	case 'M':
		picture_reverse_feed(t);
		break;
	case 'H':
		t->tab[t->cursor.column] = true;
		break;
	case 'c':
		picture_reset(t);
		break;
	default:
		if (byte >= ' ' && byte <= '/')
			parser->state = TERMINAL_ESCAPE_SKIP;
	}
}

static void control(struct terminal *t, u8 byte)
{
	struct terminal_cursor *cursor = &t->cursor;

	switch (byte) {
	case '\b':
		picture_move(t, cursor->row, cursor->column - 1);
		break;
	case '\t':
		picture_tab(t, 1, false);
		break;
	case '\n':
	case '\v':
	case '\f':
		picture_line_feed(t);
		if (t->newline)
			cursor->column = 0;
		break;
	case '\r':
		cursor->column = 0;
		cursor->wrap = false;
		break;
	case 0x0e:
	case 0x0f:
		cursor->shift = byte == 0x0e;
		break;
	case 0x18: // cancel
	case 0x1a:
		t->parser.state = TERMINAL_GROUND;
		break;
	case ESCAPE:
		t->parser.state = TERMINAL_ESCAPE;
		break;
	default:
		break;
	}
}

// ---- characters

// What DEC's set of line drawing has in the place of '`' to '~'.
static const u16 drawing[] = {
	0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1,
	0x2424, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba,
	0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524, 0x2534, 0x252c,
	0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};
static_assert(ARRAY_COUNT(drawing) == '~' - '`' + 1);

static void ascii(struct terminal *t, u8 byte)
{
	const struct terminal_cursor *cursor = &t->cursor;

	if (cursor->drawing[cursor->shift] && byte >= '`')
		picture_put(t, drawing[byte - '`']);
	else
		picture_put(t, byte);
}

static void begin_character(struct terminal *t, u8 byte)
{
	struct terminal_parser *parser = &t->parser;

	if (byte >= 0xc2 && byte <= 0xdf) {
		parser->continuation = 1;
		parser->character = byte & 0x1f;
		parser->least = 0x80;
	} else if (byte >= 0xe0 && byte <= 0xef) {
		parser->continuation = 2;
		parser->character = byte & 0x0f;
		parser->least = 0x800;
	} else if (byte >= 0xf0 && byte <= 0xf4) {
		parser->continuation = 3;
		parser->character = byte & 0x07;
		parser->least = 0x10000;
	} else {
		picture_put(t, TERMINAL_REPLACEMENT);
	}
}

static void continue_character(struct terminal *t, u8 byte)
{
	struct terminal_parser *parser = &t->parser;
	u32 character = parser->character << 6 | (byte & 0x3f);

	parser->character = character;
	if (--parser->continuation != 0)
		return;
	if (character < parser->least || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		character = TERMINAL_REPLACEMENT;
	if (character >= 0xa0) // below: controls, of which none is meant
		picture_put(t, character);
}

static void ground(struct terminal *t, u8 byte)
{
	if (byte >= 0x80)
		begin_character(t, byte);
	else if (byte != 0x7f)
		ascii(t, byte);
}

// ---- all

static void in_string(struct terminal *t, u8 byte)
{
	struct terminal_parser *parser = &t->parser;

	if (byte == '\a' || byte == 0x18 || byte == 0x1a)
		parser->state = TERMINAL_GROUND;
	else if (byte == ESCAPE)
		parser->state = TERMINAL_STRING_ESCAPE;
}

static void one(struct terminal *t, u8 byte)
{
	struct terminal_parser *parser = &t->parser;

	if (parser->state == TERMINAL_STRING_ESCAPE) {
		parser->state = TERMINAL_GROUND;
		if (byte == '\\')
			return;
		parser->state = TERMINAL_ESCAPE;
	}
	if (parser->state == TERMINAL_STRING) {
		in_string(t, byte);
		return;
	}
	if (parser->continuation != 0) {
		if ((byte & 0xc0) == 0x80) {
			continue_character(t, byte);
			return;
		}
		parser->continuation = 0;
		picture_put(t, TERMINAL_REPLACEMENT);
	}
	if (byte < ' ') {
		control(t, byte);
		return;
	}
	switch (parser->state) {
	case TERMINAL_ESCAPE:
		escape(t, byte);
		break;
	case TERMINAL_PARAMETER:
		in_sequence(t, byte);
		break;
	case TERMINAL_IGNORE:
		if (byte >= '@' && byte <= '~')
			parser->state = TERMINAL_GROUND;
		break;
	case TERMINAL_CHARSET:
		t->cursor.drawing[parser->set] = byte == '0';
		parser->state = TERMINAL_GROUND;
		break;
	case TERMINAL_HASH:
		parser->state = TERMINAL_GROUND;
		if (byte == '8')
			picture_align(t);
		break;
	case TERMINAL_ESCAPE_SKIP:
		if (byte < ' ' || byte > '/')
			parser->state = TERMINAL_GROUND;
		break;
	default:
		ground(t, byte);
	}
}

void terminal_write(struct terminal *t, const u8 *data, usize bytes)
{
	for (usize i = 0; i < bytes; i++)
		one(t, data[i]);
}
