// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The FAT server's volume against a model, on images that mkfs.fat made and
// fsck.fat judges. Random requests; at random places inside one the server
// "dies": everything but the disk and the stash is forgotten, a new instance opens
// both, and the request is sent again unless the stash holds its answer. After
// every death, and at the end, all files are read back and compared.
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/fat/times.h"
#include "services/fat/volume.h"

#define STASH_BYTES (96 << 10)
#define FILES 48
#define FOLDERS 7
#define SIZE_MAX_BYTES 150000
#define BUFFER 40000

char *strcpy(char *to, const char *from); // lib/base's header hides it

static u64 seed;
static int image = -1;
static struct disk_facts facts;
static u8 stash[STASH_BYTES];
static struct answer answers[4];
static jmp_buf death;
static long until_death = -1; // hooks left; -1: lives
static bool fail_reads;
static u64 deaths, operations;

struct model {
	bool used, directory;
	int parent; // index, 0 the root
	char name[80];
	u8 *data;
	u32 bytes;
	u64 held; // node, 0: not held
};
static struct model model[FILES];

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

#define CHECK(condition)                                                \
	do {                                                            \
		if (!(condition)) {                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__,       \
				__LINE__, #condition);                  \
			abort();                                        \
		}                                                       \
	} while (0)

// ---- the disk

struct disk_facts disk_facts(void)
{
	return facts;
}

static enum status disk_status;

static void maybe_die(void)
{
	if (until_death > 0 && --until_death == 0) {
		until_death = -1;
		deaths++;
		longjmp(death, 1);
	}
}

void journal_test_hook(void)
{
	maybe_die();
}

void disk_start(enum disk_way way, u64 sector, u32 count, u8 *data)
{
	long bytes = count * 512l;

	maybe_die();
	if (!range_within(sector, count, facts.capacity))
		disk_status = ERR_RANGE;
	else if (way == DISK_WRITE && facts.read_only)
		disk_status = ERR_READONLY;
	else if (fail_reads && way == DISK_READ)
		disk_status = ERR_IO;
	else if (way == DISK_READ)
		CHECK(pread(image, data, (size_t)bytes, (long)sector * 512) ==
		      bytes);
	else
		CHECK(pwrite(image, data, (size_t)bytes, (long)sector * 512) ==
		      bytes);
}

enum status disk_finish(void)
{
	enum status status = disk_status;

	disk_status = STATUS_OK;
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

static enum status restart(void)
{
	enum status status;

	disk_status = STATUS_OK;
	status = journal_open(stash, sizeof(stash), answers, 4);
	if (status != STATUS_OK)
		return status;
	return volume_mount(0x1234567);
}

// ---- one request, repeated until it is answered

static u64 request_id;

struct request {
	enum {
		CREATE, WRITE, RESIZE, REMOVE, RENAME, HOLD, RELEASE, ABANDON
	} kind;
	u64 directory, other;
	struct fs_name name, other_name;
	u32 mode;
	u64 node, offset;
	u32 bytes;
	const u8 *data;
	bool folder;
	u64 result;
};

static enum status carry_out(struct request *r)
{
	struct fs_attributes attributes = {.size_bytes = r->offset};
	u32 done;

	switch (r->kind) {
	case CREATE:
		return volume_create(r->directory, &r->name, r->mode,
				     &r->result);
	case WRITE:
		return volume_write(r->node, r->offset, r->data, r->bytes,
				    &done);
	case RESIZE:
		return volume_set_attributes(r->node, FS_SET_SIZE, &attributes);
	case REMOVE:
		return volume_remove(r->directory, &r->name, r->folder);
	case RENAME:
		return volume_rename(r->directory, &r->name, r->other,
				     &r->other_name, 0);
	case HOLD:
		return volume_hold(r->node, 1);
	case RELEASE:
		volume_release(r->node);
		return STATUS_OK;
	case ABANDON:
		volume_release_holder(1);
		return STATUS_OK;
	}
	return ERR_ARGUMENT;
}

static enum status send_request(struct request *r, bool may_die)
{
	volatile bool again = false;
	struct answer answer = {};
	enum status status;

	operations++;
	request_id++;
	if (setjmp(death) != 0) {
		CHECK(restart() == STATUS_OK);
		again = true;
	}
	if (again && answers[1].word[0] == request_id) {
		r->result = answers[1].word[2];
		return (enum status)(i64)answers[1].word[1];
	}
	// Repeats may die as well, but not for ever.
	until_death = may_die && below(again ? 6 : 3) == 0 ? 1 + below(60) : -1;
	volume_begin();
	status = carry_out(r);
	if (status != STATUS_OK) {
		volume_rollback();
		until_death = -1;
		return status;
	}
	answer.word[0] = request_id;
	answer.word[1] = (u64)(i64)status;
	answer.word[2] = r->result;
	status = volume_commit(1, &answer);
	until_death = -1;
	CHECK(status == STATUS_OK);
	return STATUS_OK;
}

// ---- the model

static struct fs_name name_of(const char *text)
{
	struct fs_name name;

	CHECK(fs_name_copy(&name, (const u8 *)text, (u32)strlen(text)) ==
	      STATUS_OK);
	return name;
}

static u64 node_of(int index)
{
	struct fs_name name;
	u64 node;
	u32 mode;

	if (index == 0)
		return VOLUME_ROOT;
	name = name_of(model[index].name);
	CHECK(volume_lookup(node_of(model[index].parent), &name, &node, &mode) ==
	      STATUS_OK);
	CHECK(model[index].held == 0 || model[index].held == node);
	CHECK((mode & FS_TYPE_MASK) == (model[index].directory
						? FS_TYPE_DIRECTORY
						: FS_TYPE_FILE));
	return node;
}

static int pick(bool used, bool directory)
{
	for (int tries = 0; tries < 200; tries++) {
		int i = 1 + (int)below(FILES - 1);

		if (model[i].used == used &&
		    (!used || model[i].directory == directory))
			return i;
	}
	return -1;
}

static int pick_folder(void)
{
	int i = below(3) ? pick(true, true) : 0;

	return i < 0 ? 0 : i;
}

static bool equal_folded(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static int find(int parent, const char *name)
{
	for (int i = 1; i < FILES; i++)
		if (model[i].used && model[i].parent == parent &&
		    equal_folded(model[i].name, name))
			return i;
	return -1;
}

static bool empty(int folder)
{
	for (int i = 1; i < FILES; i++)
		if (model[i].used && model[i].parent == folder)
			return false;
	return true;
}

static bool within(int folder, int tree)
{
	for (; folder != 0; folder = model[folder].parent)
		if (folder == tree)
			return true;
	return false;
}

static void random_name(char *out)
{
	static const char *const parts[] = {"a",    "README", "Makefile",
					    "long name with blanks",
					    "ünïcödé", "日本", "x.tar.gz",
					    "UPPER.TXT", "lower.txt"};

	sprintf(out, "%s%u", parts[below(9)], below(30));
}

static void compare(int index)
{
	static u8 data[SIZE_MAX_BYTES + 1];
	u64 node = node_of(index);
	struct fs_attributes attributes;
	u32 done = 0, step;

	CHECK(volume_attributes(node, &attributes) == STATUS_OK);
	CHECK(attributes.size_bytes == model[index].bytes);
	do {
		CHECK(volume_read(node, done, data + done, 1 + below(BUFFER),
				  &step) == STATUS_OK);
		done += step;
	} while (step != 0 && done < sizeof(data));
	CHECK(done == model[index].bytes);
	CHECK(memcmp(data, model[index].data, done) == 0);
}

static u32 listed(int folder)
{
	static u8 space[600];
	u64 cookie = 0;
	u32 count = 0;

	for (;;) {
		struct fs_packer packer = {space, sizeof(space), 0};

		CHECK(volume_list(node_of(folder), cookie, &packer, &cookie) ==
		      STATUS_OK);
		if (packer.used == 0)
			return count;
		for (u32 at = 0; at < packer.used;) {
			struct fs_entry entry;
			char name[256] = {};

			memcpy(&entry, space + at, sizeof(entry));
			memcpy(name, space + at + sizeof(entry),
			       entry.name_bytes);
			CHECK(find(folder, name) > 0);
			CHECK(entry.node == node_of(find(folder, name)));
			at += entry.entry_bytes;
			count++;
		}
	}
}

static void compare_all(void)
{
	u32 names[FILES] = {};

	for (int i = 1; i < FILES; i++) {
		if (!model[i].used)
			continue;
		names[model[i].parent]++;
		if (!model[i].directory)
			compare(i);
	}
	for (int i = 0; i < FILES; i++)
		if (i == 0 || (model[i].used && model[i].directory))
			CHECK(listed(i) == names[i]);
}

// ---- random requests

static void try_create(bool may_die)
{
	int slot = pick(false, false);
	int folder = pick_folder();
	bool directory = below(5) == 0;
	struct request r = {.kind = CREATE, .directory = node_of(folder)};
	char name[80];
	enum status status;

	random_name(name);
	r.name = name_of(name);
	r.mode = directory ? FS_TYPE_DIRECTORY | 0755 : FS_TYPE_FILE | 0644;
	if (slot < 0)
		return;
	status = send_request(&r, may_die);
	if (find(folder, name) >= 0) {
		CHECK(status == ERR_EXIST);
		return;
	}
	if (status == ERR_NOSPACE)
		return;
	CHECK(status == STATUS_OK);
	model[slot] = (struct model){.used = true,
				     .directory = directory,
				     .parent = folder,
				     .data = calloc(1, SIZE_MAX_BYTES)};
	strcpy(model[slot].name, name);
	CHECK(node_of(slot) == r.result);
}

static void try_write(bool may_die)
{
	static u8 data[BUFFER];
	int i = pick(true, false);
	struct request r = {.kind = WRITE, .data = data};
	enum status status;

	if (i < 0)
		return;
	r.node = node_of(i);
	r.bytes = 1 + below(below(4) ? 3000 : BUFFER);
	r.offset = below(3) ? model[i].bytes : below(SIZE_MAX_BYTES - BUFFER);
	if (r.offset + r.bytes > SIZE_MAX_BYTES)
		return;
	for (u32 k = 0; k < r.bytes; k++)
		data[k] = (u8)next_random();
	status = send_request(&r, may_die);
	if (status == ERR_NOSPACE)
		return;
	CHECK(status == STATUS_OK);
	memcpy(model[i].data + r.offset, data, r.bytes);
	model[i].bytes = (u32)MAX(r.offset + r.bytes, (u64)model[i].bytes);
}

static void try_resize(bool may_die)
{
	int i = pick(true, false);
	struct request r = {.kind = RESIZE};
	enum status status;

	if (i < 0)
		return;
	r.node = node_of(i);
	r.offset = below(4) ? below(model[i].bytes + 1) : below(SIZE_MAX_BYTES);
	status = send_request(&r, may_die);
	if (status == ERR_NOSPACE)
		return;
	CHECK(status == STATUS_OK);
	if (r.offset < model[i].bytes)
		memset(model[i].data + r.offset, 0,
		       model[i].bytes - r.offset);
	model[i].bytes = (u32)r.offset;
}

static void release(int i, bool may_die)
{
	struct request r = {.kind = RELEASE, .node = model[i].held};

	if (model[i].held == 0)
		return;
	CHECK(send_request(&r, may_die) == STATUS_OK);
	model[i].held = 0;
}

// A held file goes on after its name is gone.
static void use_orphan(int i, bool may_die)
{
	struct request r = {.kind = WRITE,
			    .node = model[i].held,
			    .offset = model[i].bytes,
			    .bytes = 5000,
			    .data = stash};
	struct fs_attributes attributes;
	u8 byte;
	u32 done;

	if (model[i].held == 0 || model[i].directory)
		return;
	CHECK(volume_attributes(model[i].held, &attributes) == STATUS_OK);
	CHECK(attributes.links == 0 && attributes.size_bytes == model[i].bytes);
	if (model[i].bytes != 0) {
		CHECK(volume_read(model[i].held, model[i].bytes - 1, &byte, 1,
				  &done) == STATUS_OK);
		CHECK(done == 1 && byte == model[i].data[model[i].bytes - 1]);
	}
	static u8 source[5000];
	r.data = source;
	enum status status = send_request(&r, may_die);

	CHECK(status == STATUS_OK || status == ERR_NOSPACE);
}

static void forget(int i, bool may_die)
{
	use_orphan(i, may_die);
	if (model[i].held != 0 && below(3) == 0) {
		// The client dies: all that it held is let go.
		struct request r = {.kind = ABANDON};

		CHECK(send_request(&r, may_die) == STATUS_OK);
		for (int k = 0; k < FILES; k++)
			model[k].held = 0;
	}
	release(i, may_die);
	free(model[i].data);
	model[i] = (struct model){};
}

static void try_remove(bool may_die)
{
	int i = pick(true, below(4) == 0);
	struct request r = {.kind = REMOVE};
	enum status status;

	if (i < 0)
		return;
	r.directory = node_of(model[i].parent);
	r.name = name_of(model[i].name);
	r.folder = model[i].directory;
	status = send_request(&r, may_die);
	if (model[i].directory && !empty(i)) {
		CHECK(status == ERR_NOTEMPTY);
		return;
	}
	CHECK(status == STATUS_OK);
	forget(i, may_die);
}

static enum status expected_rename(int i, int folder, int there)
{
	if (model[i].directory && (i == folder || within(folder, i)))
		return ERR_ARGUMENT;
	if (there < 0 || there == i)
		return STATUS_OK;
	if (model[i].directory && !model[there].directory)
		return ERR_NOTDIR;
	if (!model[i].directory && model[there].directory)
		return ERR_ISDIR;
	if (model[there].directory && !empty(there))
		return ERR_NOTEMPTY;
	return STATUS_OK;
}

static void try_rename(bool may_die)
{
	int i = pick(true, below(3) == 0);
	int folder = pick_folder();
	struct request r = {.kind = RENAME};
	char name[80];
	enum status status, expected;
	int there;

	if (i < 0)
		return;
	random_name(name);
	there = find(folder, name);
	r.directory = node_of(model[i].parent);
	r.name = name_of(model[i].name);
	r.other = node_of(folder);
	r.other_name = name_of(name);
	expected = expected_rename(i, folder, there);
	status = send_request(&r, may_die);
	if (status == ERR_NOSPACE)
		return;
	CHECK(status == expected);
	if (status != STATUS_OK)
		return;
	model[i].parent = folder;
	strcpy(model[i].name, name);
	if (there >= 0 && there != i)
		forget(there, may_die);
}

static void try_hold(bool may_die)
{
	int i = pick(true, below(5) == 0);
	struct request r = {.kind = HOLD};

	if (i < 0)
		return;
	if (model[i].held != 0) {
		release(i, may_die);
		return;
	}
	r.node = node_of(i);
	CHECK(send_request(&r, may_die) == STATUS_OK);
	model[i].held = r.node;
}

// ---- volumes

static void run(const char *command)
{
	if (system(command) != 0) {
		printf("failed: %s\n", command);
		abort();
	}
}

static void make_image(const char *path, u32 mib, const char *options)
{
	char command[300];
	struct stat about;

	unlink(path);
	image = open(path, O_RDWR | O_CREAT, 0600);
	CHECK(image >= 0 && ftruncate(image, (long)mib << 20) == 0);
	sprintf(command, "/usr/sbin/mkfs.fat %s %s >/dev/null", options, path);
	run(command);
	CHECK(fstat(image, &about) == 0);
	facts = (struct disk_facts){.capacity = (u64)about.st_size / 512};
	memset(stash, 0, sizeof(stash));
	memset(answers, 0, sizeof(answers));
}

static void work(u32 rounds, bool may_die)
{
	for (u32 i = 0; i < rounds; i++) {
		u64 before = deaths;

		switch (below(12)) {
		case 0 ... 2:
			try_create(may_die);
			break;
		case 3 ... 6:
			try_write(may_die);
			break;
		case 7:
			try_resize(may_die);
			break;
		case 8:
			try_remove(may_die);
			break;
		case 9 ... 10:
			try_rename(may_die);
			break;
		case 11:
			try_hold(may_die);
		}
		if (deaths != before && below(4) == 0)
			compare_all();
	}
	compare_all();
}

static void clear_model(void)
{
	for (int i = 0; i < FILES; i++)
		free(model[i].data);
	memset(model, 0, sizeof(model));
}

static void test_volume(const char *path, u32 mib, const char *options,
			u32 rounds)
{
	char command[300];

	make_image(path, mib, options);
	CHECK(restart() == STATUS_OK);
	work(rounds / 4, false);
	work(rounds, true);
	// Held but unlinked files were released; now nothing may be lost.
	CHECK(restart() == STATUS_OK);
	compare_all();
	close(image);
	sprintf(command, "/usr/sbin/fsck.fat -n %s >%s.log || { cat %s.log; false; }", path, path,
		path);
	run(command);
	clear_model();
	unlink(path);
	sprintf(command, "%s.log", path);
	unlink(command);
}

static void test_bad_volumes(const char *path)
{
	struct fs_name name = name_of("x");
	u64 node;

	make_image(path, 4, "");
	facts.read_only = true;
	CHECK(restart() == STATUS_OK);
	volume_begin();
	CHECK(volume_create(VOLUME_ROOT, &name, FS_TYPE_FILE | 0644, &node) ==
	      ERR_READONLY);
	volume_rollback();
	facts.read_only = false;
	// Numbers that nobody was given name nothing.
	for (int i = 0; i < 1000; i++) {
		struct fs_attributes attributes;
		u64 guess = below(2) ? next_random() : below(8192) * 16u;

		if (guess != VOLUME_ROOT)
			CHECK(volume_attributes(guess, &attributes) ==
			      ERR_STALE);
	}
	fail_reads = true;
	CHECK(restart() == ERR_IO);
	CHECK(volume_lookup(VOLUME_ROOT, &name, &node, &(u32){}) == ERR_NODEV);
	fail_reads = false;
	facts.absent = true;
	CHECK(restart() == ERR_NODEV);
	facts.absent = false;
	CHECK(ftruncate(image, 0) == 0 && ftruncate(image, 4 << 20) == 0);
	CHECK(restart() == ERR_FORMAT);
	stash[0] ^= 1; // a stash that is not one
	CHECK(journal_open(stash, sizeof(stash), answers, 4) == ERR_CORRUPT);
	close(image);
	unlink(path);
}

static void test_times(void)
{
	i64 leap = 1709210096ll * 1000000000; // 2024-02-29 12:34:56
	u32 fat = fat_time_from_ns(leap);

	CHECK(fat == ((44u << 9 | 2 << 5 | 29) << 16 | 12 << 11 | 34 << 5 | 28));
	CHECK(fat_time_to_ns(fat >> 16, fat & 0xffff) == leap);
	CHECK(fat_time_from_ns(0) >> 16 == (1 << 5 | 1));
	for (i64 day = 0; day < 36500; day++) {
		i64 ns = (315532800 + day * 86400) * 1000000000ll;
		u32 both = fat_time_from_ns(ns);

		CHECK(fat_time_to_ns(both >> 16, both & 0xffff) == ns);
	}
}

int main(void)
{
	const char *text = getenv("KOCHAB_TEST_SEED");
	char path[64];

	seed = text ? strtoull(text, nullptr, 10) * 2654435761u + 1 : 12345;
	printf("seed %s\n", text ? text : "12345");
	sprintf(path, "/tmp/kochab-fat-test.%d", getpid());
	test_times();
	test_bad_volumes(path);
	test_volume(path, 4, "-F 12", 4000);
	test_volume(path, 12, "-F 16 -s 1", 4000);
	test_volume(path, 3, "-F 12 -s 8", 4000);
	test_volume(path, 40, "-F 32 -s 1", 4000);
	printf("NOTE %lu requests, %lu deaths inside one, fsck clean\n",
	       operations, deaths);
	CHECK(deaths > 100);
	return 0;
}
