// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Paths as text.
#include "personalities/linux/path.h"

#include <string.h>

#include "tests/unit/linux/check.h"

static void components(void)
{
	const char *rest = "//usr/./share//x/";
	char name[NAME_LIMIT + 1], big[600];
	bool last;

	CHECK(path_next(&rest, name, &last) == 1 && !strcmp(name, "usr") &&
	      !last);
	CHECK(path_next(&rest, name, &last) == 1 && !strcmp(name, "."));
	CHECK(path_next(&rest, name, &last) == 1 && !strcmp(name, "share") &&
	      !last);
	CHECK(path_next(&rest, name, &last) == 1 && !strcmp(name, "x") && last);
	CHECK(*rest == '/');
	CHECK(path_next(&rest, name, &last) == 0);
	rest = "";
	CHECK(path_next(&rest, name, &last) == 0);
	memset(big, 'a', sizeof(big));
	big[NAME_LIMIT] = 0;
	rest = big;
	CHECK(path_next(&rest, name, &last) == 1 && strlen(name) == NAME_LIMIT);
	memset(big, 'a', sizeof(big));
	big[NAME_LIMIT + 1] = 0;
	rest = big;
	CHECK(path_next(&rest, name, &last) == -ENAMETOOLONG);
}

static void joining(void)
{
	char path[16] = "/";

	CHECK(path_append(path, sizeof(path), "usr") && !strcmp(path, "/usr"));
	CHECK(path_append(path, sizeof(path), "share") &&
	      !strcmp(path, "/usr/share"));
	CHECK(!path_append(path, sizeof(path), "toolong"));
	CHECK(!strcmp(path, "/usr/share"));
	CHECK(path_append(path, sizeof(path), "1234") && strlen(path) == 15);
	path_up(path);
	path_up(path);
	CHECK(!strcmp(path, "/usr"));
	path_up(path);
	CHECK(!strcmp(path, "/"));
	path_up(path);
	CHECK(!strcmp(path, "/"));
}

static void inside(void)
{
	CHECK(path_within("/usr/share", "/usr") && path_within("/usr", "/usr"));
	CHECK(!path_within("/usrx", "/usr") && !path_within("/us", "/usr"));
	CHECK(path_within("/anything", "/") && path_within("/", "/"));
}

void test_path(void)
{
	components();
	joining();
	inside();
}
