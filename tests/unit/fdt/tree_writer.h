// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Writes device trees (Devicetree Specification 0.4, chapter 5) for tests: nodes and
// properties one after the other, then tree_end(). What does not fit is left out.
#pragma once

#include "lib/base/bits.h"
#include "lib/base/string.h"

#define TREE_BYTES 16384
#define TREE_STRUCTURE 72 // behind the header and one reservation with its end
#define TREE_STRINGS (TREE_BYTES - 2048)

struct tree_writer {
	alignas(8) u8 bytes[TREE_BYTES];
	u32 at, strings; // used of the structure, of the strings
	u32 depth;
};

static inline void tree_be32(u8 *to, u32 value)
{
	for (u32 i = 0; i < 4; i++)
		to[i] = (u8)(value >> (24 - i * 8));
}

static inline bool tree_room(const struct tree_writer *w, u32 bytes)
{
	return w->at + bytes + 4096 < TREE_STRINGS;
}

static inline void tree_cell(struct tree_writer *w, u32 value)
{
	tree_be32(w->bytes + w->at, value);
	w->at += 4;
}

static inline void tree_begin(struct tree_writer *w)
{
	memset(w, 0, sizeof(*w));
	w->at = TREE_STRUCTURE;
}

static inline void tree_reserve(struct tree_writer *w, u64 address, u64 bytes)
{
	tree_be32(w->bytes + 40, (u32)(address >> 32));
	tree_be32(w->bytes + 44, (u32)address);
	tree_be32(w->bytes + 48, (u32)(bytes >> 32));
	tree_be32(w->bytes + 52, (u32)bytes);
}

static inline void tree_open(struct tree_writer *w, const char *name)
{
	u32 bytes = (u32)strlen(name) + 1;

	if (!tree_room(w, bytes + 8))
		return;
	tree_cell(w, 1);
	memcpy(w->bytes + w->at, name, bytes);
	w->at = (u32)align_up(w->at + bytes, 4);
	w->depth++;
}

static inline void tree_close(struct tree_writer *w)
{
	if (w->depth == 0)
		return;
	tree_cell(w, 2);
	w->depth--;
}

static inline void tree_property(struct tree_writer *w, const char *name,
				 const void *value, u32 bytes)
{
	u32 name_bytes = (u32)strlen(name) + 1;

	if (!tree_room(w, bytes + 16) || w->strings + name_bytes > 2000)
		return;
	tree_cell(w, 3);
	tree_cell(w, bytes);
	tree_cell(w, w->strings);
	memcpy(w->bytes + TREE_STRINGS + w->strings, name, name_bytes);
	w->strings += name_bytes;
	memcpy(w->bytes + w->at, value, bytes);
	w->at = (u32)align_up(w->at + bytes, 4);
}

static inline void tree_text(struct tree_writer *w, const char *name,
			     const char *value)
{
	tree_property(w, name, value, (u32)strlen(value) + 1);
}

static inline void tree_cells(struct tree_writer *w, const char *name,
			      const u32 *value, u32 count)
{
	u8 bytes[512];

	for (u32 i = 0; i < count && i < 128; i++)
		tree_be32(bytes + i * 4, value[i]);
	tree_property(w, name, bytes, count * 4);
}

#define TREE_CELLS(w, name, ...)                                               \
	tree_cells(w, name, (const u32[]){__VA_ARGS__},                        \
		   sizeof((const u32[]){__VA_ARGS__}) / 4)

static inline void tree_end(struct tree_writer *w)
{
	const u32 total = TREE_STRINGS + w->strings;
	u32 header[10] = {
		0xd00dfeed, total, TREE_STRUCTURE, TREE_STRINGS, 40, 17, 16, 0,
		w->strings, 0};

	while (w->depth)
		tree_close(w);
	tree_cell(w, 9);
	header[9] = w->at - TREE_STRUCTURE;
	for (u32 i = 0; i < 10; i++)
		tree_be32(w->bytes + i * 4, header[i]);
}
