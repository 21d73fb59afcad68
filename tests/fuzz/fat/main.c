// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// FAT volumes from a hostile hand. A small valid volume is made first (FAT12, or
// the geometry of FAT16), with files, a folder and long names; the input patches
// bytes of it: places of three bytes (position, value), position scaled to fall
// mostly on boot sector, FAT and directories. Then everything is listed and read,
// and files are written, cut, moved and removed. Any answer will do, but one must
// come: no crash, no read outside, no endless loop.
#include <stdlib.h>

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/fat/volume.h"

#define SECTORS 128
#define DEPTH 4
#define STEPS_MAX 100000 // disk accesses of one input

static u8 disk[SECTORS * 512], base[SECTORS * 512];
alignas(8) static u8 stash[64 << 10];
static enum status error;
static u32 steps;

struct disk_facts disk_facts(void)
{
	return (struct disk_facts){.capacity = SECTORS};
}

void journal_test_hook(void)
{
}

void disk_start(enum disk_way way, u64 sector, u32 count, u8 *data)
{
	if (++steps > STEPS_MAX)
		abort();
	if (!range_within(sector, count, SECTORS))
		error = ERR_RANGE;
	else if (way == DISK_READ)
		memcpy(data, disk + sector * 512, count * 512ul);
	else
		memcpy(disk + sector * 512, data, count * 512ul);
}

enum status disk_finish(void)
{
	enum status status = error;

	error = STATUS_OK;
	return status;
}

enum status disk_flush(void)
{
	return STATUS_OK;
}

i64 volume_now_ns(void)
{
	return 1750000000ll * 1000000000;
}

static struct fs_name name_of(const char *text)
{
	struct fs_name name;

	if (fs_name_copy(&name, (const u8 *)text, (u32)strlen(text)) !=
	    STATUS_OK)
		abort();
	return name;
}

static void done(enum status status)
{
	if (status != STATUS_OK || volume_commit(~0u, nullptr) != STATUS_OK)
		volume_rollback();
}

static u64 create(u64 directory, const char *text, u32 mode)
{
	struct fs_name name = name_of(text);
	u64 node = 0;

	volume_begin();
	done(volume_create(directory, &name, mode, &node));
	return node;
}

static void write_some(u64 node, u64 offset, u32 bytes)
{
	static u8 data[4096];
	u32 written;

	volume_begin();
	done(volume_write(node, offset, data, bytes, &written));
}

static void open_stash(void)
{
	memset(stash, 0, sizeof(stash));
	if (journal_open(stash, sizeof(stash), nullptr, 0) != STATUS_OK)
		abort();
}

static void make_base(void)
{
	static const u8 boot[] = {
		0xeb, 0x3c, 0x90, 'k',	'o',  'c', 'h',	 'a', 'b', ' ', ' ',
		0,    2,    1,	  1,	0,    2,   32,	 0,   SECTORS, 0, 0xf8,
		1,    0,    1,	  0,	1,    0,   0,	 0,   0,   0,	0,
		0,    0,    0,	  0x80, 0,    0x29};
	u64 folder, file;

	memcpy(disk, boot, sizeof(boot));
	memcpy(disk + 54, "FAT12   ", 8);
	disk[510] = 0x55;
	disk[511] = 0xaa;
	for (u32 fat = 1; fat <= 2; fat++)
		memcpy(disk + fat * 512, "\xf8\xff\xff", 3);
	open_stash();
	if (volume_mount(1) != STATUS_OK)
		abort();
	file = create(VOLUME_ROOT, "FILE.TXT", FS_TYPE_FILE | 0644);
	write_some(file, 0, 3000);
	folder = create(VOLUME_ROOT, "a folder with a long name",
			FS_TYPE_DIRECTORY | 0755);
	file = create(folder, "ünïcödé und ein sehr langer Name.dat",
		      FS_TYPE_FILE | 0644);
	write_some(file, 1000, 2000);
	folder = create(folder, "inner", FS_TYPE_DIRECTORY | 0755);
	for (u32 i = 0; i < 20; i++)
		create(folder, (char[]){'n', (char)('a' + i), 0},
		       FS_TYPE_FILE | 0644);
	memcpy(base, disk, sizeof(base));
}

static void visit(u64 node, u32 mode, u32 depth);

static void visit_directory(u64 node, u32 depth)
{
	static u8 space[DEPTH + 1][2048];
	u64 cookie = 0;

	for (u32 round = 0; round < 8; round++) {
		struct fs_packer packer = {space[depth], sizeof(space[0]), 0};

		if (volume_list(node, cookie, &packer, &cookie) != STATUS_OK ||
		    packer.used == 0)
			return;
		for (u32 at = 0, n = 0; at < packer.used && n < 12; n++) {
			struct fs_entry entry;

			memcpy(&entry, space[depth] + at, sizeof(entry));
			if (entry.entry_bytes < sizeof(entry))
				abort();
			if (depth < DEPTH)
				visit(entry.node, entry.mode, depth + 1);
			at += entry.entry_bytes;
		}
	}
}

static void visit(u64 node, u32 mode, u32 depth)
{
	static u8 data[8192];
	struct fs_name up = name_of("..");
	struct fs_attributes attributes;
	u64 other;
	u32 got, other_mode;

	(void)!volume_attributes(node, &attributes);
	(void)!volume_lookup(node, &up, &other, &other_mode);
	if ((mode & FS_TYPE_MASK) == FS_TYPE_DIRECTORY)
		visit_directory(node, depth);
	else if (volume_read(node, depth * 700, data, sizeof(data), &got) ==
			 STATUS_OK && got > sizeof(data))
		abort();
}

static void change(u64 directory)
{
	static const char *const names[] = {"FILE.TXT", "new name.longer",
					    "a folder with a long name",
					    "inner"};
	struct fs_attributes attributes = {.size_bytes = 100};
	u64 node;
	u32 mode;

	for (u32 i = 0; i < ARRAY_COUNT(names); i++) {
		struct fs_name name = name_of(names[i]);
		struct fs_name other = name_of(names[(i + 1) % 3]);

		if (volume_lookup(directory, &name, &node, &mode) == STATUS_OK) {
			volume_begin();
			done(volume_hold(node, 1));
			write_some(node, 2900, 4000);
			volume_begin();
			done(volume_set_attributes(
				node, FS_SET_SIZE | FS_SET_MODE | FS_SET_MTIME,
				&attributes));
		}
		volume_begin();
		done(volume_rename(directory, &name, VOLUME_ROOT, &other, 0));
		create(directory, names[i], FS_TYPE_DIRECTORY | 0755);
		volume_begin();
		done(volume_remove(directory, &other, i & 1));
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	make_base();
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, usize bytes)
{
	struct fs_name folder = name_of("a folder with a long name");
	struct fs_statistics statistics;
	u64 node;
	u32 mode;

	memcpy(disk, base, sizeof(disk));
	steps = 0;
	for (usize i = 0; i + 2 < bytes; i += 3) {
		u32 at = (u32)data[i] << 8 | data[i + 1];

		// Boot sector, FATs and directories more often than data.
		disk[at < 0x8000 ? at % 64 : at % (sizeof(disk) / 4)] =
			data[i + 2];
	}
	open_stash();
	if (volume_mount(1) != STATUS_OK)
		return 0;
	volume_begin();
	done(volume_statistics(&statistics));
	visit(VOLUME_ROOT, FS_TYPE_DIRECTORY, 0);
	change(VOLUME_ROOT);
	if (volume_lookup(VOLUME_ROOT, &folder, &node, &mode) == STATUS_OK)
		change(node);
	visit(VOLUME_ROOT, FS_TYPE_DIRECTORY, 0);
	for (u32 i = 0; i < HOLDS; i++) {
		u64 held = journal_holds()[i].node;

		volume_begin();
		volume_release(held);
		done(STATUS_OK);
	}
	return 0;
}
