// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See fs.h.
#include "lib/fs/fs.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"

enum status fs_name_copy(struct fs_name *name, const u8 *shared, u32 bytes)
{
	if (bytes > FS_NAME_MAX)
		return ERR_NAMETOOLONG;
	if (bytes == 0 || !shared)
		return ERR_NOENT;
	memcpy(name->text, shared, bytes);
	name->text[bytes] = '\0';
	name->bytes = bytes;
	if (strnlen(name->text, bytes) != bytes ||
	    memchr(name->text, '/', bytes))
		return ERR_ARGUMENT;
	return STATUS_OK;
}

bool fs_name_is_dots(const struct fs_name *name)
{
	return string_equal(name->text, ".") || string_equal(name->text, "..");
}

bool fs_pack(struct fs_packer *packer, u64 node, u32 mode, u64 next_cookie,
	     const char *name, u32 bytes)
{
	struct fs_entry entry = {
		.node = node,
		.next_cookie = next_cookie,
		.mode = mode & FS_TYPE_MASK,
		.name_bytes = (u16)bytes,
	};
	u32 whole = (u32)align_up(sizeof(entry) + bytes, 8);

	if (whole > packer->room - packer->used)
		return false;
	entry.entry_bytes = (u16)whole;
	memcpy(packer->out + packer->used, &entry, sizeof(entry));
	memcpy(packer->out + packer->used + sizeof(entry), name, bytes);
	packer->used += whole;
	return true;
}

void fs_copy_out(u8 *shared, u32 bytes, const void *from, u32 from_bytes)
{
	if (shared)
		memcpy(shared, from, MIN(bytes, from_bytes));
}

u32 fs_hash(u64 seed, const char *name, u32 bytes)
{
	u64 hash = seed * 0x9e3779b97f4a7c15 ^ 0xcbf29ce484222325;

	for (u32 i = 0; i < bytes; i++)
		hash = (hash ^ (u8)name[i]) * 0x100000001b3;
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccd;
	return (u32)(hash >> 32);
}
