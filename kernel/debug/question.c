// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A question is a file in the emulator's folder, which is removed when it has been
// read. Who asks makes it under another name and renames it.
#include "kernel/debug/question.h"
#include "lib/base/bits.h"

#define SYS_OPEN 1
#define SYS_CLOSE 2
#define SYS_READ 6
#define SYS_REMOVE 0xe
#define OPEN_TO_READ 1

static const char name[] = "kernel-question";
static char text[80];
static u64 at, length;

static void fetch(i64 (*host)(u64, const void *))
{
	const u64 file[3] = {(u64)name, OPEN_TO_READ, sizeof(name) - 1};
	const u64 gone[2] = {(u64)name, sizeof(name) - 1};
	i64 handle = host(SYS_OPEN, file);
	const u64 read[3] = {(u64)handle, (u64)text, sizeof(text)};

	if (handle < 0)
		return;
	u64 missing = (u64)host(SYS_READ, read);

	at = 0;
	length = sizeof(text) - MIN(missing, sizeof(text));
	(void)host(SYS_CLOSE, read);
	(void)host(SYS_REMOVE, gone);
}

int question_read(i64 (*host)(u64 operation, const void *parameter))
{
	if (host && at == length)
		fetch(host);
	return at < length ? text[at++] : -1;
}
