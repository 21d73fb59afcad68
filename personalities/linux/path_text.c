// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Paths as text.
#include "lib/base/string.h"
#include "personalities/linux/path.h"

i64 path_next(const char **path, char *name, bool *last)
{
	const char *at = *path;
	usize bytes = 0;

	while (*at == '/')
		at++;
	while (at[bytes] && at[bytes] != '/')
		bytes++;
	if (bytes > NAME_LIMIT)
		return -ENAMETOOLONG;
	memcpy(name, at, bytes);
	name[bytes] = 0;
	at += bytes;
	*path = at;
	while (*at == '/')
		at++;
	*last = !*at;
	return bytes != 0;
}

bool path_append(char *path, usize size, const char *name)
{
	usize length = strlen(path), more = strlen(name);
	bool slash = length == 0 || path[length - 1] != '/';

	if (length + slash + more >= size)
		return false;
	if (slash)
		path[length++] = '/';
	memcpy(path + length, name, more + 1);
	return true;
}

void path_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return;
	if (slash == path)
		slash++;
	*slash = 0;
}

bool path_within(const char *path, const char *directory)
{
	usize length = strlen(directory);

	if (string_equal(directory, "/"))
		return path[0] == '/';
	return strncmp(path, directory, length) == 0 &&
		(path[length] == '/' || path[length] == 0);
}
