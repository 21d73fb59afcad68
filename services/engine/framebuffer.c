// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The firmware's picture as the boot code describes it, in a word of the command
// line; see manifest.h.
#include "lib/base/bits.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"
#include "services/engine/manifest.h"

#define PIXEL_BYTES 4
#define SIDE_MAX 16384

// The text up to the next colon, or its end; *text moves behind it.
static struct word take_part(const char **text)
{
	const char *end = strchr(*text, ':');
	usize bytes = end ? (usize)(end - *text) : strlen(*text);
	struct word part = {*text, bytes};

	*text += end ? bytes + 1 : bytes;
	return part;
}

static bool take_value(const char **text, u64 limit, u64 *value)
{
	struct word part = take_part(text);

	return parse_u64(part.text, part.bytes, limit, value) == STATUS_OK;
}

enum status framebuffer_parse(struct framebuffer *framebuffer, const char *text)
{
	u64 address, width, height, pitch;
	struct word order;

	if (!take_value(&text, 1ull << 52, &address) ||
		!take_value(&text, SIDE_MAX, &width) ||
		!take_value(&text, SIDE_MAX, &height) ||
		!take_value(&text, SIDE_MAX * PIXEL_BYTES, &pitch))
		return ERR_FORMAT;
	order = take_part(&text);
	if (order.text[order.bytes] || (!word_equal(order, "bgr") && !word_equal(order, "rgb")))
		return ERR_FORMAT;
	if (width == 0 || height == 0 || pitch < width * PIXEL_BYTES ||
		pitch % PIXEL_BYTES != 0 || address % PIXEL_BYTES != 0)
		return ERR_FORMAT;
	*framebuffer = (struct framebuffer){
		.address = address,
		.width = (u32)width,
		.height = (u32)height,
		.pitch = (u32)pitch,
		.red_first = word_equal(order, "rgb"),
	};
	return STATUS_OK;
}
