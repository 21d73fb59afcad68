// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The archive reader and the tree that tarfs makes of it: every kind of member,
// archives behind each other, paths that lead outside, broken headers, archives
// that end anywhere, and memory that runs out at any allocation.
#include <stdio.h>
#include <stdlib.h>

#include "abi/fs_types.h"
#include "lib/base/string.h"
#include "lib/tar/tar.h"
#include "services/tarfs/tree.h"

#define CHECK(condition)                                                \
	do {                                                            \
		if (!(condition)) {                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__,       \
				__LINE__, #condition);                  \
			abort();                                        \
		}                                                       \
	} while (0)

static u8 archive[65536];
static u32 used;
static u32 reports;
static long allocations_left = -1;

static void sum(u8 *at)
{
	u32 total = 0;

	memset(at + 148, ' ', 8);
	for (u32 i = 0; i < 512; i++)
		total += at[i];
	snprintf((char *)at + 148, 8, "%06o", total);
}

static u8 *member(const char *name, char type, const char *link,
		  const char *data)
{
	u8 *at = archive + used;
	u32 bytes = (u32)strlen(data);

	memcpy(at, name, strlen(name));
	memcpy(at + 100, "0000640\0" "0000012\0" "0000013\0", 24);
	snprintf((char *)at + 124, 12, "%011o", bytes);
	snprintf((char *)at + 136, 12, "%011o", 1700000000);
	at[156] = (u8)type;
	memcpy(at + 157, link, strlen(link));
	memcpy(at + 257, "ustar\0" "00", 8);
	memcpy(at + 329, "0000005\0" "0000007\0", 16);
	sum(at);
	memcpy(at + 512, data, bytes);
	used += 512 + (bytes + 511) / 512 * 512;
	return at;
}

static void start_over(void)
{
	memset(archive, 0, sizeof(archive));
	used = 0;
	reports = 0;
}

static void report(const char *path, u64 position, const char *why)
{
	(void)path;
	(void)position;
	CHECK(why[0] != '\0');
	reports++;
}

static void *resize(void *memory, usize bytes)
{
	if (allocations_left >= 0 && allocations_left-- == 0)
		return nullptr;
	return realloc(memory, bytes);
}

static enum status build(struct tree *tree)
{
	return tree_build(tree, archive, used, resize, report);
}

static void forget(struct tree *tree)
{
	free(tree->node);
	free(tree->names);
	free(tree->bucket);
}

static u32 find(const struct tree *tree, u32 directory, const char *name)
{
	return tree_find(tree, directory, name, (u32)strlen(name));
}

static void test_paths(void)
{
	char out[TAR_PATH_MAX + 1];
	char path[TAR_PATH_MAX + 10];

	CHECK(tar_normal_path("./a//b/./c/", 100, out) == STATUS_OK);
	CHECK(string_equal(out, "a/b/c"));
	CHECK(tar_normal_path("/", 100, out) == STATUS_OK && !out[0]);
	CHECK(tar_normal_path("a/../b", 100, out) == ERR_FORMAT);
	CHECK(tar_normal_path("..", 100, out) == ERR_FORMAT);
	CHECK(tar_normal_path("a/...", 100, out) == STATUS_OK);
	CHECK(tar_normal_path("abcdef", 3, out) == STATUS_OK);
	CHECK(string_equal(out, "abc"));
	memset(path, 'x', sizeof(path));
	CHECK(tar_normal_path(path, sizeof(path), out) == ERR_FORMAT);
	for (u32 i = 1; i < sizeof(path); i += 2)
		path[i] = '/';
	CHECK(tar_normal_path(path, sizeof(path), out) == ERR_FORMAT);
	CHECK(tar_normal_path(path, TAR_PATH_MAX, out) == STATUS_OK);
}

static void test_members(void)
{
	struct tree tree;
	u32 folder, n;

	start_over();
	member("folder/", '5', "", "");
	member("folder/file", '0', "", "contents");
	member("folder/link", '2', "file", "");
	member("folder/hard", '1', "folder/file", "");
	member("node", '3', "", "");
	member("deep/er/file", '0', "", "x"); // parents that nobody named
	memcpy(member("prefixed", '0', "", "p") + 345, "folder/sub", 10);
	sum(archive + used - 1024);
	used += 1024; // the end of one archive, and the next
	member("folder/file", '0', "", "newer contents");
	CHECK(build(&tree) == STATUS_OK && reports == 0);
	folder = find(&tree, TREE_ROOT, "folder");
	n = find(&tree, folder, "file");
	CHECK(tree.node[n].size_bytes == 14);
	CHECK(memcmp(archive + tree.node[n].data_offset, "newer", 5) == 0);
	CHECK(tree.node[n].mode == (FS_TYPE_FILE | 0640));
	CHECK(tree.node[n].uid == 10 && tree.node[n].gid == 11);
	CHECK(tree.node[n].mtime_s == 1700000000);
	n = find(&tree, folder, "hard");
	CHECK(tree.node[n].size_bytes == 8);
	n = find(&tree, folder, "link");
	CHECK(tree.node[n].size_bytes == 4);
	CHECK(memcmp(archive + tree.node[n].data_offset, "file", 4) == 0);
	n = find(&tree, TREE_ROOT, "node");
	CHECK(tree.node[n].device == (5ull << 32 | 7));
	n = find(&tree, find(&tree, folder, "sub"), "prefixed");
	CHECK(n != 0 && tree.node[n].parent != folder);
	n = find(&tree, find(&tree, TREE_ROOT, "deep"), "er");
	CHECK(find(&tree, n, "file") != 0);
	CHECK(tree_node(&tree, 0) == nullptr);
	CHECK(tree_node(&tree, tree.count + 1) == nullptr);
	CHECK(tree_node(&tree, ~0ull) == nullptr);
	forget(&tree);
}

static void test_refused(void)
{
	struct tree tree;
	u8 *at;

	start_over();
	member("a", '0', "", "x");
	member("../outside", '0', "", "x");
	member("hard", '1', "nothing", "");
	member("a/below-a-file", '0', "", "x");
	member("long", 'L', "", "a name that goes on and on");
	CHECK(build(&tree) == STATUS_OK);
	CHECK(reports == 4 && tree.skipped == 4 && tree.count == 2);
	forget(&tree);
	// A header that is none ends the reading, what came before stays.
	for (u32 field = 0; field < 4; field++) {
		static const u32 where[] = {148, 124, 257, 0};

		start_over();
		member("good", '0', "", "x");
		at = member("bad", '0', "", "x");
		at[where[field]] ^= 0x55;
		if (field == 1) {
			memcpy(at + 124, "77777777777", 11);
			sum(at); // a size beyond the end
		}
		CHECK(build(&tree) == ERR_CORRUPT);
		CHECK(find(&tree, TREE_ROOT, "good") != 0);
		CHECK(tree.count == 2);
		forget(&tree);
	}
}

// Cut anywhere, an archive gives what is whole, or says that it is broken.
static void test_truncated(void)
{
	struct tree tree;
	u32 whole;

	start_over();
	member("one", '0', "", "1");
	member("two", '0', "", "2");
	whole = used;
	for (u32 cut = 0; cut <= whole; cut++) {
		u8 *tight = malloc(cut + 1); // sanitizers see a read beyond
		enum status status;

		memcpy(tight, archive, cut);
		status = tree_build(&tree, tight, cut, resize, report);
		CHECK(status == STATUS_OK || status == ERR_CORRUPT);
		CHECK(tree.count ==
		      1u + (cut >= 513) + (cut >= 1024 + 513));
		forget(&tree);
		free(tight);
	}
}

static void test_no_memory(void)
{
	struct tree tree;
	char name[40];

	start_over();
	for (u32 i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "folder%u/file%u", i % 7, i);
		member(name, '0', "", "x");
	}
	for (long left = 0;; left++) {
		enum status status;

		allocations_left = left;
		status = build(&tree);
		forget(&tree);
		if (status == STATUS_OK)
			break;
		CHECK(status == ERR_MEMORY);
	}
	CHECK(allocations_left >= 0);
	allocations_left = -1;
}

int main(void)
{
	test_paths();
	test_members();
	test_refused();
	test_truncated();
	test_no_memory();
	return 0;
}
