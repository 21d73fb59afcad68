// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The memory file system's store against a model: random requests, and at random
// places inside them the server "dies": a new instance opens the arena as it was
// left, rolls back, checks everything, and the request is sent again. Then bytes
// of the arena are flipped: a new instance must refuse or live with it, never
// fall over.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/memfs/backing.h"
#include "services/memfs/store.h"

#define ARENA_BYTES (512u << 10)
#define SLOTS 256
#define ENTRIES 60
#define DATA_BYTES (3u << 20)
#define FIRST_BYTES 6000 // of the boot archive's file

#define CHECK(condition)                                                \
	do {                                                            \
		if (!(condition)) {                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__,       \
				__LINE__, #condition);                  \
			abort();                                        \
		}                                                       \
	} while (0)

static u64 seed;
static struct store store;
alignas(64) static u8 arena[ARENA_BYTES];
static u8 copy[ARENA_BYTES];
static jmp_buf death;
static long until_death = -1;
static u64 deaths, operations;
static bool room = true;

// A file as the model has it; names point to it.
struct file {
	u32 names, held;
	u32 type;
	u8 *data;
	u32 bytes;
	u64 node; // 0: free
	int parent; // of a directory: its name's index
};
static struct file file[ENTRIES];

struct entry {
	bool used;
	int parent; // file index of the directory
	int file;
	char name[64];
};
static struct entry entry[ENTRIES];

static u64 next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static u32 below(u32 limit)
{
	return (u32)(next_random() % limit);
}

static void maybe_die(void)
{
	if (until_death > 0 && --until_death == 0) {
		until_death = -1;
		deaths++;
		longjmp(death, 1);
	}
}

// ---- what the store stands on

static struct {
	u8 *memory;
	u64 bytes;
} object[SLOTS];

void *heap_zalloc(usize size)
{
	return calloc(1, size);
}

void heap_free(void *memory)
{
	free(memory);
}

void store_test_hook(void)
{
	maybe_die();
}

enum status backing_create(u32 slot, u64 bytes)
{
	maybe_die();
	CHECK(slot < SLOTS);
	backing_destroy(slot);
	if (!room)
		return ERR_NOSPACE;
	object[slot].memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				   -1, 0);
	CHECK(object[slot].memory != MAP_FAILED);
	object[slot].bytes = bytes;
	return STATUS_OK;
}

void backing_destroy(u32 slot)
{
	if (object[slot].memory)
		munmap(object[slot].memory, object[slot].bytes);
	object[slot].memory = nullptr;
}

enum status backing_window(u32 slot, u64 offset, u8 **address, u64 *bytes)
{
	maybe_die();
	CHECK(slot < SLOTS);
	if (!object[slot].memory || offset >= object[slot].bytes)
		return ERR_IO;
	*address = object[slot].memory + offset;
	*bytes = WINDOW_BYTES - offset % WINDOW_BYTES;
	return STATUS_OK;
}

enum status backing_zero(u32 slot, u64 offset, u64 bytes)
{
	maybe_die();
	if (!object[slot].memory ||
	    !range_within(offset, bytes, object[slot].bytes))
		return ERR_IO;
	CHECK(offset % 4096 == 0 && bytes % 4096 == 0);
	memset(object[slot].memory + offset, 0, bytes);
	return STATUS_OK;
}

bool backing_room(u64 pages)
{
	(void)pages;
	return room;
}

void backing_pages(u64 *limit, u64 *left)
{
	*limit = *left = 0;
}

i64 backing_time_ns(void)
{
	maybe_die();
	return 1000;
}

// ---- a new instance

static void restart(void)
{
	const u8 *archive = store.archive;
	u64 archive_bytes = store.archive_bytes;
	const char *why;
	enum status status;

	store = (struct store){.archive = archive,
			       .archive_bytes = archive_bytes};
	status = store_open(&store, arena, sizeof(arena), SLOTS, &why);
	if (status != STATUS_OK)
		fprintf(stderr, "%s\n", why);
	CHECK(status == STATUS_OK);
	// What no file owns goes, as the server does it at its start.
	for (u32 i = 0; i < SLOTS; i++) {
		const u64 *map = store_at(&store, store.super->slot_map);

		if (!(map[i / 64] & BIT(i % 64)))
			backing_destroy(i);
		else
			CHECK(object[i].memory);
	}
}

struct request {
	enum {
		CREATE, LINK, UNLINK, RENAME, WRITE, RESIZE, HOLD, RELEASE
	} kind;
	u64 directory, other, node;
	struct fs_name name, other_name;
	struct new_file what;
	u32 flags;
	bool rmdir;
	u64 offset;
	const u8 *data;
	u32 bytes;
};

static u64 result; // of create

static enum status carry_out(const struct request *r)
{
	struct inode *inode = store_node(&store, r->node);
	u32 done;

	switch (r->kind) {
	case CREATE:
		return names_create(&store, r->directory, &r->name, &r->what,
				    &result);
	case LINK:
		return names_link(&store, r->directory, &r->name, r->node);
	case UNLINK:
		return names_unlink(&store, r->directory, &r->name, r->rmdir);
	case RENAME:
		return names_rename(&store, r->directory, &r->name, r->other,
				    &r->other_name, r->flags);
	case WRITE:
		return file_write(&store, r->node, r->offset, r->data,
				  r->bytes, &done);
	case RESIZE:
		return inode ? file_resize(&store, inode, r->offset)
			     : ERR_STALE;
	case HOLD:
		store_hold(&store, inode, 7);
		return STATUS_OK;
	case RELEASE:
		store_release(&store, inode);
		return STATUS_OK;
	}
	return ERR_ARGUMENT;
}

static u64 request_id;

static enum status send_request(const struct request *r, bool may_die)
{
	u64 *record = store_at(&store, store.super->record);
	enum status status;

	operations++;
	request_id++;
	if (setjmp(death) != 0)
		restart();
	if (record[0] == request_id)
		return STATUS_OK; // done before it died
	until_death = may_die && below(3) == 0 ? 1 + below(80) : -1;
	status = carry_out(r);
	if (status == STATUS_OK) {
		store_touch(&store, record, sizeof(*record));
		record[0] = request_id;
		store_commit(&store);
	} else {
		store_rollback(&store);
	}
	until_death = -1;
	return status;
}

// ---- the model

static struct fs_name name_of(const char *text)
{
	struct fs_name name;

	CHECK(fs_name_copy(&name, (const u8 *)text, (u32)strlen(text)) ==
	      STATUS_OK);
	return name;
}

static int find(int parent, const char *name)
{
	for (int i = 0; i < ENTRIES; i++)
		if (entry[i].used && entry[i].parent == parent &&
		    string_equal(entry[i].name, name))
			return i;
	return -1;
}

static int free_entry(void)
{
	for (int i = 0; i < ENTRIES; i++)
		if (!entry[i].used)
			return i;
	return -1;
}

static int free_file(void)
{
	for (int i = 1; i < ENTRIES; i++)
		if (file[i].node == 0)
			return i;
	return -1;
}

static int random_entry(void)
{
	for (int tries = 0; tries < 100; tries++) {
		int i = (int)below(ENTRIES);

		if (entry[i].used)
			return i;
	}
	return -1;
}

// A directory with a name, or the root.
static int random_folder(void)
{
	for (int tries = 0; tries < 30; tries++) {
		int i = random_entry();

		if (i >= 0 && file[entry[i].file].type == FS_TYPE_DIRECTORY)
			return entry[i].file;
	}
	return 0;
}

static bool empty(int folder)
{
	for (int i = 0; i < ENTRIES; i++)
		if (entry[i].used && entry[i].parent == folder)
			return false;
	return true;
}

static bool within(int folder, int tree)
{
	while (folder != 0) {
		if (folder == tree)
			return true;
		for (int i = 0; i < ENTRIES; i++)
			if (entry[i].used && entry[i].file == folder) {
				folder = entry[i].parent;
				break;
			}
	}
	return false;
}

static void random_name(char *out)
{
	static const char *const parts[] = {
		"a", "file", "a name that takes a larger block of heap"};

	sprintf(out, "%s%u", parts[below(3)], below(12));
}

static void file_gone(int f)
{
	if (file[f].names != 0 || file[f].held != 0)
		return;
	CHECK(store_node(&store, file[f].node) == nullptr);
	free(file[f].data);
	file[f] = (struct file){};
}

static void compare_file(int f)
{
	static u8 data[DATA_BYTES];
	const struct inode *inode = store_node(&store, file[f].node);
	u32 done;

	CHECK(inode && (inode->mode & FS_TYPE_MASK) == file[f].type);
	if (file[f].type != FS_TYPE_FILE)
		return;
	CHECK(inode->links == file[f].names);
	CHECK(inode->size_bytes == file[f].bytes);
	CHECK(file_read(&store, file[f].node, 0, data, sizeof(data), &done) ==
	      STATUS_OK);
	CHECK(done == file[f].bytes);
	CHECK(memcmp(data, file[f].data, done) == 0);
}

static void compare_all(void)
{
	u32 count[ENTRIES] = {};

	for (int i = 0; i < ENTRIES; i++) {
		struct fs_name name;
		u64 node;
		u32 mode;

		if (!entry[i].used)
			continue;
		name = name_of(entry[i].name);
		count[entry[i].parent]++;
		CHECK(names_lookup(&store, file[entry[i].parent].node, &name,
				   &node, &mode) == STATUS_OK);
		CHECK(node == file[entry[i].file].node);
		if (file[entry[i].file].type != FS_TYPE_DIRECTORY)
			continue;
		name = name_of("..");
		CHECK(names_lookup(&store, node, &name, &node, &mode) ==
		      STATUS_OK);
		CHECK(node == file[entry[i].parent].node);
	}
	for (int i = 0; i < ENTRIES; i++) {
		if (file[i].node == 0)
			continue;
		compare_file(i);
		if (file[i].type == FS_TYPE_DIRECTORY)
			CHECK(store_node(&store, file[i].node)->entries ==
			      count[i]);
	}
	CHECK(store_check(&store) == nullptr);
}

// ---- random requests

static void add_entry(int parent, const char *name, int f)
{
	int i = free_entry();

	entry[i] = (struct entry){true, parent, f, ""};
	memcpy(entry[i].name, name, strlen(name) + 1);
	file[f].names++;
}

static void try_create(bool may_die)
{
	static const u32 types[] = {FS_TYPE_FILE, FS_TYPE_FILE,
				    FS_TYPE_DIRECTORY, FS_TYPE_SYMLINK,
				    FS_TYPE_FIFO};
	int f = free_file();
	int folder = random_folder();
	struct request r = {.kind = CREATE, .directory = file[folder].node};
	char name[64];
	enum status status;

	if (f < 0 || free_entry() < 0)
		return;
	random_name(name);
	r.name = name_of(name);
	r.what.mode = types[below(5)] | 0644;
	r.what.target = "some/where";
	r.what.target_bytes = 10;
	status = send_request(&r, may_die);
	if (find(folder, name) >= 0) {
		CHECK(status == ERR_EXIST);
		return;
	}
	CHECK(status == STATUS_OK);
	// The number came back before the death, or not: look it up.
	CHECK(names_lookup(&store, r.directory, &r.name, &result,
			   &(u32){}) == STATUS_OK);
	file[f] = (struct file){.type = r.what.mode & FS_TYPE_MASK,
				.node = result,
				.data = calloc(1, DATA_BYTES)};
	add_entry(folder, name, f);
}

static void try_link(bool may_die)
{
	int i = random_entry();
	int folder = random_folder();
	struct request r = {.kind = LINK, .directory = file[folder].node};
	char name[64];
	enum status status;

	if (i < 0 || free_entry() < 0)
		return;
	random_name(name);
	r.name = name_of(name);
	r.node = file[entry[i].file].node;
	status = send_request(&r, may_die);
	if (find(folder, name) >= 0)
		CHECK(status == ERR_EXIST);
	else if (file[entry[i].file].type == FS_TYPE_DIRECTORY)
		CHECK(status == ERR_ISDIR);
	else
		CHECK(status == STATUS_OK);
	if (status == STATUS_OK)
		add_entry(folder, name, entry[i].file);
}

static void try_unlink(bool may_die)
{
	int i = random_entry();
	struct request r = {.kind = UNLINK, .rmdir = below(2)};
	enum status status;
	bool folder;
	int f;

	if (i < 0)
		return;
	f = entry[i].file;
	folder = file[f].type == FS_TYPE_DIRECTORY;
	r.directory = file[entry[i].parent].node;
	r.name = name_of(entry[i].name);
	status = send_request(&r, may_die);
	if (r.rmdir != folder) {
		CHECK(status == (folder ? ERR_ISDIR : ERR_NOTDIR));
		return;
	}
	if (folder && !empty(f)) {
		CHECK(status == ERR_NOTEMPTY);
		return;
	}
	CHECK(status == STATUS_OK);
	entry[i].used = false;
	file[f].names--;
	file_gone(f);
}

static enum status expected_rename(int f, int folder, int there, u32 flags,
				   int from)
{
	bool directory = file[f].type == FS_TYPE_DIRECTORY;
	int g = there >= 0 ? entry[there].file : -1;

	if (there >= 0 && (flags & FS_RENAME_NOREPLACE))
		return ERR_EXIST;
	if (there < 0 && (flags & FS_RENAME_EXCHANGE))
		return ERR_NOENT;
	if (directory && within(folder, f))
		return ERR_ARGUMENT;
	if (g < 0 || g == f)
		return STATUS_OK;
	if (flags & FS_RENAME_EXCHANGE)
		return file[g].type == FS_TYPE_DIRECTORY && within(from, g)
			       ? ERR_ARGUMENT
			       : STATUS_OK;
	if (directory && file[g].type != FS_TYPE_DIRECTORY)
		return ERR_NOTDIR;
	if (!directory && file[g].type == FS_TYPE_DIRECTORY)
		return ERR_ISDIR;
	if (directory && !empty(g))
		return ERR_NOTEMPTY;
	return STATUS_OK;
}

static void try_rename(bool may_die)
{
	static const u32 flags[] = {0, 0, 0, FS_RENAME_NOREPLACE,
				    FS_RENAME_EXCHANGE};
	int i = random_entry();
	int folder = random_folder();
	struct request r = {.kind = RENAME, .flags = flags[below(5)]};
	char name[64];
	enum status status;
	int there, f, g;

	if (i < 0)
		return;
	f = entry[i].file;
	random_name(name);
	there = find(folder, name);
	g = there >= 0 ? entry[there].file : -1;
	r.directory = file[entry[i].parent].node;
	r.name = name_of(entry[i].name);
	r.other = file[folder].node;
	r.other_name = name_of(name);
	status = send_request(&r, may_die);
	CHECK(status == expected_rename(f, folder, there, r.flags,
					entry[i].parent));
	if (status != STATUS_OK || g == f)
		return;
	if (r.flags == FS_RENAME_EXCHANGE) {
		entry[i].file = g;
		entry[there].file = f;
		return;
	}
	if (there >= 0) {
		entry[there].used = false;
		file[g].names--;
		file_gone(g);
	}
	entry[i].parent = folder;
	memcpy(entry[i].name, name, strlen(name) + 1);
}

static int random_file(void)
{
	for (int tries = 0; tries < 100; tries++) {
		int f = (int)below(ENTRIES);

		if (file[f].node != 0 && file[f].type == FS_TYPE_FILE)
			return f;
	}
	return -1;
}

static u32 random_size(void)
{
	switch (below(4)) {
	case 0:
		return below(200);
	case 1:
		return below(2000);
	case 2:
		return below(40000);
	default:
		return below(DATA_BYTES);
	}
}

static void try_write(bool may_die)
{
	static u8 data[70000];
	int f = random_file();
	struct request r = {.kind = WRITE, .data = data};
	enum status status;

	if (f < 0)
		return;
	r.node = file[f].node;
	r.offset = below(2) ? file[f].bytes : random_size();
	r.bytes = 1 + below(below(3) ? 300 : sizeof(data) - 1);
	if (r.offset + r.bytes > DATA_BYTES)
		return;
	for (u32 k = 0; k < r.bytes; k++)
		data[k] = (u8)next_random();
	room = below(20) != 0;
	status = send_request(&r, may_die);
	if (!room) {
		room = true;
		CHECK(status == ERR_NOSPACE || status == STATUS_OK);
		if (status != STATUS_OK)
			return;
	}
	CHECK(status == STATUS_OK);
	memcpy(file[f].data + r.offset, data, r.bytes);
	file[f].bytes = (u32)MAX(r.offset + r.bytes, (u64)file[f].bytes);
}

static void try_resize(bool may_die)
{
	int f = random_file();
	struct request r = {.kind = RESIZE};

	if (f < 0)
		return;
	r.node = file[f].node;
	r.offset = below(2) ? random_size() : below(file[f].bytes + 1);
	CHECK(send_request(&r, may_die) == STATUS_OK);
	if (r.offset < file[f].bytes)
		memset(file[f].data + r.offset, 0, file[f].bytes - r.offset);
	file[f].bytes = (u32)r.offset;
}

static void try_hold(bool may_die)
{
	int f = random_file();
	struct request r = {.kind = HOLD};

	if (f < 0)
		return;
	r.node = file[f].node;
	if (file[f].held != 0 && below(2))
		r.kind = RELEASE;
	CHECK(send_request(&r, may_die) == STATUS_OK);
	if (r.kind == HOLD) {
		file[f].held++;
	} else {
		file[f].held--;
		file_gone(f);
	}
}

// The client dies: all that it held is let go, what has no name goes.
static void abandon(void)
{
	if (setjmp(death) != 0)
		restart();
	else
		until_death = below(3) ? -1 : 1 + below(20);
	store_release_holder(&store, 7);
	until_death = -1;
	for (int f = 0; f < ENTRIES; f++)
		if (file[f].held != 0) {
			file[f].held = 0;
			file_gone(f);
		}
}

static void work(u32 rounds, bool may_die)
{
	static void (*const tries[])(bool) = {
		try_create, try_create, try_write,  try_write, try_write,
		try_resize, try_unlink, try_rename, try_link,  try_hold};

	for (u32 i = 0; i < rounds; i++) {
		tries[below(10)](may_die);
		if (i % 500 == 499)
			abandon();
		if (i % 100 == 0)
			compare_all();
	}
	compare_all();
}

// ---- the boot archive

static u8 archive[16384];

static void member(u8 *at, const char *name, char type, const char *link,
		   u32 bytes)
{
	u32 sum = 0;

	memcpy(at, name, strlen(name));
	memcpy(at + 100, "0000755\0" "0000000\0" "0000000\0", 24);
	snprintf((char *)at + 124, 12, "%011o", bytes);
	snprintf((char *)at + 136, 12, "%011o", 1000);
	at[156] = (u8)type;
	memcpy(at + 157, link, strlen(link));
	memcpy(at + 257, "ustar\0" "00", 8);
	memset(at + 148, ' ', 8);
	for (u32 i = 0; i < 512; i++)
		sum += at[i];
	snprintf((char *)at + 148, 8, "%06o", sum);
}

static u32 reports;

static void report(const char *path, u64 position, const char *why)
{
	(void)path;
	(void)position;
	(void)why;
	reports++;
}

static u64 look(u64 directory, const char *name)
{
	struct fs_name n = name_of(name);
	u64 node;
	u32 mode;

	if (names_lookup(&store, directory, &n, &node, &mode) != STATUS_OK)
		return 0;
	return node;
}

static void test_populate(void)
{
	u64 root, bin, f;
	u8 data[8];
	u32 done;

	member(archive, "./bin/first", '0', "", FIRST_BYTES);
	memset(archive + 512, 'x', FIRST_BYTES);
	member(archive + 6656, "kochab/exec", '0', "", 3);
	member(archive + 7680, "bin/sh", '2', "/bin/first", 0);
	member(archive + 8192, "hard", '1', "bin/first", 0);
	// A second archive behind the first one replaces what it names.
	member(archive + 10240, "hard", '0', "", 4);
	memcpy(archive + 10752, "new\n", 4);
	member(archive + 11264, "../etc/passwd", '0', "", 0);
	store = (struct store){.archive = archive,
			       .archive_bytes = sizeof(archive)};
	memset(arena, 0xa5, sizeof(arena));
	CHECK(store_format(&store, arena, sizeof(arena), SLOTS) == STATUS_OK);
	populate(&store, report);
	CHECK(reports == 1);
	CHECK(store_check(&store) == nullptr);
	root = store_number(&store, store_inode(&store, STORE_ROOT));
	bin = look(root, "bin");
	CHECK(bin != 0 && look(root, "kochab") == 0 && look(root, "etc") == 0);
	f = look(bin, "first");
	CHECK(store_node(&store, f)->size_bytes == FIRST_BYTES);
	CHECK(store_node(&store, f)->content == CONTENT_ARCHIVE);
	CHECK(file_read(&store, f, FIRST_BYTES - 2, data, 8, &done) ==
		      STATUS_OK && done == 2 && data[1] == 'x');
	// The first change copies; the archive stays as it was.
	CHECK(file_write(&store, f, 1, (const u8 *)"yy", 2, &done) ==
	      STATUS_OK);
	store_commit(&store);
	CHECK(file_read(&store, f, 0, data, 4, &done) == STATUS_OK);
	CHECK(memcmp(data, "xyyx", 4) == 0 && archive[513] == 'x');
	CHECK(file_read(&store, look(root, "hard"), 0, data, 8, &done) ==
		      STATUS_OK && done == 4 && memcmp(data, "new\n", 4) == 0);
	for (u32 i = 0; i < SLOTS; i++)
		backing_destroy(i);
}

// When there is no room left, what is there can still be read.
static void test_full(void)
{
	struct fs_name name = name_of("full");
	struct new_file what = {.mode = FS_TYPE_FILE | 0644};
	static u8 data[3000];
	u64 root, f;
	u32 done;

	store = (struct store){};
	CHECK(store_format(&store, arena, sizeof(arena), SLOTS) == STATUS_OK);
	root = store_number(&store, store_inode(&store, STORE_ROOT));
	CHECK(names_create(&store, root, &name, &what, &f) == STATUS_OK);
	CHECK(file_write(&store, f, 0, data, sizeof(data), &done) == STATUS_OK);
	store_commit(&store);
	room = false;
	CHECK(file_read(&store, f, 0, data, sizeof(data), &done) == STATUS_OK);
	CHECK(done == sizeof(data));
	CHECK(file_write(&store, f, 0, data, 1, &done) == ERR_NOSPACE);
	store_rollback(&store);
	room = true;
	// A hole would need a page to be looked at.
	CHECK(file_write(&store, f, 1 << 20, data, 1, &done) == STATUS_OK);
	store_commit(&store);
	room = false;
	CHECK(file_read(&store, f, 9000, data, 9, &done) == ERR_NOSPACE);
	room = true;
	for (u32 i = 0; i < SLOTS; i++)
		backing_destroy(i);
}

// ---- flipped bits: refused or harmless, and noticed by the superblock's sum

static void test_flips(u32 rounds)
{
	u32 refused = 0;

	memcpy(copy, arena, sizeof(arena));
	for (u32 i = 0; i < rounds; i++) {
		u32 at = below(4) ? below(store.super->heap_used)
				  : below(sizeof(struct store_super));
		struct store other = {.archive = store.archive,
				      .archive_bytes = store.archive_bytes};
		const char *why;

		if (at >= store.super->record &&
		    at < store.super->journal && below(10))
			continue;
		arena[at] ^= (u8)(1 << below(8));
		if (store_open(&other, arena, sizeof(arena), SLOTS, &why) !=
		    STATUS_OK)
			refused++;
		memcpy(arena, copy, sizeof(arena));
	}
	printf("NOTE %u of %u flipped bits refused\n", refused, rounds);
	CHECK(refused > rounds / 20);
	CHECK(store_check(&store) == nullptr);
}

int main(void)
{
	const char *text = getenv("KOCHAB_TEST_SEED");

	seed = text ? strtoull(text, nullptr, 10) * 2654435761u + 1 : 12345;
	printf("seed %s\n", text ? text : "12345");
	test_populate();
	test_full();
	store = (struct store){};
	CHECK(store_format(&store, arena, 1000, SLOTS) == ERR_RANGE);
	CHECK(store_format(&store, arena, sizeof(arena), SLOTS) == STATUS_OK);
	file[0] = (struct file){
		.type = FS_TYPE_DIRECTORY,
		.node = store_number(&store, store_inode(&store, STORE_ROOT))};
	work(1000, false);
	work(8000, true);
	restart();
	compare_all();
	test_flips(2000);
	printf("NOTE %lu requests, %lu deaths inside one\n", operations, deaths);
	CHECK(deaths > 100);
	for (int i = 0; i < ENTRIES; i++)
		free(file[i].data);
	for (u32 i = 0; i < SLOTS; i++)
		backing_destroy(i);
	return 0;
}
