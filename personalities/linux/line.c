// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The line discipline: see line.h.
#include "personalities/linux/line.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"

#define CONTROL(letter) ((letter) & 0x1f)
#define TAB_WIDTH 8
#define DELETE 0x7f

static bool lflag(const struct line *line, u32 flag)
{
	return line->termios.lflag & flag;
}

static bool iflag(const struct line *line, u32 flag)
{
	return line->termios.iflag & flag;
}

static bool is_character(const struct line *line, u8 byte, u32 which)
{
	u8 wanted = line->termios.cc[which];

	return wanted && byte == wanted;
}

static bool is_continuation(u8 byte)
{
	return (byte & 0xc0) == 0x80;
}

void line_init(struct line *line)
{
	*line = (struct line){};
	line->termios = (struct linux_termios){
		.iflag = ICRNL | IXON | IUTF8,
		.oflag = OPOST | ONLCR,
		.cflag = 0xbf, // 38400 8N1, CREAD
		.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL |
			ECHOKE | IEXTEN,
		.cc = {[VINTR] = CONTROL('C'),
		       [VQUIT] = CONTROL('\\'),
		       [VERASE] = DELETE,
		       [VKILL] = CONTROL('U'),
		       [VEOF] = CONTROL('D'),
		       [VMIN] = 1,
		       [VSTART] = CONTROL('Q'),
		       [VSTOP] = CONTROL('S'),
		       [VSUSP] = CONTROL('Z'),
		       [VREPRINT] = CONTROL('R'),
		       [VWERASE] = CONTROL('W'),
		       [VLNEXT] = CONTROL('V')}};
	line->size = (struct linux_winsize){24, 80, 0, 0};
}

// ---- the ring of readable bytes

static void mark(u64 *bits, u32 at, bool on)
{
	bits[at / 64] =
		(bits[at / 64] & ~BIT(at % 64)) | (on ? BIT(at % 64) : 0);
}

static bool marked(const u64 *bits, u32 at)
{
	return bits[at / 64] >> at % 64 & 1;
}

static bool push(struct line *line, u8 byte, bool end, bool eof)
{
	u32 at = (line->head + line->used) % LINE_BYTES;

	if (line->used == LINE_BYTES)
		return false;
	line->ready[at] = byte;
	mark(line->ends, at, end);
	mark(line->is_eof, at, eof);
	line->used++;
	line->lines += end;
	return true;
}

static u8 pop(struct line *line, bool *end, bool *eof)
{
	u32 at = line->head;

	*end = marked(line->ends, at);
	*eof = marked(line->is_eof, at);
	line->lines -= *end;
	line->head = (at + 1) % LINE_BYTES;
	line->used--;
	return line->ready[at];
}

static void push_edited(struct line *line, bool end, bool eof)
{
	for (u32 i = 0; i < line->edit_bytes; i++)
		push(line, line->edit[i],
		     end && !eof && i + 1 == line->edit_bytes, false);
	if (eof)
		push(line, 0, true, true);
	line->edit_bytes = 0;
}

bool line_readable(const struct line *line)
{
	if (lflag(line, ICANON))
		return line->lines != 0;
	return line->used >= MAX((u32)line->termios.cc[VMIN], 1u) ||
		line->used == LINE_BYTES;
}

u32 line_available(const struct line *line)
{
	return lflag(line, ICANON) && !line->lines ? 0 : line->used;
}

u32 line_take(struct line *line, u8 *to, u32 size, bool *eof)
{
	u32 done = 0;
	bool end = false;

	*eof = false;
	while (done < size && line->used && !end) {
		bool is_eof;
		u8 byte = pop(line, &end, &is_eof);

		if (is_eof && lflag(line, ICANON)) {
			*eof = true;
			break;
		}
		if (!is_eof)
			to[done++] = byte;
		if (!lflag(line, ICANON))
			end = false;
	}
	// A line that was read up to its end of file mark has been read whole.
	if (done && !end && line->used && marked(line->is_eof, line->head) &&
	    lflag(line, ICANON)) {
		bool is_eof;

		pop(line, &end, &is_eof);
	}
	if (done)
		*eof = false;
	return done;
}

void line_flush_input(struct line *line)
{
	line->used = line->head = line->lines = line->edit_bytes = 0;
	line->quote_next = false;
}

void line_set(struct line *line, const struct linux_termios *termios)
{
	bool was_canonical = lflag(line, ICANON);

	line->termios = *termios;
	if (was_canonical && !lflag(line, ICANON))
		push_edited(line, false, false);
	if (!was_canonical && lflag(line, ICANON) && line->used) {
		// What was typed raw counts as one line.
		u32 last = (line->head + line->used - 1) % LINE_BYTES;

		if (!marked(line->ends, last)) {
			mark(line->ends, last, true);
			line->lines++;
		}
	}
	if (!iflag(line, IXON))
		line->stopped = false;
}

// ---- output

static u32 put_processed(struct line *line, u8 byte, u8 *to)
{
	u32 oflag = line->termios.oflag;
	u32 count = 0;

	if (!(oflag & OPOST)) {
		*to = byte;
		return 1;
	}
	switch (byte) {
	case '\n':
		if (oflag & ONLCR)
			to[count++] = '\r';
		if (oflag & (ONLCR | ONLRET))
			line->column = 0;
		break;
	case '\r':
		if ((oflag & ONOCR) && !line->column)
			return 0;
		line->column = 0;
		if (oflag & OCRNL)
			byte = '\n';
		break;
	case '\t':
		if ((oflag & TABDLY) == TAB3) {
			do
				to[count++] = ' ';
			while (++line->column % TAB_WIDTH);
			return count;
		}
		line->column = (line->column / TAB_WIDTH + 1) * TAB_WIDTH;
		break;
	case '\b':
		line->column -= line->column != 0;
		break;
	default:
		if (byte >= ' ' && byte != DELETE && !is_continuation(byte))
			line->column++;
	}
	to[count++] = byte;
	return count;
}

u32 line_output(struct line *line, const u8 *from, u32 bytes, u8 *to)
{
	u32 count = 0;

	for (u32 i = 0; i < bytes; i++)
		count += put_processed(line, from[i], to + count);
	return count;
}

// ---- echo

static void show(struct line *line, const char *text, usize bytes)
{
	u8 out[64];
	u32 count = 0;

	for (usize i = 0; i < bytes && count + TAB_WIDTH <= sizeof(out); i++)
		count += put_processed(line, (u8)text[i], out + count);
	if (line->echo && count)
		line->echo(line->context, out, count);
}

static bool shows_as_control(const struct line *line, u8 byte)
{
	return lflag(line, ECHOCTL) && (byte < ' ' || byte == DELETE) &&
		byte != '\t' && byte != '\n';
}

static void echo_byte(struct line *line, u8 byte)
{
	char text[2] = {'^', (char)(byte ^ 0x40)};

	if (!lflag(line, ECHO)) {
		if (byte == '\n' && lflag(line, ECHONL))
			show(line, "\n", 1);
		return;
	}
	if (shows_as_control(line, byte))
		show(line, text, 2);
	else
		show(line, (const char *)&byte, 1);
}

// Columns that the first so many bytes of the edited line take.
static u32 columns(const struct line *line, u32 bytes)
{
	u32 column = line->edit_column;

	for (u32 i = 0; i < bytes; i++) {
		u8 byte = line->edit[i];

		if (byte == '\t')
			column = (column / TAB_WIDTH + 1) * TAB_WIDTH;
		else if (shows_as_control(line, byte))
			column += 2;
		else if (!iflag(line, IUTF8) || !is_continuation(byte))
			column += byte >= ' ';
	}
	return column;
}

// Take the last character (all its bytes) off, on the screen too.
static void erase_one(struct line *line)
{
	u32 before, after;

	if (!line->edit_bytes)
		return;
	before = columns(line, line->edit_bytes);
	line->edit_bytes--;
	while (iflag(line, IUTF8) && line->edit_bytes &&
	       is_continuation(line->edit[line->edit_bytes]))
		line->edit_bytes--;
	after = columns(line, line->edit_bytes);
	if (!lflag(line, ECHO))
		return;
	if (!lflag(line, ECHOE)) {
		u8 erase = line->termios.cc[VERASE];

		echo_byte(line, erase);
		return;
	}
	while (before-- > after)
		show(line, "\b \b", 3);
}

static void erase_word(struct line *line)
{
	while (line->edit_bytes && line->edit[line->edit_bytes - 1] == ' ')
		erase_one(line);
	while (line->edit_bytes && line->edit[line->edit_bytes - 1] != ' ')
		erase_one(line);
}

static void erase_line(struct line *line)
{
	if (lflag(line, ECHOKE) && lflag(line, ECHOE)) {
		while (line->edit_bytes)
			erase_one(line);
		return;
	}
	line->edit_bytes = 0;
	if (lflag(line, ECHO)) {
		echo_byte(line, line->termios.cc[VKILL]);
		if (lflag(line, ECHOK))
			show(line, "\n", 1);
	}
}

static void reprint(struct line *line)
{
	echo_byte(line, line->termios.cc[VREPRINT]);
	show(line, "\n", 1);
	line->edit_column = line->column;
	for (u32 i = 0; i < line->edit_bytes; i++)
		echo_byte(line, line->edit[i]);
}

// ---- input

static i32 signal_of(const struct line *line, u8 byte)
{
	if (!lflag(line, ISIG))
		return 0;
	if (is_character(line, byte, VINTR))
		return SIGINT;
	if (is_character(line, byte, VQUIT))
		return SIGQUIT;
	return is_character(line, byte, VSUSP) ? SIGTSTP : 0;
}

static void add_to_edit(struct line *line, u8 byte)
{
	// One byte is kept free for the end of the line.
	if (line->edit_bytes + 1 >= LINE_BYTES - line->used) {
		show(line, "\a", 1);
		return;
	}
	if (!line->edit_bytes)
		line->edit_column = line->column;
	line->edit[line->edit_bytes++] = byte;
	echo_byte(line, byte);
}

static void canonical(struct line *line, u8 byte)
{
	bool extended = lflag(line, IEXTEN);

	if (is_character(line, byte, VERASE) || byte == '\b')
		erase_one(line);
	else if (is_character(line, byte, VKILL))
		erase_line(line);
	else if (extended && is_character(line, byte, VWERASE))
		erase_word(line);
	else if (extended && is_character(line, byte, VREPRINT))
		reprint(line);
	else if (is_character(line, byte, VEOF))
		push_edited(line, true, true);
	else if (byte == '\n' || is_character(line, byte, VEOL) ||
		 is_character(line, byte, VEOL2)) {
		if (line->used + line->edit_bytes + 1 > LINE_BYTES)
			return;
		line->edit[line->edit_bytes++] = byte;
		echo_byte(line, byte);
		push_edited(line, true, false);
	} else {
		add_to_edit(line, byte);
	}
}

// Flow control. True: the byte was that.
static bool flow(struct line *line, u8 byte)
{
	if (!iflag(line, IXON))
		return false;
	if (is_character(line, byte, VSTOP)) {
		line->stopped = true;
		return true;
	}
	if (is_character(line, byte, VSTART)) {
		line->stopped = false;
		return true;
	}
	if (iflag(line, IXANY))
		line->stopped = false;
	return false;
}

i32 line_receive(struct line *line, u8 byte)
{
	i32 signo;

	if (iflag(line, ISTRIP))
		byte &= 0x7f;
	if (line->quote_next) {
		line->quote_next = false;
		if (lflag(line, ICANON))
			add_to_edit(line, byte);
		else if (push(line, byte, false, false))
			echo_byte(line, byte);
		return 0;
	}
	if (flow(line, byte))
		return 0;
	signo = signal_of(line, byte);
	if (signo) {
		line->stopped = false;
		if (lflag(line, ECHO))
			echo_byte(line, byte);
		if (!lflag(line, NOFLSH))
			line_flush_input(line);
		return signo;
	}
	if (byte == '\r') {
		if (iflag(line, IGNCR))
			return 0;
		if (iflag(line, ICRNL))
			byte = '\n';
	} else if (byte == '\n' && iflag(line, INLCR)) {
		byte = '\r';
	}
	if (lflag(line, ICANON) && lflag(line, IEXTEN) &&
	    is_character(line, byte, VLNEXT)) {
		line->quote_next = true;
		if (lflag(line, ECHO))
			show(line, "^\b", 2);
		return 0;
	}
	if (lflag(line, ICANON))
		canonical(line, byte);
	else if (push(line, byte, false, false))
		echo_byte(line, byte);
	return 0;
}
