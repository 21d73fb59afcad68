// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The formatter against the C library's, over random directives.
#include "lib/base/format.h"

#include "lib/base/string.h"
#include "tests/unit/base/check.h"

#pragma clang diagnostic ignored "-Wformat"
#pragma clang diagnostic ignored "-Wformat-nonliteral"

static const char *build(char *format, u32 *seed, const char *sizes[],
			 u32 nsizes, const char *conversions, bool *wide)
{
	u32 at = 0;
	u32 size = random_next(seed) % nsizes;

	format[at++] = '[';
	format[at++] = '%';
	for (u32 i = random_next(seed) % 3; i; i--)
		format[at++] = "-0+ "[random_next(seed) % 4];
	if (random_next(seed) % 2)
		at += (u32)snprintf(format + at, 8, "%u",
				    random_next(seed) % 30);
	if (random_next(seed) % 3 == 0)
		at += (u32)snprintf(format + at, 8, ".%u",
				    random_next(seed) % 20);
	for (const char *c = sizes[size]; *c; c++)
		format[at++] = *c;
	*wide = sizes[size][0] == 'l' || sizes[size][0] == 'z';
	format[at++] = conversions[random_next(seed) % strlen(conversions)];
	format[at++] = ']';
	format[at] = 0;
	return format;
}

static void test_numbers(void)
{
	static const char *sizes[] = {"", "h", "hh", "l", "ll", "z"};
	u32 seed = 12345;
	char format[64], got[128], want[128];

	for (u32 round = 0; round < 300000; round++) {
		bool wide;
		u64 value = random_next(&seed);

		build(format, &seed, sizes, 6, "duxXoi", &wide);
		value = value << random_next(&seed) % 40;
		if (random_next(&seed) % 2)
			value = 0 - value;
		if (random_next(&seed) % 8 == 0)
			value = 0;
		usize size = random_next(&seed) % 2 ? sizeof(got)
						    : random_next(&seed) % 20;
		memset(got, 'x', sizeof(got));
		memset(want, 'x', sizeof(want));
		usize a = wide ? format_text(got, size, format, value)
			       : format_text(got, size, format, (u32)value);
		int b = wide ? snprintf(want, size, format, value)
			     : snprintf(want, size, format, (u32)value);
		if (a != (usize)b || memcmp(got, want, sizeof(got)) != 0) {
			printf("%s of %lx: %s, expected %s\n", format, value,
			       got, want);
			exit(1);
		}
	}
}

static void expect(const char *want, const char *format, ...)
{
	char got[64];
	va_list values;

	va_start(values, format);
	usize length = format_string(got, sizeof(got), format, values);
	va_end(values);
	if (strcmp(got, want) != 0 || length != strlen(want)) {
		printf("%s: '%s', expected '%s'\n", format, got, want);
		exit(1);
	}
}

void test_format(void)
{
	test_numbers();
	expect("a b%", "%s %c%%", "a", 'b');
	expect("  ab|ab  |ab", "%4s|%-4s|%.2s", "ab", "ab", "abc");
	expect("ab|   ab", "%.*s|%*s", 2, "abcd", 5, "ab");
	expect("ab   |", "%*s|", -5, "ab");
	expect("(null)", "%s", nullptr);
	expect("0x1f 0x0", "%p %p", (void *)0x1f, nullptr);
	expect("0x1f 0 1f", "%#x %#x %x", 0x1f, 0, 0x1f);
	expect("0000beef", "%08x", 0xbeef);
	expect("%q %", "%q %", 1);
	expect("-9223372036854775808", "%ld", -0x7fffffffffffffff - 1);
	expect("18446744073709551615", "%zu", ~0ull);
}
