// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Finds files in the boot archive. Of several files of one name the last counts,
// so that an overlay behind the archive replaces what is below it.
#pragma once

#include "lib/base/types.h"

struct archive {
	const u8 *bytes;
	u64 size;
};

// The regular file of this path (without a leading slash); false: there is none
// before the end or the first damaged header.
bool archive_find(const struct archive *archive, const char *path,
	const u8 **file, u64 *file_bytes);
