// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The screen's terminal: rows of text are written down as they must look after a
// stream of bytes, whole and cut at every place. Then attributes, sizes, copies; and
// the tap, with a reader that is too slow.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/driver/tap.h"
#include "services/screen/terminal.h"

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                               \
		}                                                              \
	} while (0)

#define COLUMNS 10
#define ROWS 4

static struct terminal terminal, other;

static usize put_utf8(char *out, u32 c)
{
	if (c < 0x80)
		return out[0] = (char)c, 1;
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	out[0] = (char)(0xe0 | c >> 12);
	out[1] = (char)(0x80 | (c >> 6 & 0x3f));
	out[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

// Rows without their ends, each ended by a bar, and the cursor.
static void describe(const struct terminal *t, char *out)
{
	for (u32 row = 0; row < t->rows; row++) {
		const struct cell *cell = terminal_row(t, row);
		u32 end = t->columns;

		while (end != 0 && cell[end - 1].character == ' ')
			end--;
		for (u32 i = 0; i < end; i++)
			if (cell[i].character != 0)
				out += put_utf8(out, cell[i].character);
		*out++ = '|';
	}
	sprintf(out, "%u,%u", t->cursor.row, t->cursor.column);
}

static void feed(struct terminal *t, const char *text, usize bytes)
{
	// A copy of the exact size: reading beyond it is seen.
	u8 *copy = malloc(bytes ? bytes : 1);

	memcpy(copy, text, bytes);
	terminal_write(t, copy, bytes);
	free(copy);
}

#define E "\x1b"
#define C "\x1b["

static const struct {
	const char *what, *input, *wanted;
} cases[] = {
	{"text", "ab\r\ncd", "ab|cd|||1,2"},
	{"line feed alone", "ab\ncd", "ab|  cd|||1,4"},
	{"back", "abc\b\bX", "aXc||||0,2"},
	{"back at the edge", "\b\bX", "X||||0,1"},
	{"wrap", "0123456789ab", "0123456789|ab|||1,2"},
	{"the last column waits", "0123456789", "0123456789||||0,9"},
	{"then return", "0123456789\rX", "X123456789||||0,1"},
	{"then back", "0123456789\bX", "01234567X9||||0,9"},
	{"no wrap", C "?7l0123456789ab", "012345678b||||0,9"},
	{"scroll", "1\r\n2\r\n3\r\n4\r\n5", "2|3|4|5|3,1"},
	{"tab", "a\tb\tc", "a       bc||||0,9"},
	{"set tab", C "3g" C "4G" E "H\rX\tY", "X  Y||||0,4"},
	{"back tab", "\t\tX" C "2ZY", "Y        X||||0,1"},
	{"cursor", C "2;3Hx" C "Ay" C "2Bz" C "5Dw", "   y|  x|w   z||2,1"},
	{"cursor home", "abc" C "Hx", "xbc||||0,1"},
	{"cursor too far", C "99;99Hx" C "1;99Hy",
	 "         y|||         x|0,9"},
	{"columns and rows", C "5Gx" C "3dy" C "Ez" C "Fw",
	 "    x||w    y|z|2,1"},
	{"erase to the end", "abcdef" C "3D" C "K", "abc||||0,3"},
	{"erase to the start", "abcdef" C "3D" C "1K", "    ef||||0,3"},
	{"erase the line", "abcdef\r\nx" C "A" C "2K", "|x|||0,1"},
	{"erase below", "1\r\n2\r\n3\r\n4" C "2;1H" C "J", "1||||1,0"},
	{"erase above", "1\r\n2\r\n3\r\n4" C "2;1H" C "1J", "||3|4|1,0"},
	{"erase all", "1\r\n2\r\n3" C "2J", "||||2,1"},
	{"erase characters", "abcdef" C "2G" C "3X", "a   ef||||0,1"},
	{"insert characters", "abcdefghij" C "2G" C "2@", "a  bcdefgh||||0,1"},
	{"delete characters", "abcdefghij" C "2G" C "2P", "adefghij||||0,1"},
	{"insert mode", "abc\r" C "4hxy" C "4lz", "xyzbc||||0,3"},
	{"insert lines", "1\r\n2\r\n3\r\n4" C "2H" C "2L", "1|||2|1,0"},
	{"delete lines", "1\r\n2\r\n3\r\n4" C "2H" C "2M", "1|4|||1,0"},
	{"region scrolls", "1\r\n2\r\n3\r\n4" C "2;3r" C "3H\nx",
	 "1|3|x|4|2,1"},
	{"region scrolls back", "1\r\n2\r\n3\r\n4" C "2;3r" C "2H" E "M",
	 "1||2|4|1,0"},
	{"region is left", C "2;3r" C "4H\n\nx", "|||x|3,1"},
	{"region and lines", "1\r\n2\r\n3\r\n4" C "2;3r" C "2H" C "L",
	 "1||2|4|1,0"},
	{"a bad region", "1" C "3;2rx", "1x||||0,2"},
	{"origin", C "2;3r" C "?6h" C "Hx" C "9Hy", "|x|y||2,1"},
	{"scroll up", "1\r\n2\r\n3" C "S", "2|3|||2,1"},
	{"scroll down", "1\r\n2\r\n3" C "2T", "||1|2|2,1"},
	{"index and next", "a" E "Db" E "Ec", "a| b|c||2,1"},
	{"save and restore", "ab" E "7" C "3;3Hx" E "8y", "aby||  x||0,3"},
	{"save by the other name", "ab" C "s" C "3;3Hx" C "uy",
	 "aby||  x||0,3"},
	{"repeat", "ab" C "3b", "abbbb||||0,5"},
	{"alternate screen", "ab" C "?1049hxyz" C "?1049lc", "abc||||0,3"},
	{"alternate screen is empty", "ab" C "?1049h", "||||0,2"},
	{"line drawing", E "(0lqk" E "(Bq", "┌─┐q||||0,4"},
	{"shifts", E ")0q\016q\017q", "q─q||||0,3"},
	{"UTF-8", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac", "grüß €||||0,6"},
	{"broken UTF-8", "\xc3(\x80\xe2\x82x",
	 "\xef\xbf\xbd(\xef\xbf\xbd"
	 "\xef\xbf\xbdx||||0,5"},
	{"overlong UTF-8", "\xe0\x80\xaf\xed\xa0\x80",
	 "\xef\xbf\xbd"
	 "\xef\xbf\xbd||||0,2"},
	{"wide",
	 "a\xe4\xb8\xad"
	 "b",
	 "a中b||||0,4"},
	{"wide at the edge", "012345678\xe4\xb8\xad", "012345678|中|||1,2"},
	{"half of a wide one", "a\xe4\xb8\xad" C "2Gx", "ax||||0,2"},
	{"other half", "a\xe4\xb8\xad" C "3Gx", "a x||||0,3"},
	{"no width", "e\xcc\x81x", "ex||||0,2"},
	{"unknown sequences", C "?2004h" C ">0c" C "1 q" E "=a" C "6n" C "c",
	 "a||||0,1"},
	{"strings", E "]0;title\ax" E "]0;t" E "\\y" E "Pq#0" E "\\z",
	 "xyz||||0,3"},
	{"control inside a sequence", C "2\r;3Hx", "|  x|||1,3"},
	{"cancelled", C "2\x18x", "x||||0,1"},
	{"begun again", C "2" E "[3Cx", "   x||||0,4"},
	{"many parameters", C "1;2;3;4;5;6;7;8;9;1;2;3;4;5;6;7;8;9mx",
	 "x||||0,1"},
	{"large numbers", C "99999999999Bx", "|||x|3,1"},
	{"reset", "ab" C "2;3r" C "7m" E "c", "||||0,0"},
	{"test picture", E "#8",
	 "EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|"
	 "EEEEEEEEEE|0,0"},
};

static void test_cases(void)
{
	char got[512];

	for (u32 i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		usize bytes = strlen(cases[i].input);

		for (usize cut = 0; cut <= bytes; cut++) {
			terminal_init(&terminal, COLUMNS, ROWS);
			feed(&terminal, cases[i].input, cut);
			CHECK(terminal_valid(&terminal));
			other = terminal; // as the stash does
			feed(&other, cases[i].input + cut, bytes - cut);
			CHECK(terminal_valid(&other));
			describe(&other, got);
			if (strcmp(got, cases[i].wanted) == 0)
				continue;
			printf("%s, cut at %zu: got\n%s\nwanted\n%s\n",
			       cases[i].what, cut, got, cases[i].wanted);
			exit(1);
		}
	}
}

static const struct cell *at(u32 row, u32 column)
{
	return terminal_row(&terminal, row) + column;
}

static void write(const char *text)
{
	feed(&terminal, text, strlen(text));
}

static void test_attributes(void)
{
	terminal_init(&terminal, COLUMNS, ROWS);
	write(C "1;4;7;31;42mA" C "22;24;27;39;49mB" C "2;8;95;103mC" C "mD");
	CHECK(at(0, 0)->flags == (CELL_BOLD | CELL_UNDERLINE | CELL_REVERSE));
	CHECK(at(0, 0)->foreground == 1 && at(0, 0)->background == 2);
	CHECK(at(0, 1)->flags == 0);
	CHECK(at(0, 1)->foreground == 7 && at(0, 1)->background == 0);
	CHECK(at(0, 2)->flags == (CELL_FAINT | CELL_HIDDEN));
	CHECK(at(0, 2)->foreground == 13 && at(0, 2)->background == 11);
	CHECK(at(0, 3)->flags == 0 && at(0, 3)->foreground == 7);
	write(C "38;5;200;48;5;17mE" C "38;2;255;0;0;48;2;0;0;95mF");
	CHECK(at(0, 4)->foreground == 200 && at(0, 4)->background == 17);
	CHECK(at(0, 5)->foreground == 196 && at(0, 5)->background == 17);
	write(C "44m" C "K");
	CHECK(at(0, 6)->background == 4 && at(0, 6)->character == ' ');
	write(C "?25l");
	CHECK(!terminal.visible);
	write(E "c");
	CHECK(terminal.visible && at(0, 6)->background == 0);
}

static void test_sizes(void)
{
	char got[512];

	CHECK(!terminal_size_ok(0, 10) && !terminal_size_ok(1, 10));
	CHECK(!terminal_size_ok(257, 2) && !terminal_size_ok(2, 129));
	CHECK(!terminal_size_ok(128, 65) && terminal_size_ok(128, 64));
	terminal_init(&other, COLUMNS, ROWS);
	feed(&other, "1\r\n2\r\n3\r\n4 is long", 18);
	terminal_init(&terminal, 5, 2); // smaller: the last rows stay
	terminal_copy(&terminal, &other);
	CHECK(terminal_valid(&terminal));
	describe(&terminal, got);
	CHECK(strcmp(got, "3|4 is|1,4") == 0);
	terminal_init(&terminal, 20, 8);
	terminal_copy(&terminal, &other);
	write("!");
	describe(&terminal, got);
	CHECK(strcmp(got, "1|2|3|4 is long!|||||3,10") == 0);
	terminal_init(&terminal, 256, 32);
	write(C "32;256HxY");
	CHECK(at(30, 255)->character == 'x' && at(31, 0)->character == 'Y');
}

// What a stash may hold after all.
static void test_damage(void)
{
	static const char more[] =
		"a\xc3\xbc\t" C "2L" C "9@" E "8" E "M\r\n\n\n\n";

	terminal_init(&terminal, COLUMNS, ROWS);
	CHECK(terminal_valid(&terminal));
	for (u32 i = 0; i < OFFSET_OF(struct terminal, cell); i++) {
		other = terminal;
		memset(other.cell, 0xa5, sizeof(other.cell));
		((u8 *)&other)[i] ^= 0x80 | (i & 0x7f);
		if (!terminal_valid(&other))
			continue;
		feed(&other, more, strlen(more));
		CHECK(terminal_valid(&other));
	}
	other = terminal;
	other.place[0][1] = other.place[0][2];
	CHECK(!terminal_valid(&other));
}

static void test_tap(void)
{
	alignas(64) static u8 memory[128 + 64 + 256];
	static u8 data[1024], got[1024];
	struct tap writer, reader;
	bool lost;

	CHECK(!tap_init(&writer, memory, 64));
	CHECK(tap_init(&writer, memory, sizeof(memory)));
	CHECK(tap_init(&reader, memory, sizeof(memory)));
	CHECK(writer.bytes == 256);
	for (u32 i = 0; i < sizeof(data); i++)
		data[i] = (u8)(i * 7);
	for (u32 at = 0, step = 1; at + step < sizeof(data); at += step++) {
		u32 n = 0;

		tap_write(&writer, data + at, step);
		while (n != step) {
			u32 more = tap_read(&reader, got, 5, &lost);

			CHECK(more != 0 && !lost);
			CHECK(memcmp(got, data + at + n, more) == 0);
			n += more;
		}
		CHECK(tap_read(&reader, got, 5, &lost) == 0 && !lost);
	}
	// Just as much as there is room for, then one more.
	tap_write(&writer, data, 256);
	CHECK(tap_read(&reader, got, 1, &lost) == 1 && !lost);
	tap_write(&writer, data, 2);
	CHECK(tap_read(&reader, got, sizeof(got), &lost) != 0 && lost);
	CHECK(reader.position > writer.position - 256);
	while (tap_read(&reader, got, sizeof(got), &lost) != 0)
		CHECK(!lost);
	CHECK(reader.position == writer.position);
	// The writer begins again, as one whose queue was emptied does.
	CHECK(tap_init(&writer, memory, sizeof(memory)));
	CHECK(writer.position == reader.position);
	writer.position = 0;
	tap_write(&writer, data, 3);
	CHECK(tap_read(&reader, got, sizeof(got), &lost) == 3 && lost);
	CHECK(memcmp(got, data, 3) == 0);
}

int main(void)
{
	test_cases();
	test_attributes();
	test_sizes();
	test_damage();
	test_tap();
	printf("NOTE %zu streams, each cut at every place\n",
	       sizeof(cases) / sizeof(*cases));
	return 0;
}
