// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The line discipline: what is typed against what a program reads and what the
// screen shows.
#include "personalities/linux/line.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/linux/check.h"

static struct line line;
static char screen[65536];
static usize shown;

static void echo(void *context, const u8 *bytes, usize count)
{
	(void)context;
	if (shown + count < sizeof(screen)) {
		memcpy(screen + shown, bytes, count);
		shown += count;
		screen[shown] = 0;
	}
}

static void fresh(void)
{
	line_init(&line);
	line.echo = echo;
	shown = 0;
	screen[0] = 0;
}

static i32 type(const char *text)
{
	i32 signo = 0;

	for (; *text; text++) {
		i32 now = line_receive(&line, (u8)*text);

		if (now)
			signo = now;
	}
	return signo;
}

static char taken[LINE_BYTES + 1];

static const char *take(u32 size, bool *eof)
{
	u32 count = line_take(&line, (u8 *)taken, size, eof);

	taken[count] = 0;
	return taken;
}

static bool reads(const char *wanted)
{
	bool eof;

	return strcmp(take(LINE_BYTES, &eof), wanted) == 0 && !eof;
}

static void editing(void)
{
	fresh();
	CHECK(!line_readable(&line));
	type("helo\x7flo");
	CHECK(!line_readable(&line) && line_available(&line) == 0);
	type("\r");
	CHECK(line_readable(&line) && line_available(&line) == 6);
	CHECK(strcmp(screen, "helo\b \blo\r\n") == 0);
	CHECK(reads("hello\n"));
	CHECK(!line_readable(&line));

	fresh();
	type("one two\x17x\n"); // a word
	CHECK(reads("one x\n"));
	type("nothing\x15y\n"); // all of it
	CHECK(reads("y\n"));
	type("\x7f\x7f\x17\x15z\n"); // nothing to erase
	CHECK(reads("z\n"));
	type("a\x16\x03"
	     "b\n"); // quoted ^C is a byte
	CHECK(reads("a\x03"
		    "b\n"));
}

static void lines_one_at_a_time(void)
{
	bool eof;

	fresh();
	type("first\nsecond\n");
	CHECK(reads("first\n"));
	CHECK(strcmp(take(3, &eof), "sec") == 0);
	CHECK(line_readable(&line));
	CHECK(reads("ond\n"));
	CHECK(!line_readable(&line));
}

static void end_of_file(void)
{
	bool eof;

	fresh();
	type("\x04");
	CHECK(line_readable(&line));
	CHECK(strcmp(take(100, &eof), "") == 0 && eof);
	CHECK(!line_readable(&line));
	type("part\x04");
	CHECK(reads("part"));
	CHECK(!line_readable(&line)); // not an end of file as well
	type("abc\x04"
	     "d\n");
	CHECK(strcmp(take(3, &eof), "abc") == 0 && !eof);
	CHECK(reads("d\n"));
}

static void utf8(void)
{
	fresh();
	type("\xc3\xa4\xe2\x82\xac\x7f!\n"); // ä, euro sign, erased as one
	CHECK(reads("\xc3\xa4!\n"));
	CHECK(strcmp(screen, "\xc3\xa4\xe2\x82\xac\b \b!\r\n") == 0);
	fresh();
	line.termios.iflag &= ~(u32)IUTF8;
	type("\xc3\xa4\x7f\n");
	CHECK(reads("\xc3\n"));
}

static void signals(void)
{
	fresh();
	CHECK(type("abc\x03") == SIGINT);
	CHECK(type("\x1a") == SIGTSTP && type("\x1c") == SIGQUIT);
	CHECK(strstr(screen, "abc^C") != nullptr);
	type("x\n");
	CHECK(reads("x\n")); // abc was thrown away
	line.termios.lflag &= ~(u32)ISIG;
	CHECK(type("\x03\n") == 0);
	CHECK(reads("\x03\n"));
	fresh();
	line.termios.lflag |= NOFLSH;
	type("keep\x03");
	type("\n");
	CHECK(reads("keep\n"));
}

static void raw(void)
{
	struct linux_termios termios;
	bool eof;

	fresh();
	type("half");
	termios = line.termios;
	termios.lflag &= ~(u32)(ICANON | ECHO | ISIG);
	termios.iflag &= ~(u32)(ICRNL | IXON);
	line_set(&line, &termios);
	CHECK(reads("half")); // what was being edited becomes readable
	type("\x03\r\x13\x7f");
	CHECK(strcmp(take(100, &eof), "\x03\r\x13\x7f") == 0 && !eof);
	line.termios.cc[VMIN] = 3;
	type("ab");
	CHECK(!line_readable(&line));
	type("c");
	CHECK(line_readable(&line));
	termios.lflag |= ICANON;
	line_set(&line, &termios);
	CHECK(line_readable(&line) && reads("abc"));
}

static void flow_control(void)
{
	fresh();
	type("\x13");
	CHECK(line.stopped);
	type("\x11");
	CHECK(!line.stopped);
	type("\x13");
	CHECK(type("\x03") == SIGINT && !line.stopped);
}

static void output(void)
{
	u8 to[256];
	u32 count;

	fresh();
	count = line_output(&line, (const u8 *)"a\tb\nc", 5, to);
	CHECK(count == 6 && memcmp(to, "a\tb\r\nc", 6) == 0);
	CHECK(line.column == 1);
	line.termios.oflag |= TAB3;
	count = line_output(&line, (const u8 *)"\tx", 2, to);
	CHECK(count == 8 && memcmp(to, "       x", 8) == 0);
	line.termios.oflag = 0;
	count = line_output(&line, (const u8 *)"\n", 1, to);
	CHECK(count == 1 && to[0] == '\n');
}

// A line longer than the buffer: the rest is refused, the line can still be ended.
static void overflow(void)
{
	bool eof;

	fresh();
	for (u32 i = 0; i < LINE_BYTES * 2; i++)
		line_receive(&line, 'x');
	CHECK(!line_readable(&line));
	line_receive(&line, '\n');
	CHECK(line_readable(&line));
	CHECK(strlen(take(LINE_BYTES, &eof)) == LINE_BYTES - 1 ||
	      strlen(taken) == LINE_BYTES);
	CHECK(taken[strlen(taken) - 1] == '\n');
}

// Any bytes with any settings: nothing is written out of bounds, and what was
// counted can be read. The sanitizers watch.
static void anything(void)
{
	u64 seed = 1;

	for (u32 round = 0; round < 300; round++) {
		fresh();
		for (u32 i = 0; i < 4000; i++) {
			u8 bytes[64];
			bool eof;

			seed = seed * 6364136223846793005ull +
				1442695040888963407ull;
			u32 r = (u32)(seed >> 33);

			if (r % 97 == 0) {
				struct linux_termios termios = line.termios;

				termios.lflag = (u32)(seed >> 13);
				termios.iflag = (u32)(seed >> 23);
				line_set(&line, &termios);
			} else if (r % 11 == 0) {
				u32 before = line.used;
				u32 got = line_take(&line, bytes, r / 11 % 64,
						    &eof);

				CHECK(got <= before && line.used <= before);
			} else {
				line_receive(&line, (u8)(seed >> 40));
			}
			if (line.used > LINE_BYTES || line.lines > line.used)
				CHECK(false);
		}
	}
}

void test_line(void)
{
	editing();
	lines_one_at_a_time();
	end_of_file();
	utf8();
	signals();
	raw();
	flow_control();
	output();
	overflow();
	anything();
}
