// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// svc: the engine's commands from the shell. A static Linux program without a C
// library: it joins its arguments with blanks, writes them to /dev/kochab and
// copies the answer to its output. The answer begins with the exit status (u32,
// little-endian); the text of a command that failed goes to standard error.
#include "apps/svc/linux.h"
#include "lib/base/string.h"

#define DEVICE "/dev/kochab"
#define COMMAND_BYTES 500
#define PIECE_BYTES 4096
#define AGAIN 75 // exit status: begun, ask again with one word more
#define AGAIN_TRIES 1000
#define AGAIN_NS 20000000

[[noreturn]] static void leave(u32 status)
{
	for (;;)
		linux_exit(status);
}

static void write_all(int fd, const char *text, usize bytes)
{
	while (bytes) {
		i64 done = linux_write(fd, text, bytes);
		if (done == -LINUX_EINTR)
			continue;
		if (done <= 0)
			return;
		text += done;
		bytes -= (usize)done;
	}
}

[[noreturn]] static void fail(const char *text)
{
	write_all(2, text, strlen(text));
	leave(1);
}

static usize join(char *command, int argc, char **argv)
{
	command[0] = 0;
	for (int i = 1; i < argc; i++) {
		if (i > 1)
			strlcat(command, " ", COMMAND_BYTES);
		if (strlcat(command, argv[i], COMMAND_BYTES) >= COMMAND_BYTES)
			fail("svc: command too long\n");
	}
	return strlen(command);
}

static i64 read_some(int fd, char *to, usize bytes)
{
	i64 done;

	do
		done = linux_read(fd, to, bytes);
	while (done == -LINUX_EINTR);
	return done;
}

static u32 read_status(int fd)
{
	u8 status[4];

	for (usize have = 0; have < sizeof(status);) {
		i64 done = read_some(fd, (char *)status + have,
			sizeof(status) - have);
		if (done <= 0)
			fail("svc: no answer from the engine\n");
		have += (usize)done;
	}
	return (u32)status[0] | (u32)status[1] << 8 | (u32)status[2] << 16 |
		(u32)status[3] << 24;
}

// The stack as the kernel leaves it: argc, argv.
[[noreturn]] void svc_main(u64 *stack)
{
	static char command[COMMAND_BYTES], piece[PIECE_BYTES];
	int argc = (int)stack[0];
	usize length = join(command, argc, (char **)(stack + 1)), first = 0;

	if (length == 0)
		fail("usage: svc list|show|kill|hang|restart|log|mem|spawn|reap|"
			"cpu|poweroff|reboot|help [NAME] [--json]\n");
	int fd = (int)linux_open(DEVICE, LINUX_O_RDWR | LINUX_O_CLOEXEC);
	if (fd < 0)
		fail("svc: cannot open " DEVICE ": this needs Kochab\n");
	for (u32 tries = 1;; tries++) {
		i64 sent = linux_write(fd, command, length), done;

		if (sent != (i64)length)
			fail("svc: the engine does not take the command\n");
		u32 status = read_status(fd);
		while ((done = read_some(fd, piece, sizeof(piece))) > 0)
			write_all(status ? 2 : 1, piece, (usize)done);
		if (status != AGAIN || tries > AGAIN_TRIES)
			leave(status & 0xff);
		if (tries == 1)
			first = length;
		command[first] = 0;
		strlcat(command, tries < AGAIN_TRIES ? " again" : " enough",
			COMMAND_BYTES);
		length = strlen(command);
		linux_nanosleep(&(struct linux_time){.ns = AGAIN_NS}, nullptr);
	}
}
