// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The exec channel: the console port carries frames both ways instead of a
// terminal. First the marker, then frames: type u8, length u16 little endian,
// payload.
//   to the host:   O stdout  E stderr  T text of Kochab's own  C u32 bytes of
//                  stdin the host may send more  X i32 exit status
//   from the host: I stdin  Z its end  S u8 signal to the foreground group
//                  W u16 columns u16 rows
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/container.h"
#include "personalities/linux/port.h"
#include "personalities/linux/process.h"
#include "personalities/linux/tty.h"

#define INPUT_BYTES 65536u
#define CREDIT_STEP 16384u
#define PAYLOAD_MAX 1024u
#define HEADER 3u

u32 exec_channel_group;

static u8 stdin_ring[INPUT_BYTES];
static u32 stdin_head, stdin_used;
static u32 uncredited; // bytes taken since the host was last told
static bool stdin_ended;
static struct wait_queue stdin_queue = {
	{&stdin_queue.waiters, &stdin_queue.waiters}};

// The frame being received.
static struct {
	u8 header[HEADER];
	u32 have; // bytes of header and payload so far
	u8 small[8]; // payload of frames other than I
} frame;

static void put_frame(u8 type, const void *payload, u32 bytes)
{
	u8 header[HEADER] = {type, (u8)bytes, (u8)(bytes >> 8)};

	(void)port_put(header, HEADER);
	(void)port_put(payload, bytes);
}

static void grant(u32 bytes)
{
	put_frame('C', &bytes, 4);
}

static void frame_ends(u8 type, u32 bytes)
{
	switch (type) {
	case 'Z':
		stdin_ended = true;
		wait_wake(&stdin_queue);
		break;
	case 'S':
		if (bytes == 1 && frame.small[0] >= 1 &&
		    frame.small[0] <= SIGNALS && exec_channel_group)
			signal_group(exec_channel_group, frame.small[0]);
		break;
	case 'W':
		if (bytes == 4)
			memcpy(&console_tty.line.size.columns, frame.small, 2),
				memcpy(&console_tty.line.size.rows,
				       frame.small + 2, 2);
		break;
	}
}

static void payload_byte(u8 type, u32 at, u8 byte)
{
	if (type == 'I') {
		u32 tail = (stdin_head + stdin_used) % INPUT_BYTES;

		if (stdin_used == INPUT_BYTES)
			return; // more than it was allowed: lost
		stdin_ring[tail] = byte;
		stdin_used++;
	} else if (at < sizeof(frame.small)) {
		frame.small[at] = byte;
	}
}

static void input(const u8 *bytes, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		u32 length;

		if (frame.have < HEADER) {
			frame.header[frame.have++] = bytes[i];
		} else {
			payload_byte(frame.header[0], frame.have - HEADER,
				     bytes[i]);
			frame.have++;
		}
		length = frame.header[1] | (u32)frame.header[2] << 8;
		if (frame.have < HEADER || frame.have < HEADER + length)
			continue;
		frame_ends(frame.header[0], length);
		frame.have = 0;
	}
	if (stdin_used)
		wait_wake(&stdin_queue);
}

static i64 in_read(struct thread *thread, struct file *file, struct io *io,
		   u64 *position)
{
	i64 total = 0;

	(void)position;
	if (!io->left)
		return 0;
	while (!stdin_used) {
		i64 error;

		if (stdin_ended)
			return 0;
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		error = wait_sleep(thread, &stdin_queue, 0);
		if (error)
			return error;
	}
	while (io->left && stdin_used) {
		u32 part = MIN(stdin_used, INPUT_BYTES - stdin_head);

		part = (u32)MIN((u64)part, io->left);
		if (io_put(io, stdin_ring + stdin_head, part))
			return total ? total : -EFAULT;
		stdin_head = (stdin_head + part) % INPUT_BYTES;
		stdin_used -= part;
		uncredited += part;
		total += part;
	}
	if (uncredited >= CREDIT_STEP) {
		grant(uncredited);
		uncredited = 0;
		port_flush();
	}
	return total;
}

static i64 out_write(struct thread *thread, struct file *file, struct io *io,
		     u64 *position)
{
	u8 type = *(const u8 *)file->object;
	i64 total = 0;

	(void)position;
	while (io->left && !(total && thread_interrupted(thread))) {
		u8 bytes[PAYLOAD_MAX];
		u32 part = (u32)MIN(io->left, sizeof(bytes));

		while (port_room() < PAYLOAD_MAX + HEADER + 64) {
			i64 error;

			port_flush();
			if (port_room() >= PAYLOAD_MAX + HEADER + 64)
				break;
			error = wait_sleep(thread, &port_queue, 0);
			if (error)
				return total ? total : error;
		}
		if (io_get(io, bytes, part))
			return total ? total : -EFAULT;
		put_frame(type, bytes, part);
		total += part;
	}
	port_flush();
	return total;
}

static u32 in_poll(struct file *file)
{
	(void)file;
	return stdin_used || stdin_ended ? POLLIN | POLLRDNORM : 0;
}

static u32 out_poll(struct file *file)
{
	(void)file;
	return port_room() >= PAYLOAD_MAX * 2 ? POLLOUT | POLLWRNORM : 0;
}

static const struct file_operations in_operations = {
	.kind = "pipe",
	.read = in_read,
	.poll = in_poll,
};

static const struct file_operations out_operations = {
	.kind = "pipe",
	.write = out_write,
	.poll = out_poll,
};

i64 exec_channel_init(void)
{
	static const char marker[] = "\x1bKOCHAB-EXEC\n";
	i64 error = port_init(input);

	if (error)
		return error;
	(void)port_put((const u8 *)marker, sizeof(marker) - 1);
	grant(INPUT_BYTES);
	port_flush();
	return 0;
}

void exec_channel_files(struct file **in, struct file **out, struct file **err)
{
	static u8 types[2] = {'O', 'E'};

	*in = file_create(&in_operations, 0, nullptr);
	*out = file_create(&out_operations, O_WRONLY, &types[0]);
	*err = file_create(&out_operations, O_WRONLY, &types[1]);
	if (*in)
		(*in)->queue = &stdin_queue;
	if (*out)
		(*out)->queue = &port_queue;
	if (*err)
		(*err)->queue = &port_queue;
}

static void make_room(u32 bytes)
{
	while (port_room() < bytes + HEADER)
		port_drain();
}

void exec_channel_text(const char *text, usize bytes)
{
	while (bytes) {
		u32 part = (u32)MIN(bytes, (usize)PAYLOAD_MAX);

		make_room(part);
		put_frame('T', text, part);
		text += part;
		bytes -= part;
	}
	port_flush();
}

void exec_channel_end(i32 status)
{
	make_room(sizeof(status));
	put_frame('X', &status, sizeof(status));
	port_drain();
}
