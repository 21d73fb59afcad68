// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Numbers and words out of text that came from outside.
#include "lib/base/parse.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"

static u32 digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (u32)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (u32)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (u32)(c - 'A' + 10);
	return 16;
}

enum status parse_u64(const char *text, usize bytes, u64 limit, u64 *value)
{
	u32 base = 10;
	u64 sum = 0;
	bool fits = true;

	if (bytes > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
		base = 16;
		text += 2;
		bytes -= 2;
	}
	if (bytes == 0)
		return ERR_FORMAT;
	for (usize i = 0; i < bytes; i++) {
		u32 digit = digit_value(text[i]);

		if (digit >= base)
			return ERR_FORMAT;
		fits = fits && multiply_fits(sum, base, &sum) &&
			add_fits(sum, digit, &sum);
	}
	if (!fits || sum > limit)
		return ERR_RANGE;
	*value = sum;
	return STATUS_OK;
}

enum status parse_size(const char *text, usize bytes, u64 limit, u64 *value)
{
	u32 shift = 0;
	u64 number;

	if (bytes > 1) {
		char unit = text[bytes - 1];

		shift = unit == 'K'   ? 10
			: unit == 'M' ? 20
			: unit == 'G' ? 30
				      : 0;
	}
	enum status status =
		parse_u64(text, bytes - (shift != 0), limit >> shift, &number);
	if (status != STATUS_OK)
		return status;
	*value = number << shift;
	return STATUS_OK;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool parse_word(const char **text, usize *bytes, struct word *word)
{
	const char *at = *text;
	const char *end = at + *bytes;

	while (at < end && is_blank(*at))
		at++;
	word->text = at;
	while (at < end && !is_blank(*at))
		at++;
	word->bytes = (usize)(at - word->text);
	*text = at;
	*bytes = (usize)(end - at);
	return word->bytes != 0;
}

bool parse_line(const char **text, usize *bytes, struct word *line)
{
	if (*bytes == 0)
		return false;
	const char *end = memchr(*text, '\n', *bytes);
	line->text = *text;
	line->bytes = end ? (usize)(end - *text) : *bytes;
	usize used = line->bytes + (end != nullptr);
	*text += used;
	*bytes -= used;
	return true;
}

bool word_equal(struct word word, const char *text)
{
	return strlen(text) == word.bytes &&
		memcmp(text, word.text, word.bytes) == 0;
}
