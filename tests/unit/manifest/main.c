// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The parser of manifests: the images of systems/ for every number of disks, what
// it makes of each directive, every kind of mistake with its line, and texts that
// were cut short or changed at random (the sanitizers watch).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/abi/objects.h"
#include "services/engine/manifest.h"

#define CHECK(condition)                                                     \
	do {                                                                 \
		if (!(condition)) {                                          \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                             \
		}                                                            \
	} while (0)

static struct manifest m;
static u32 nscreens;

static enum status parse(const char *text, u32 ndisks)
{
	// A copy of the exact size: reading beyond it is seen.
	usize bytes = strlen(text);
	char *copy = malloc(bytes ? bytes : 1);

	memcpy(copy, text, bytes);
	u32 count[EACH_KINDS] = {ndisks, nscreens};
	enum status status = manifest_parse(&m, copy, bytes, count);
	free(copy);
	return status;
}

static char *read_all(const char *path)
{
	FILE *file = fopen(path, "rb");
	static char text[65536];

	CHECK(file != nullptr);
	usize n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = 0;
	return text;
}

static void test_base_system(void)
{
	char *text = read_all("systems/base.sys");

	for (u32 i = 0; i < 2 * (DISKS_MAX + 1); i++) {
		u32 disks = i / 2;

		nscreens = i % 2;
		if (parse(text, disks) != STATUS_OK) {
			printf("line %u: %s\n", m.error_line, m.error);
			exit(1);
		}
		CHECK(m.nchannels == 2 * disks + 2 * nscreens);
		CHECK((manifest_find(&m, "screen") >= 0) == (nscreens > 0));
		CHECK(manifest_find(&m, "vfs") >= 0);
		CHECK((manifest_find(&m, "fat.1") >= 0) == (disks > 0));
		CHECK(manifest_find(&m, "fat.9") < 0);
		int vfs = manifest_find(&m, "vfs"), log = manifest_find(&m, "log");
		CHECK(manifest_depends(&m, (u32)vfs, (u32)log));
		CHECK(!manifest_depends(&m, (u32)log, (u32)vfs));
	}
}

static void test_values(void)
{
	const struct plan *a, *b;

	CHECK(parse("# nothing\n"
		"component a\n\tserve s\n\tlayer 3\n\tpriority 7\n"
		"\tmemory 64K\n\tdomain services\n\tstash 5000\n"
		"\tpool p 50%\n\tcnode c 16\n\tnumber n 0x10 7\n"
		"\targuments one two   # three\n\targuments four\n"
		"\tsystem system log control\n"
		"\tirq i isa 4\n\tioport io 0x3f8 8\n\theartbeat off\n"
		"\tbudget 3 60\n\trestart never\n\tslots 512\n"
		"component b.7\n\tlayer 4\n\tuse a\n"
		"\tuse x from a badge 0x1af4:0x1042:2\n\tuse y from a derive\n"
		"\tuse engine admin\n\tchannel c to a:d data 10K\n\tcontainer\n"
		"\tessential\n", 0) == STATUS_OK);
	CHECK(m.ncomponents == 2 && m.nchannels == 1);
	a = &m.component[0];
	b = &m.component[1];
	CHECK(a->layer == 3 && a->priority == 7 && a->memory.bytes == 65536);
	CHECK(a->domain == DOMAIN_SERVICES && a->stash_bytes == 8192);
	CHECK(a->nextras == 6 && a->extra[0].kind == EXTRA_POOL &&
		a->extra[0].size.percent == 50);
	CHECK(a->extra[1].kind == EXTRA_CNODE && a->extra[1].a == 4);
	CHECK(a->extra[2].a == 16 && a->extra[2].b == 7);
	CHECK(strcmp(a->arguments, "one two    four") == 0 ||
		strcmp(a->arguments, "one two four") == 0);
	CHECK(a->extra[3].a == (RIGHT_WRITE | RIGHT_CONTROL));
	CHECK(a->extra[4].kind == EXTRA_IRQ && a->extra[4].a == 4);
	CHECK(a->extra[5].a == 0x3f8 && a->extra[5].b == 8);
	CHECK(a->misses == 0 && a->budget == 3 && a->budget_seconds == 60);
	CHECK(!a->restart && a->slots_log2 == 9 && !a->container);
	CHECK(strcmp(b->binary, "b") == 0 && b->container && b->essential);
	CHECK(b->nuses == 4 && b->use[0].server == 0);
	CHECK(b->use[1].badge == (0x1af4ull << 48 | 0x1042ull << 32 | 2));
	CHECK(b->use[2].derive && b->use[3].server == USE_ENGINE &&
		b->use[3].admin);
	CHECK(m.channel[0].client == 1 && m.channel[0].server == 0 &&
		m.channel[0].data_bytes == 12288);
	CHECK(size_pages(a->extra[0].size, 100) == 50);
	CHECK(size_pages(a->memory, 100) == 16);
	CHECK(manifest_rest_pages(&m, DOMAIN_SERVICES, 100) > 0);
	CHECK(manifest_rest_pages(&m, DOMAIN_SERVICES, 20) == 0);
}

static void test_framebuffer(void)
{
	static const char *const wrong[] = {
		"", "1", "0x1000:64:64:256", "0x1000:64:64:256:", ":64:64:256:bgr",
		"0x1000:0:64:256:bgr", "0x1000:64:0:256:bgr",
		"0x1000:64:64:252:bgr", "0x1000:64:64:258:bgr",
		"0x1000:64:64:256:grb", "0x1000:64:64:256:bgr:",
		"0x1000:64:64:256:bgr:1", "0x1002:64:64:256:bgr",
		"0x1000:64:99999:256:bgr", "0x10000000000000000:64:64:256:bgr",
		"0x1000:64:64:-1:bgr", "x:64:64:256:bgr",
	};
	struct framebuffer f = {};

	CHECK(framebuffer_parse(&f, "0xc0000000:1280:800:5120:bgr") ==
	      STATUS_OK);
	CHECK(f.address == 0xc0000000 && f.width == 1280 && f.height == 800 &&
	      f.pitch == 5120 && !f.red_first);
	CHECK(framebuffer_parse(&f, "4096:8:8:64:rgb") == STATUS_OK);
	CHECK(f.red_first && f.pitch == 64);
	for (u32 i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char *copy = strdup(wrong[i]);

		CHECK(framebuffer_parse(&f, copy) == ERR_FORMAT);
		free(copy);
	}
}

static void test_disks(void)
{
	const char *text = "component v\n\tlayer 9\n"
		"\teach disk use m.{n+1} from f.{n}\n"
		"\teach disk arguments {n+1}=/disk{n}\n"
		"each disk component f.{n}\n\tserve s\n\tlayer 5\n"
		"\tnumber index {n-1}\n";

	CHECK(parse(text, 0) == STATUS_OK && m.ncomponents == 1);
	CHECK(parse(text, 3) == STATUS_OK && m.ncomponents == 4);
	CHECK(m.component[0].nuses == 3);
	CHECK(strcmp(m.component[0].use[2].name, "m.4") == 0);
	CHECK(strcmp(m.component[0].arguments, "2=/disk1 3=/disk2 4=/disk3") ==
		0);
	CHECK(strcmp(m.component[3].name, "f.3") == 0);
	CHECK(m.component[3].extra[0].a == 2);
	CHECK(parse(text, 1000) == STATUS_OK && m.ncomponents == 1 + DISKS_MAX);
}

// Each of these must be refused, at this line.
static void test_mistakes(void)
{
	static const struct {
		const char *text;
		u32 line;
	} mistakes[] = {
		{"", 0},
		{"# only a comment\n", 0},
		{"layer 3\n", 1},
		{"component\n", 1},
		{"component a b\n", 1},
		{"component A\n", 1},
		{"component a_b\n", 1},
		{"component aaaaaaaaaaaaaaaaaaaaaaaa\n", 1},
		{"component engine\n", 1},
		{"component a\ncomponent a\n", 2},
		{"component a\n\nnonsense\n", 3},
		{"component a\nlayer\n", 2},
		{"component a\nlayer 1 2\n", 2},
		{"component a\nlayer x\n", 2},
		{"component a\nlayer 256\n", 2},
		{"component a\nlayer -1\n", 2},
		{"component a\npriority 64\n", 2},
		{"component a\nmemory 5X\n", 2},
		{"component a\nmemory 101%\n", 2},
		{"component a\nmemory 99999999999999999999\n", 2},
		{"component a\ndomain heaven\n", 2},
		{"component a\nslots 100\n", 2},
		{"component a\nslots 8192\n", 2},
		{"component a\nrestart sometimes\n", 2},
		{"component a\nuse b\n", 2},
		{"component a\nuse a from\n", 2},
		{"component b\nlayer 1\ncomponent a\nuse b\n", 4},
		{"component b\nserve s\nlayer 20\ncomponent a\nuse b\n", 5},
		{"component b\nserve s\nlayer 1\ncomponent a\nuse b\nuse b\n", 6},
		{"component b\nserve s\nlayer 1\ncomponent a\nuse b badge 1:2\n", 5},
		{"component b\nserve s\nlayer 1\ncomponent a\n"
			"use b badge 0x10000:2:3\n", 5},
		{"component a\nsystem system everything\n", 2},
		{"component a\ncnode c 3\n", 2},
		{"component a\ncnode c 8192\n", 2},
		{"component a\nioport p 0xfff0 0x20\n", 2},
		{"component a\nirq i pci 3\n", 2},
		{"component a\nchannel c to b:d data 4K\n", 2},
		{"component a\nchannel c to a:d data 4K\n", 2},
		{"component a\nchannel c to b data 4K\n", 2},
		{"component a\nchannel c at b:d data 4K\n", 2},
		{"component a\nchannel c to b:d data 4K\n"
			"component b\nchannel e to a:f data 4K\n", 1},
		{"component a\nnumber n {n}\n", 2},
		{"component a\narguments {x}\n", 2},
		{"component a\nnumber n {\n", 2},
		{"component a\nlayer \x01\n", 2},
		{"component a\nlayer \xff\n", 2},
		{"each disk component f.{n}\neach disk number a 1\n", 2},
	};

	for (u32 i = 0; i < ARRAY_COUNT(mistakes); i++) {
		enum status status = parse(mistakes[i].text, 1);
		if (status != ERR_FORMAT || m.error_line != mistakes[i].line ||
			!m.error[0]) {
			printf("mistake %u: status %d, line %u '%s', not %u\n%s",
				i, status, m.error_line, m.error,
				mistakes[i].line, mistakes[i].text);
			exit(1);
		}
	}
}

static void test_limits(void)
{
	char *text = malloc(1 << 20), *at = text;

	for (u32 i = 0; i <= COMPONENTS; i++)
		at += sprintf(at, "component c.%u\n", i);
	CHECK(parse(text, 0) == ERR_FORMAT && m.error_line == COMPONENTS + 1);
	at = text + sprintf(text, "component a\n");
	for (u32 i = 0; i <= EXTRAS; i++)
		at += sprintf(at, "number n.%u 1\n", i);
	CHECK(parse(text, 0) == ERR_FORMAT && m.error_line == EXTRAS + 2);
	at = text + sprintf(text, "component a\narguments ");
	memset(at, 'x', 600);
	strcpy(at + 600, "\n");
	CHECK(parse(text, 0) == ERR_FORMAT && m.error_line == 2);
	memset(at, 'x', 5000);
	strcpy(at + 5000, "\n");
	CHECK(parse(text, 0) == ERR_FORMAT && m.error_line == 2);
	free(text);
}

static u32 seed = 4711;

static u32 random_next(void)
{
	return (seed = seed * 1664525 + 1013904223) >> 8;
}

static void test_damage(void)
{
	char *text = strdup(read_all("systems/base.sys"));
	usize bytes = strlen(text);
	u32 refused = 0;

	for (usize cut = 0; cut < bytes; cut += 7) {
		char save = text[cut];
		text[cut] = 0;
		refused += parse(text, cut % 4) != STATUS_OK;
		text[cut] = save;
	}
	for (u32 round = 0; round < 3000; round++) {
		char *copy = strdup(text);
		for (u32 k = random_next() % 4 + 1; k; k--)
			copy[random_next() % bytes] =
				(char)(random_next() % 255 + 1);
		if (parse(copy, round % 4) != STATUS_OK) {
			refused++;
			CHECK(m.error[0]);
		}
		free(copy);
	}
	printf("damaged texts: %u refused\n", refused);
	free(text);
}

int main(void)
{
	test_base_system();
	test_values();
	test_disks();
	test_framebuffer();
	test_mistakes();
	test_limits();
	test_damage();
	puts("manifest: ok");
	return 0;
}
