// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See lib/sys/archive.h. Headers are checked by their sum; a header that fails is
// skipped block by block until the next good one.
#include "lib/sys/archive.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"

#define BLOCK 512

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], time[12], sum[8];
	char type, link[100], magic[6], version[2], owner[32], group[32];
	char major[8], minor[8], prefix[155], padding[12];
};
static_assert(sizeof(struct header) == BLOCK);

static bool octal(const char *text, usize bytes, u64 *value)
{
	usize i = 0;

	*value = 0;
	while (i < bytes && text[i] == ' ')
		i++;
	for (; i < bytes && text[i] >= '0' && text[i] <= '7'; i++)
		*value = *value << 3 | (u64)(text[i] - '0');
	return i == bytes || text[i] == 0 || text[i] == ' ';
}

static bool valid(const struct header *header)
{
	const u8 *bytes = (const u8 *)header;
	u64 wanted, sum = 0;

	if (memcmp(header->magic, "ustar", 5) != 0 ||
		!octal(header->sum, sizeof(header->sum), &wanted))
		return false;
	for (u32 i = 0; i < BLOCK; i++) {
		bool in_sum = i >= OFFSET_OF(struct header, sum) &&
			i < OFFSET_OF(struct header, type);
		sum += in_sum ? ' ' : bytes[i];
	}
	return sum == wanted;
}

// Is prefix/name this path?
static bool named(const struct header *header, const char *path)
{
	usize prefix = strnlen(header->prefix, sizeof(header->prefix));
	usize name = strnlen(header->name, sizeof(header->name));

	if (prefix) {
		if (strncmp(path, header->prefix, prefix) != 0 ||
			path[prefix] != '/')
			return false;
		path += prefix + 1;
	}
	return strlen(path) == name && memcmp(path, header->name, name) == 0;
}

bool archive_find(const struct archive *archive, const char *path,
	const u8 **file, u64 *file_bytes)
{
	bool found = false;

	for (u64 at = 0; range_within(at, BLOCK, archive->size);) {
		const struct header *header =
			(const struct header *)(archive->bytes + at);
		u64 size = 0;
		at += BLOCK;
		if (!valid(header) ||
			!octal(header->size, sizeof(header->size), &size))
			continue;
		bool regular = header->type == '0' || header->type == 0;
		if (!regular)
			continue;
		if (!range_within(at, size, archive->size))
			continue;
		if (named(header, path)) {
			*file = archive->bytes + at;
			*file_bytes = size;
			found = true;
		}
		at += align_up(size, BLOCK);
	}
	return found;
}
