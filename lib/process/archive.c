// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See lib/process/archive.h.
#include "lib/process/archive.h"

#include "lib/base/string.h"
#include "lib/tar/tar.h"

#define TYPE_MASK 0170000
#define TYPE_REGULAR 0100000

bool archive_find(const struct archive *archive, const char *path,
	const u8 **file, u64 *file_bytes)
{
	static struct tar_entry entry; // large
	struct tar_reader reader;
	bool found = false;

	tar_open(&reader, archive->bytes, archive->size);
	for (;;) {
		enum status status = tar_next(&reader, &entry);
		if (status == ERR_EMPTY || status == ERR_CORRUPT)
			return found;
		if (status != STATUS_OK || entry.hard_link ||
			(entry.mode & TYPE_MASK) != TYPE_REGULAR ||
			!string_equal(entry.path, path))
			continue;
		*file = archive->bytes + entry.data_offset;
		*file_bytes = entry.size_bytes;
		found = true;
	}
}
