// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Numbers and words out of text that came from outside.
#pragma once

#include "lib/base/status.h"
#include "lib/base/types.h"

// All of the text must be one number: decimal digits, or 0x and hex digits.
// ERR_FORMAT: it is not; ERR_RANGE: it exceeds limit.
enum status parse_u64(const char *text, usize bytes, u64 limit, u64 *value);

// As parse_u64; a suffix K, M or G multiplies by 2^10, 2^20 or 2^30.
enum status parse_size(const char *text, usize bytes, u64 limit, u64 *value);

// A piece of text that is not terminated.
struct word {
	const char *text;
	usize bytes;
};

// Take the next run of non-blank bytes from *text of *bytes bytes; both move
// behind it. False if there is none left.
bool parse_word(const char **text, usize *bytes, struct word *word);

// Take the next line, without its newline, in the same way.
bool parse_line(const char **text, usize *bytes, struct word *line);

bool word_equal(struct word word, const char *text);
