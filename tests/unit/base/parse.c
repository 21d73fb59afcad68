// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
#include "lib/base/parse.h"

#include "lib/base/string.h"
#include "tests/unit/base/check.h"

static enum status number(const char *text, u64 limit, u64 *value)
{
	return parse_u64(text, strlen(text), limit, value);
}

static enum status size(const char *text, u64 limit, u64 *value)
{
	return parse_size(text, strlen(text), limit, value);
}

void test_parse(void)
{
	u64 v = 1;

	CHECK(number("0", 9, &v) == STATUS_OK && v == 0);
	CHECK(number("42", 42, &v) == STATUS_OK && v == 42);
	CHECK(number("43", 42, &v) == ERR_RANGE && v == 42);
	CHECK(number("0xfF", 255, &v) == STATUS_OK && v == 255);
	CHECK(number("18446744073709551615", ~0ull, &v) == STATUS_OK &&
	      v == ~0ull);
	CHECK(number("18446744073709551616", ~0ull, &v) == ERR_RANGE);
	CHECK(number("99999999999999999999999", ~0ull, &v) == ERR_RANGE);
	CHECK(number("99999999999999999999999x", ~0ull, &v) == ERR_FORMAT);
	CHECK(number("", 9, &v) == ERR_FORMAT &&
	      number("0x", 9, &v) == ERR_FORMAT);
	CHECK(number("-1", 9, &v) == ERR_FORMAT &&
	      number("1 ", 9, &v) == ERR_FORMAT);
	CHECK(number("1a", 99, &v) == ERR_FORMAT);
	CHECK(size("64M", ~0ull, &v) == STATUS_OK && v == 64 << 20);
	CHECK(size("3K", 3072, &v) == STATUS_OK && v == 3072);
	CHECK(size("3K", 3071, &v) == ERR_RANGE);
	CHECK(size("18446744073709551615G", ~0ull, &v) == ERR_RANGE);
	CHECK(size("G", ~0ull, &v) == ERR_FORMAT &&
	      size("", 9, &v) == ERR_FORMAT);
	CHECK(size("512", 512, &v) == STATUS_OK && v == 512);

	const char *text = "  run\tdisks=2 \n\nlast";
	usize bytes = strlen(text);
	struct word word;
	CHECK(parse_word(&text, &bytes, &word) && word_equal(word, "run"));
	CHECK(parse_word(&text, &bytes, &word) && word_equal(word, "disks=2"));
	CHECK(parse_word(&text, &bytes, &word) && word_equal(word, "last"));
	CHECK(!word_equal(word, "las") && !word_equal(word, "lasty"));
	CHECK(!parse_word(&text, &bytes, &word) && bytes == 0);

	text = "one\n\nthree";
	bytes = strlen(text);
	CHECK(parse_line(&text, &bytes, &word) && word_equal(word, "one"));
	CHECK(parse_line(&text, &bytes, &word) && word_equal(word, ""));
	CHECK(parse_line(&text, &bytes, &word) && word_equal(word, "three"));
	CHECK(!parse_line(&text, &bytes, &word));
}
