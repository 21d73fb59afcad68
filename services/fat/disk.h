// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The disk as the FAT server sees it. disk.c does it over a channel to the
// virtualiser; the host's tests have image files.
#ifndef SERVICES_FAT_DISK_H
#define SERVICES_FAT_DISK_H
#include "lib/base/status.h"

#define SECTOR_BYTES 512

enum disk_way { DISK_READ, DISK_WRITE };

struct disk_facts {
	u64 capacity; // sectors
	bool absent, read_only;
};

struct disk_facts disk_facts(void);
// Begin a transfer; several may be under way. For a write the bytes are taken at
// once; for a read, data is filled by disk_finish().
void disk_start(enum disk_way way, u64 sector, u32 count, u8 *data);
// Wait for all that was begun; the first error. IO NODEV READONLY RANGE.
[[nodiscard]] enum status disk_finish(void);
// Everything written is on the medium. IO.
[[nodiscard]] enum status disk_flush(void);
#endif
