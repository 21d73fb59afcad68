// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A terminal of character cells: bytes go in, cells change. It understands UTF-8
// and the control sequences of ECMA-48 and DEC's VT100 to VT220 that terminal
// programs use (TERM=linux, vt100, xterm without its mouse); what it does not know
// it skips as a whole. It answers nothing: answers come from the terminal at the
// serial line.
//
// struct terminal holds no pointers, so it can be copied and kept: a copy that
// passes terminal_valid() can be written to, whatever the cells hold. For that, what
// is true or false is a u8.
#ifndef SERVICES_SCREEN_TERMINAL_H
#define SERVICES_SCREEN_TERMINAL_H
#include "lib/base/types.h"

#define TERMINAL_COLUMNS 256 // at most
#define TERMINAL_ROWS 128 // at most
#define TERMINAL_CELLS 8192 // of one picture, at most
#define TERMINAL_PARAMETERS 16
#define TERMINAL_REPLACEMENT 0xfffd

enum cell_flags : u8 {
	CELL_BOLD = 1,
	CELL_FAINT = 2,
	CELL_UNDERLINE = 4,
	CELL_REVERSE = 8,
	CELL_HIDDEN = 16,
	CELL_CURSOR =
		32, // for whoever draws; never set in the terminal's own cells
};

struct cell {
	u32 character; // 0: the right half of a wide one
	u8 foreground, background; // 0-255, as ESC [ 38 ; 5 ; n m has them
	enum cell_flags flags;
	u8 reserved;
};
static_assert(sizeof(struct cell) == 8);

// What ESC 7 saves.
struct terminal_cursor {
	u16 row, column;
	u8 wrap; // the next character goes to the next line first
	u8 origin; // rows count from the top of the region
	u8 shift; // character set in use: 0 or 1
	u8 drawing[2]; // set is the one with lines and corners
	struct cell pen; // character is ' '
};

// Where in a control sequence the next byte stands.
enum terminal_state : u8 {
	TERMINAL_GROUND,
	TERMINAL_ESCAPE,
	TERMINAL_ESCAPE_SKIP, // one more byte belongs to it
	TERMINAL_CHARSET, // designation, of the set in parser.set
	TERMINAL_HASH,
	TERMINAL_PARAMETER,
	TERMINAL_IGNORE, // a sequence that makes no sense, to its end
	TERMINAL_STRING, // to BEL or ESC \.
	TERMINAL_STRING_ESCAPE,
	TERMINAL_STATES,
};

struct terminal_parser {
	enum terminal_state state;
	u8 set;
	u8 mark; // '?', '>' ... in front of the parameters
	u8 between; // intermediate byte behind them
	u8 nparameters;
	u8 continuation; // bytes of UTF-8 still to come
	u32 character, least; // of UTF-8, so far; shorter forms are wrong
	u32 last; // character printed last, for REP
	u16 parameter[TERMINAL_PARAMETERS];
};

struct terminal {
	u16 columns, rows;
	u16 top, bottom; // scroll region, rows, both within
	u8 autowrap, insert, visible, newline; // 0 or not
	u8 screen; // picture in use: 1 is the alternate one
	struct terminal_cursor cursor;
	struct terminal_cursor saved[2]; // of each picture
	struct terminal_parser parser;
	u8 tab[TERMINAL_COLUMNS];
	// Row r of a picture is line place[r] of its cells, so that scrolling
	// moves no cells.
	u8 place[2][TERMINAL_ROWS];
	// Bits set when a cell of the line changes, for the owner to clear.
	u8 changed[2][TERMINAL_ROWS];
	// Last: cells, line by line.
	struct cell cell[2][TERMINAL_CELLS];
};

// Empty, of that size. The size must be one that terminal_size_ok() accepts.
void terminal_init(struct terminal *terminal, u32 columns, u32 rows);
bool terminal_size_ok(u32 columns, u32 rows);
bool terminal_valid(const struct terminal *terminal);

// Take the picture of a terminal of another size: rows that do not fit leave at
// the top. from must be valid.
void terminal_copy(struct terminal *terminal, const struct terminal *from);

void terminal_write(struct terminal *terminal, const u8 *data, usize bytes);
// Bytes were lost: forget a sequence that had begun.
void terminal_resume(struct terminal *terminal);

// The cells of a row of the picture in use.
const struct cell *terminal_row(const struct terminal *terminal, u32 row);
// Cells that a character takes: 0, 1 or 2.
u32 terminal_width(u32 character);
#endif
