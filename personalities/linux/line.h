// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The line discipline of a terminal: editing, echo, signals, output processing.
// Pure: bytes in, bytes and signal numbers out, no locks, no waiting. The host
// tests drive it directly. termios(3) says what the flags mean.
#ifndef PERSONALITIES_LINUX_LINE_H
#define PERSONALITIES_LINUX_LINE_H
#include "personalities/linux/linux_abi.h"

#define LINE_BYTES 4096u

struct line {
	struct linux_termios termios;
	struct linux_winsize size;
	// Bytes that read() may take: a ring. In canonical mode a bit in `ends`
	// marks the last byte of a line; an end of file is a marked byte that is
	// itself not data (`is_eof`).
	u8 ready[LINE_BYTES];
	u64 ends[LINE_BYTES / 64], is_eof[LINE_BYTES / 64];
	u32 head, used, lines;
	// The line being edited.
	u8 edit[LINE_BYTES];
	u32 edit_bytes;
	bool quote_next; // after VLNEXT
	bool stopped; // by VSTOP
	u32 column; // of output, for tabs and ECHOE
	u32 edit_column; // where the edited line began
	// Echo goes here; the owner takes it out.
	void (*echo)(void *context, const u8 *bytes, usize count);
	void *context;
};

void line_init(struct line *line);
// One byte from the terminal. Returns the signal it means, or 0.
i32 line_receive(struct line *line, u8 byte);
// Can read() return now? (VMIN is minded, VTIME is the caller's.)
bool line_readable(const struct line *line);
u32 line_available(const struct line *line);
// Take up to size bytes, in canonical mode at most one line. 0 with *eof: end.
u32 line_take(struct line *line, u8 *to, u32 size, bool *eof);
// What a program writes, processed: from -> to (room for 8 bytes per byte).
u32 line_output(struct line *line, const u8 *from, u32 bytes, u8 *to);
// New settings. Leaving canonical mode makes the edited line readable.
void line_set(struct line *line, const struct linux_termios *termios);
void line_flush_input(struct line *line);
#endif
