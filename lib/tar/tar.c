// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The reader of ustar archives: see tar.h. Field positions: POSIX.1-1988
// (IEEE Std 1003.1), 10.1.1.
#include "lib/tar/tar.h"

#include "abi/fs_types.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

struct header {
	char name[100];
	char mode[8], uid[8], gid[8];
	char size[12], mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6], version[2];
	char user[32], group[32];
	char major[8], minor[8];
	char prefix[155];
	char padding[12];
};
static_assert(sizeof(struct header) == TAR_BLOCK_BYTES);

void tar_open(struct tar_reader *reader, const void *archive, u64 bytes)
{
	*reader = (struct tar_reader){.archive = archive, .bytes = bytes};
}

// Octal digits, blanks before, a blank or NUL behind or the end of the field;
// an empty field is 0. GNU's binary numbers (first bit set) are understood.
static bool number(const char *field, usize bytes, u64 *value)
{
	usize at = 0;
	u64 result = 0;

	if ((u8)field[0] == 0x80) {
		for (at = 1; at < bytes; at++) {
			if (result >> 55)
				return false;
			result = result << 8 | (u8)field[at];
		}
		*value = result;
		return true;
	}
	while (at < bytes && field[at] == ' ')
		at++;
	for (; at < bytes && field[at] >= '0' && field[at] <= '7'; at++) {
		if (result >> 60)
			return false;
		result = result << 3 | (u64)(field[at] - '0');
	}
	if (at < bytes && field[at] != ' ' && field[at] != '\0')
		return false;
	*value = result;
	return true;
}

#define NUMBER(field, value) number(field, sizeof(field), value)

static bool all_zero(const u8 *block)
{
	for (u32 i = 0; i < TAR_BLOCK_BYTES; i++)
		if (block[i] != 0)
			return false;
	return true;
}

static bool checksum_right(const struct header *header)
{
	const u8 *bytes = (const u8 *)header;
	u32 from = OFFSET_OF(struct header, checksum);
	u64 sum = 0;
	u64 wanted;

	for (u32 i = 0; i < TAR_BLOCK_BYTES; i++)
		sum += i >= from && i < from + sizeof(header->checksum)
			       ? ' '
			       : bytes[i];
	return NUMBER(header->checksum, &wanted) && wanted == sum;
}

enum status tar_normal_path(const char *path, usize length,
			    char out[TAR_PATH_MAX + 1])
{
	usize end = strnlen(path, length);
	usize used = 0;
	usize at = 0;

	while (at < end) {
		usize start = at;
		usize bytes;

		while (at < end && path[at] != '/')
			at++;
		bytes = at - start;
		at++;
		if (bytes == 0 || (bytes == 1 && path[start] == '.'))
			continue;
		if (bytes == 2 && path[start] == '.' && path[start + 1] == '.')
			return ERR_FORMAT;
		if (bytes > FS_NAME_MAX ||
		    used + (used != 0) + bytes > TAR_PATH_MAX)
			return ERR_FORMAT;
		if (used != 0)
			out[used++] = '/';
		memcpy(out + used, path + start, bytes);
		used += bytes;
	}
	out[used] = '\0';
	return STATUS_OK;
}

static enum status full_path(const struct header *header,
			     struct tar_entry *entry)
{
	char joined[TAR_PATH_MAX + 1];
	usize prefix = strnlen(header->prefix, sizeof(header->prefix));
	usize name = strnlen(header->name, sizeof(header->name));
	usize used = 0;

	// Old GNU archives use the bytes of prefix for other things.
	if (prefix != 0 && header->magic[5] == '\0') {
		memcpy(joined, header->prefix, prefix);
		joined[prefix] = '/';
		used = prefix + 1;
	}
	memcpy(joined + used, header->name, name);
	return tar_normal_path(joined, used + name, entry->path);
}

// Type bits for the member's type; 0: not known here.
static u32 type_bits(char type)
{
	switch (type) {
	case '\0':
	case '0':
	case '1':
	case '7':
		return FS_TYPE_FILE;
	case '2':
		return FS_TYPE_SYMLINK;
	case '3':
		return FS_TYPE_CHARACTER;
	case '4':
		return FS_TYPE_BLOCK;
	case '5':
		return FS_TYPE_DIRECTORY;
	case '6':
		return FS_TYPE_FIFO;
	default:
		return 0;
	}
}

static bool fields(const struct header *header, struct tar_entry *entry,
		   u64 *size)
{
	u64 mode, uid, gid, mtime, major, minor;

	if (!NUMBER(header->mode, &mode) || !NUMBER(header->uid, &uid) ||
	    !NUMBER(header->gid, &gid) || !NUMBER(header->mtime, &mtime) ||
	    !NUMBER(header->size, size))
		return false;
	if (!NUMBER(header->major, &major) || !NUMBER(header->minor, &minor))
		major = minor = 0;
	entry->mode = (u32)mode & 07777;
	entry->uid = (u32)uid;
	entry->gid = (u32)gid;
	entry->mtime_s = (i64)(mtime & 0xffffffffffff);
	entry->device = (major & 0xffffffff) << 32 | (minor & 0xffffffff);
	return true;
}

enum status tar_next(struct tar_reader *reader, struct tar_entry *entry)
{
	const struct header *header;
	u64 size, padded;
	u32 type;

	for (;;) {
		reader->member = reader->position;
		if (reader->bytes - reader->position < TAR_BLOCK_BYTES)
			return ERR_EMPTY;
		header = (const void *)(reader->archive + reader->position);
		if (all_zero((const u8 *)header)) {
			reader->position += TAR_BLOCK_BYTES;
			continue;
		}
		*entry = (struct tar_entry){};
		if (memcmp(header->magic, "ustar", 5) != 0 ||
		    !checksum_right(header) || !fields(header, entry, &size))
			return ERR_CORRUPT;
		entry->data_offset = reader->position + TAR_BLOCK_BYTES;
		type = type_bits(header->type);
		// Links and nodes have no data whatever their size says.
		if (type != 0 && type != FS_TYPE_FILE)
			size = 0;
		if (header->type == '1')
			size = 0;
		if (!range_within(entry->data_offset, size, reader->bytes))
			return ERR_CORRUPT;
		padded = align_up(size, TAR_BLOCK_BYTES);
		reader->position = MIN(entry->data_offset + padded,
				       reader->bytes);
		if (type != 0)
			break;
		reader->skipped++;
	}
	entry->mode |= type;
	entry->hard_link = header->type == '1';
	entry->size_bytes = size;
	memcpy(entry->link, header->link,
	       strnlen(header->link, sizeof(header->link)));
	return full_path(header, entry);
}
