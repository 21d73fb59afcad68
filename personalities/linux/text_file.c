// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A file over a text that was made when it was opened: what /proc consists of.
#include "lib/base/bits.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"

struct text {
	char *bytes;
	usize length;
};

static i64 text_read(struct thread *thread, struct file *file, struct io *io,
		     u64 *position)
{
	struct text *text = file->object;
	usize bytes;

	(void)thread;
	if (*position >= text->length)
		return 0;
	bytes = MIN(io->left, text->length - *position);
	if (io_put(io, text->bytes + *position, bytes))
		return -EFAULT;
	*position += bytes;
	return (i64)bytes;
}

static void text_release(struct file *file)
{
	struct text *text = file->object;

	object_free(text->bytes);
	object_free(text);
}

static const struct file_operations text_operations = {.kind = "text",
						       .read = text_read,
						       .release = text_release,
						       .seekable = true};

i64 text_file(char *bytes, usize length, u32 flags, struct file **out)
{
	struct text *text = object_alloc(sizeof(*text));

	*out = text ? file_create(&text_operations, flags, text) : nullptr;
	if (!*out) {
		object_free(text);
		object_free(bytes);
		return -ENOMEM;
	}
	*text = (struct text){bytes, length};
	return 0;
}
