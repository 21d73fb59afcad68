// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The part of disk.c that only the server itself uses.
#ifndef SERVICES_FAT_NATIVE_H
#define SERVICES_FAT_NATIVE_H
#include "abi/startup.h"
#include "lib/base/status.h"

// Open the channel and wait until the disk is known.
[[nodiscard]] enum status disk_open(const struct startup_cap *cap);
#endif
