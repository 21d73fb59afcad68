// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel log: the last 64 KiB of text in a ring, and everything to the log
// port at once.
#include "kernel/log.h"
#include "kernel/arch/arch.h"
#include "kernel/lock.h"
#include "lib/base/format.h"

#define RING_BYTES 65536

static struct {
	struct lock lock;
	u64 end; // bytes ever written
	char ring[RING_BYTES];
} kernel_log = {.lock.rank = LOCK_LOG};

void log_bytes(const char *text, usize length)
{
	lock_take(&kernel_log.lock);
	for (usize i = 0; i < length; i++)
		kernel_log.ring[kernel_log.end++ % RING_BYTES] = text[i];
	arch_console_write(text, length);
	lock_drop(&kernel_log.lock);
}

void klog(const char *format, ...)
{
	char line[256];
	va_list arguments;
	usize length;

	va_start(arguments, format);
	length = format_string(line, sizeof line - 1, format, arguments);
	va_end(arguments);
	if (length > sizeof line - 2)
		length = sizeof line - 2;
	line[length++] = '\n';
	log_bytes(line, length);
}

usize log_read(char *to, usize length, u64 position, u64 *next)
{
	usize done = 0;

	lock_take(&kernel_log.lock);
	if (kernel_log.end > RING_BYTES &&
	    position < kernel_log.end - RING_BYTES)
		position = kernel_log.end - RING_BYTES; // overwritten since
	while (done < length && position < kernel_log.end)
		to[done++] = kernel_log.ring[position++ % RING_BYTES];
	lock_drop(&kernel_log.lock);
	*next = position;
	return done;
}
