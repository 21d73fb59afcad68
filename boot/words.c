// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Words of the command line, or values, that nobody knows: a typing error should be
// seen.
#include "boot/parse.h"
#include "lib/base/format.h"
#include "lib/base/string.h"

#define WARNINGS_MAX 6

static const struct {
	const char *name;
	const char *values; // with blanks between them; "": any
} known[] = {
#define WORD(name, reader, meaning, values) {#name "=", values},
#include "boot/words.def"
#undef WORD
};

// Does the value, which ends like a word, stand among these?
static bool is_listed(const char *values, const char *value)
{
	usize n = 0;

	while (value[n] && value[n] != ' ')
		n++;
	for (const char *at = values; at; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (strncmp(at, value, n) == 0 && (!at[n] || at[n] == ' '))
			return true;
	}
	return !*values;
}

static bool is_known(const char *word)
{
	for (u32 i = 0; i < ARRAY_COUNT(known); i++)
		if (string_starts_with(word, known[i].name))
			return is_listed(known[i].values,
					 word + strlen(known[i].name));
	return false;
}

void boot_check_words(struct boot_info *info)
{
	const char *at = info->command_line;
	u32 warnings = 0;
	char text[96], word[32];

	if (!string_equal(info->program.name, "root"))
		return; // another first program, with words of its own
	while (*at && warnings < WARNINGS_MAX) {
		u32 n = 0;

		while (*at == ' ')
			at++;
		for (; at[n] && at[n] != ' '; n++)
			if (n < sizeof word - 1)
				word[n] = at[n] > ' ' && at[n] < 0x7f ? at[n]
								      : '?';
		word[n < sizeof word - 1 ? n : sizeof word - 1] = 0;
		if (n && !is_known(at)) {
			format_text(text, sizeof text,
				    "command line: %s: unknown, ignored", word);
			boot_warn(info, text);
			warnings++;
		}
		at += n;
	}
}
