// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The compressed kernel: a header, then one LZ4 block. tools/mkcompressed.py
// writes it, the first stages (boot/uefi, boot/bios) read it. Everything behind
// `sum` is under a CRC-32C, and nothing of it is believed before that is right.
#ifndef BOOT_COMPRESSED_COMPRESSED_H
#define BOOT_COMPRESSED_COMPRESSED_H
#include "lib/base/types.h"

#define COMPRESSED_MAGIC 0x6c656e72654b345aull // "Z4Kernel"

struct compressed {
	u64 magic;
	u32 sum; // CRC-32C of all that follows, the block included
	u32 block_bytes; // compressed
	u32 image_bytes; // decompressed
	u32 memory_bytes; // of the image with what is zero behind it
	u64 address; // where it has to lie; 0: anywhere
	u64 alignment; // of that place
	u64 entry; // offset of the first instruction in the image
	u8 block[];
};

// Is this a whole, undamaged compressed kernel, in at most limit bytes?
bool compressed_check(const struct compressed *kernel, u64 limit);

// Decompress a kernel that was checked to `to`, memory_bytes long. False when the
// block is not what its header says; the memory holds nothing of use then.
bool compressed_unpack(const struct compressed *kernel, u8 *to);

// One LZ4 block (lz4_Block_format.md) which has to give exactly so many bytes.
// Never reads or writes outside.
bool lz4_unpack(const u8 *block, u64 block_bytes, u8 *to, u64 bytes);
#endif
