// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Archives from a hostile hand, through the reader and tarfs's tree. The input is
// a row of members, each a header of 512 bytes that is given a right checksum
// half of the time (a fuzzer does not guess one), with its data behind it.
#include <stdlib.h>

#include "lib/base/string.h"
#include "lib/tar/tar.h"
#include "services/tarfs/tree.h"

static void report(const char *path, u64 position, const char *why)
{
	if (strlen(path) > TAR_PATH_MAX || !why || position > 1u << 20)
		abort();
}

static void repair(u8 *at)
{
	u32 sum = 0;

	memcpy(at + 257, "ustar", 5);
	memset(at + 148, ' ', 8);
	for (u32 i = 0; i < 512; i++)
		sum += at[i];
	for (u32 i = 0; i < 6; i++)
		at[153 - i] = (u8)('0' + (sum >> i * 3 & 7));
}

static void look_at(const struct tree *tree)
{
	for (u32 i = 1; i <= tree->count; i++) {
		const struct tree_node *node = tree_node(tree, i);
		volatile u8 byte;

		if (tree_find(tree, node->parent, tree_name(tree, node),
			      node->name_bytes) != (i == TREE_ROOT ? 0 : i))
			abort();
		if (node->size_bytes == 0)
			continue;
		byte = tree->archive[node->data_offset];
		byte = tree->archive[node->data_offset + node->size_bytes - 1];
		(void)byte;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, usize bytes)
{
	struct tree tree;
	u8 *archive = malloc(bytes + 1);
	enum status status;

	memcpy(archive, data, bytes);
	for (usize at = 0; at + 512 <= bytes; at += 512)
		if (archive[at + 500] & 1)
			repair(archive + at);
	status = tree_build(&tree, archive, bytes, realloc, report);
	if (status != STATUS_OK && status != ERR_CORRUPT)
		abort();
	look_at(&tree);
	free(tree.node);
	free(tree.names);
	free(tree.bucket);
	free(archive);
	return 0;
}
