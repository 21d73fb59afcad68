// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The walk of paths over mounts: links of every kind, dots, slashes, the
// boundaries between file systems, limits; and the arguments that say what is
// mounted where. The file systems are tables here.
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/vfs/mounts.h"

#define CHECK(condition)                                                \
	do {                                                            \
		if (!(condition)) {                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__,       \
				__LINE__, #condition);                  \
			abort();                                        \
		}                                                       \
	} while (0)

struct node {
	u32 mount;
	u64 number, parent;
	const char *name;
	u32 type;
	const char *target;
};
static const struct node nodes[] = {
	{0, 1, 1, "", FS_TYPE_DIRECTORY, nullptr},
	{0, 2, 1, "bin", FS_TYPE_DIRECTORY, nullptr},
	{0, 3, 2, "sh", FS_TYPE_FILE, nullptr},
	{0, 4, 1, "link", FS_TYPE_SYMLINK, "bin/sh"},
	{0, 5, 1, "folder", FS_TYPE_SYMLINK, "/bin"},
	{0, 6, 1, "loop", FS_TYPE_SYMLINK, "loop"},
	{0, 7, 1, "dangling", FS_TYPE_SYMLINK, "nowhere"},
	{0, 8, 2, "up", FS_TYPE_SYMLINK, "../bin/../link"},
	{0, 9, 1, "todisk", FS_TYPE_SYMLINK, "/mnt/disk/x"},
	{0, 10, 1, "mnt", FS_TYPE_DIRECTORY, nullptr},
	{0, 11, 1, "slash", FS_TYPE_SYMLINK, "bin/"},
	{0, 12, 1, "emptylink", FS_TYPE_SYMLINK, ""},
	{1, 1, 1, "", FS_TYPE_DIRECTORY, nullptr},
	{1, 2, 1, "x", FS_TYPE_DIRECTORY, nullptr},
	{1, 3, 2, "file", FS_TYPE_FILE, nullptr},
	{1, 4, 1, "back", FS_TYPE_SYMLINK, "../../bin"},
};

enum status mount_ready(u32 mount)
{
	return mount < 2 ? STATUS_OK : ERR_NODEV;
}

enum status mount_lookup(u32 mount, u64 directory, const char *name, u32 bytes,
			 u64 *node, u32 *mode)
{
	const struct node *parent = nullptr;

	for (u32 i = 0; i < ARRAY_COUNT(nodes); i++)
		if (nodes[i].mount == mount && nodes[i].number == directory)
			parent = &nodes[i];
	if (!parent)
		return ERR_STALE;
	if (parent->type != FS_TYPE_DIRECTORY)
		return ERR_NOTDIR;
	for (u32 i = 0; i < ARRAY_COUNT(nodes); i++) {
		const struct node *n = &nodes[i];
		bool dots = bytes <= 2 && memcmp(name, "..", bytes) == 0;
		u64 wanted = bytes == 1 ? directory : parent->parent;

		if (n->mount != mount)
			continue;
		if (dots ? n->number != wanted
			 : n->parent != directory || n->number == directory ||
				   strlen(n->name) != bytes ||
				   memcmp(n->name, name, bytes) != 0)
			continue;
		*node = n->number;
		*mode = n->type | 0755;
		return STATUS_OK;
	}
	return ERR_NOENT;
}

enum status mount_read_link(u32 mount, u64 node, char *target, u32 *bytes)
{
	for (u32 i = 0; i < ARRAY_COUNT(nodes); i++) {
		if (nodes[i].mount != mount || nodes[i].number != node)
			continue;
		*bytes = (u32)strlen(nodes[i].target);
		memcpy(target, nodes[i].target, *bytes);
		return STATUS_OK;
	}
	return ERR_STALE;
}

static struct walk_result result;

static enum status go(u32 mount, u64 node, const char *path, u32 flags)
{
	return walk(mount, node, path, (u32)strlen(path), flags, &result);
}

static bool leads(const char *path, u32 flags, u32 mount, u64 node)
{
	return go(0, 1, path, flags) == STATUS_OK && result.mount == mount &&
	       result.node == node;
}

static bool parent_is(const char *path, u64 node, const char *last)
{
	if (go(0, 1, path, VFS_PARENT) != STATUS_OK || result.node != node)
		return false;
	return result.last_bytes == strlen(last) &&
	       memcmp(path + result.last_offset, last, result.last_bytes) == 0;
}

static void test_walk(void)
{
	CHECK(leads("/", 0, 0, 1) && leads(".", 0, 0, 1));
	CHECK(leads("/bin/sh", 0, 0, 3) && leads("//bin///sh", 0, 0, 3));
	CHECK(leads("/bin/../bin/./sh", 0, 0, 3));
	CHECK(leads("/../..", 0, 0, 1));
	CHECK(leads("link", 0, 0, 4) && leads("link", VFS_FOLLOW, 0, 3));
	CHECK(leads("folder", 0, 0, 5) && leads("folder/", 0, 0, 2));
	CHECK(leads("folder/sh", 0, 0, 3));
	CHECK(leads("bin/up", VFS_FOLLOW, 0, 3));
	CHECK(leads("slash", VFS_FOLLOW, 0, 2));
	CHECK(go(0, 2, "sh", 0) == STATUS_OK && result.node == 3);
	CHECK(result.parent_node == 2);
	CHECK(go(0, 2, "..", 0) == STATUS_OK && result.node == 1);
	CHECK(go(0, 1, "bin/sh/", 0) == ERR_NOTDIR);
	CHECK(go(0, 1, "bin/sh/x", 0) == ERR_NOTDIR);
	CHECK(go(0, 1, "bin/sh/..", 0) == ERR_NOTDIR);
	CHECK(go(0, 3, ".", 0) == ERR_NOTDIR);
	CHECK(go(0, 1, "bin/sh", VFS_DIRECTORY) == ERR_NOTDIR);
	CHECK(go(0, 1, "none", 0) == ERR_NOENT);
	CHECK(go(0, 1, "", 0) == ERR_NOENT);
	CHECK(go(0, 1, "loop", 0) == STATUS_OK);
	CHECK(go(0, 1, "loop", VFS_FOLLOW) == ERR_LOOP);
	CHECK(go(0, 1, "loop/x", 0) == ERR_LOOP);
	CHECK(go(0, 1, "dangling", VFS_FOLLOW) == ERR_NOENT);
	CHECK(go(0, 1, "emptylink", VFS_FOLLOW) == ERR_NOENT);
	CHECK(go(0, 99, "x", 0) == ERR_STALE);
	CHECK(go(7, 1, "x", 0) == ERR_STALE);
	CHECK(go(~0u, 1, "x", 0) == ERR_STALE);
	CHECK(walk(0, 1, "a\0b", 3, 0, &result) == ERR_ARGUMENT);
}

static void test_mounts(void)
{
	CHECK(leads("/mnt/disk", 0, 1, 1) && leads("mnt/disk/x/file", 0, 1, 3));
	CHECK(leads("todisk/file", 0, 1, 3));
	CHECK(leads("/mnt/disk/..", 0, 0, 10));
	CHECK(leads("/mnt/disk/x/../../../bin", 0, 0, 2));
	CHECK(leads("/mnt/disk/back", VFS_FOLLOW, 0, 2));
	CHECK(go(1, 2, "..", 0) == STATUS_OK && result.mount == 1);
	CHECK(go(1, 1, "../..", 0) == STATUS_OK && result.mount == 0 &&
	      result.node == 1);
}

static void test_parents(void)
{
	CHECK(parent_is("/bin/new", 2, "new") && parent_is("new", 1, "new"));
	CHECK(parent_is("/bin/new///", 2, "new"));
	CHECK(parent_is("folder/new", 2, "new"));
	CHECK(parent_is("folder/../folder//new", 2, "new"));
	CHECK(parent_is("slash/new", 2, "new"));
	CHECK(parent_is("bin/..", 2, ".."));
	CHECK(parent_is("/", 1, ""));
	CHECK(parent_is("link", 1, "link"));
	CHECK(go(0, 1, "none/new", VFS_PARENT) == ERR_NOENT);
	CHECK(go(0, 1, "bin/sh/new", VFS_PARENT | VFS_DIRECTORY) == ERR_NOTDIR);
}

static void test_limits(void)
{
	static char path[VFS_PATH_MAX + 1];

	memset(path, '/', VFS_PATH_MAX);
	CHECK(go(0, 1, path, 0) == ERR_NAMETOOLONG);
	path[VFS_PATH_MAX - 1] = '\0';
	CHECK(leads(path, 0, 0, 1));
	memset(path, 'x', 256);
	path[256] = '\0';
	CHECK(go(0, 1, path, 0) == ERR_NAMETOOLONG);
	// Forty links are the most.
	memset(path, 0, sizeof(path));
	for (u32 i = 0; i < 40; i++)
		memcpy(path + i * 10, "folder/../", 10);
	CHECK(leads(path, 0, 0, 1));
	memcpy(path + 400, "folder/../", 10);
	CHECK(go(0, 1, path, 0) == ERR_LOOP);
}

static enum status parse(const char *text)
{
	const char *why = nullptr;
	enum status status;

	memset(mounts, 0, sizeof(mounts));
	status = mounts_parse(text, &why);
	CHECK((status == STATUS_OK) == (why == nullptr));
	return status;
}

static void test_arguments(void)
{
	CHECK(parse("") == ERR_FORMAT);
	CHECK(parse("1=/x") == ERR_FORMAT);
	CHECK(parse("0=/x") == ERR_FORMAT);
	CHECK(parse("0=/ 0=/") == ERR_FORMAT);
	CHECK(parse("0=/ 1=") == ERR_FORMAT);
	CHECK(parse("0=/ 1=x") == ERR_FORMAT);
	CHECK(parse("0=/ 1=/x/") == ERR_FORMAT);
	CHECK(parse("0=/ 16=/x") == ERR_FORMAT);
	CHECK(parse("0=/ 1=/x,rw") == ERR_FORMAT);
	CHECK(parse("0=/ 1=/x,r") == ERR_FORMAT);
	CHECK(parse("0=/ verbose 1=/boot,ro\n 15=/a/b") == STATUS_OK);
	CHECK(mounts[1].read_only && string_equal(mounts[1].path, "/boot"));
	CHECK(string_equal(mounts[15].name, "b") && !mounts[15].read_only);
	CHECK(parse("0=/ 1=/mnt/disk") == STATUS_OK);
	mounts[0].known = mounts[1].known = true;
	mounts[0].root = mounts[0].parent_node = 1;
	mounts[1].root = 1;
	mounts[1].parent_node = 10;
}

int main(void)
{
	test_arguments();
	test_walk();
	test_mounts();
	test_parents();
	test_limits();
	return 0;
}
