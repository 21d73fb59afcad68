// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Checksums of stored and transmitted data.
#pragma once

#include "lib/base/types.h"

// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78, RFC 3720 B.4). Start
// with 0; feed a message in pieces by passing the result on.
u32 crc32c(u32 sum, const void *data, usize bytes);
