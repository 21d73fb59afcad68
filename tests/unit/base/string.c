// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
#include "lib/base/string.h"

#include "tests/unit/base/check.h"

void test_string(void)
{
	char text[8] = "xxxxxxx";
	const char *path = "/a/b";

	CHECK(strlen("") == 0 && strlen("abc") == 3);
	CHECK(strnlen("abc", 2) == 2 && strnlen("abc", 9) == 3);
	CHECK(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 &&
	      strcmp("a", "a") == 0);
	CHECK(strcmp("a", "ab") < 0 && strcmp("\x80", "\x7f") > 0);
	CHECK(strncmp("abc", "abd", 2) == 0 && strncmp("abc", "abd", 3) < 0);
	CHECK(strncmp("a", "ab", 9) < 0 && strncmp("a", "a", 9) == 0);
	CHECK(strchr(path, '/') == path && strrchr(path, '/') == path + 2);
	CHECK(!strchr(path, 'x') && !strrchr(path, 'x') &&
	      strchr(path, 0) == path + 4);
	CHECK(strstr(path, "b") == path + 3 && strstr(path, "") == path);
	CHECK(!strstr(path, "bc"));
	CHECK(strlcpy(text, "kochab!!", 8) == 8 &&
	      strcmp(text, "kochab!") == 0);
	CHECK(strlcpy(text, "ab", 8) == 2 && strcmp(text, "ab") == 0);
	CHECK(strlcat(text, "cd", 8) == 4 && strcmp(text, "abcd") == 0);
	CHECK(strlcat(text, "efghij", 8) == 10 && strcmp(text, "abcdefg") == 0);
	CHECK(strlcpy(text, "zz", 0) == 2 && text[0] == 'a');
	CHECK(string_starts_with("mode=run", "mode=") &&
	      !string_starts_with("mo", "mode"));
	CHECK(string_equal("a", "a") && !string_equal("a", "b"));
}
