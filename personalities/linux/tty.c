// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The terminal: reading and writing through the line discipline (line.c) over
// the console port (port.c), and who may do so (termios(3), credentials(7)).
#include "personalities/linux/tty.h"

#include "lib/base/bits.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/container.h"
#include "personalities/linux/port.h"
#include "personalities/linux/process.h"
#include "personalities/linux/time.h"

#define CHUNK 128u // bytes written at a time
#define CHUNK_PROCESSED (CHUNK * 8)
#define TCFLSH_INPUT 0
#define TCFLSH_BOTH 2

struct tty console_tty;

static void echo(void *context, const u8 *bytes, usize count)
{
	(void)context;
	(void)port_put(bytes, (u32)count);
}

static void input(const u8 *bytes, u32 count)
{
	struct tty *tty = &console_tty;

	for (u32 i = 0; i < count; i++) {
		i32 signo = line_receive(&tty->line, bytes[i]);

		if (signo && tty->foreground)
			signal_group(tty->foreground, signo);
	}
	port_held = tty->line.stopped;
	wait_wake(&tty->queue);
	wait_wake(&port_queue);
}

// The kernel's command line: tty=COLUMNSxROWS.
static void size_from_start(struct linux_winsize *size)
{
	char word[32];
	char *x;
	u64 columns, rows;

	if (!startup_word("tty", word, sizeof(word)) ||
	    !(x = strchr(word, 'x')))
		return;
	if (parse_u64(word, (usize)(x - word), 1000, &columns) != STATUS_OK ||
	    parse_u64(x + 1, strlen(x + 1), 1000, &rows) != STATUS_OK ||
	    !columns || !rows)
		return;
	*size = (struct linux_winsize){(u16)rows, (u16)columns, 0, 0};
}

i64 tty_init(void)
{
	struct tty *tty = &console_tty;

	line_init(&tty->line);
	size_from_start(&tty->line.size);
	tty->line.echo = echo;
	wait_queue_init(&tty->queue);
	return port_init(input);
}

void tty_control(struct tty *tty, struct process *leader)
{
	tty->session = leader->sid;
	tty->foreground = leader->pgid;
	leader->tty = tty;
}

static void detach_session(struct tty *tty)
{
	LIST_FOR_EACH(node, &processes)
	{
		struct process *process =
			CONTAINER_OF(node, struct process, node);

		if (process->tty == tty)
			process->tty = nullptr;
	}
	tty->session = tty->foreground = 0;
}

void tty_session_ends(struct process *leader)
{
	struct tty *tty = leader->tty;
	u32 foreground = tty->foreground;

	detach_session(tty);
	if (foreground) {
		signal_group(foreground, SIGHUP);
		signal_group(foreground, SIGCONT);
	}
	wait_wake(&tty->queue);
}

// A background process must not do this. signo tells it so; 0: it may.
static i64 background(struct thread *thread, struct tty *tty, i32 signo)
{
	struct process *process = thread->process;
	u64 handler = process->actions->action[signo - 1].handler;

	if (process->tty != tty || process->pgid == tty->foreground)
		return 0;
	if (handler == SIG_IGN || (thread->blocked & SIGNAL_BIT(signo)))
		return signo == SIGTTIN ? -EIO : 0;
	if (group_is_orphaned(process->pgid))
		return -EIO;
	signal_group(process->pgid, signo);
	return -ERESTART_IF_ASKED;
}

static bool is_raw(const struct tty *tty)
{
	return !(tty->line.termios.lflag & ICANON);
}

// Wait for input. 0: there is some; 1: time is over; negative: error.
static i64 wait_for_input(struct thread *thread, struct tty *tty,
			  bool nonblocking)
{
	u8 minimum = tty->line.termios.cc[VMIN],
	   time = tty->line.termios.cc[VTIME];
	u64 deadline = 0;

	if (is_raw(tty) && !minimum) {
		if (!time)
			return line_available(&tty->line) ? 0 : 1;
		(void)time_deadline((i64)time * 100000000, &deadline);
	}
	for (;;) {
		i64 error;

		if (line_readable(&tty->line))
			return 0;
		error = background(thread, tty, SIGTTIN);
		if (error)
			return error;
		if (nonblocking)
			return -EAGAIN;
		// Between bytes, VTIME ends a read that has some already.
		if (is_raw(tty) && minimum && time &&
		    line_available(&tty->line) && !deadline)
			(void)time_deadline((i64)time * 100000000, &deadline);
		error = wait_sleep(thread, &tty->queue, deadline);
		if (error == -ETIMEDOUT)
			return line_available(&tty->line) ? 0 : 1;
		if (error)
			return error;
	}
}

static i64 tty_read(struct thread *thread, struct file *file, struct io *io,
		    u64 *position)
{
	struct tty *tty = file->object;
	i64 total = 0, error = background(thread, tty, SIGTTIN);

	(void)position;
	if (error)
		return error;
	if (!io->left)
		return 0;
	error = wait_for_input(thread, tty, file->flags & O_NONBLOCK);
	if (error)
		return error < 0 ? error : 0;
	while (io->left) {
		u8 bytes[256];
		bool eof;
		u32 done = line_take(&tty->line, bytes,
				     (u32)MIN(io->left, sizeof(bytes)), &eof);

		if (!done)
			break;
		if (io_put(io, bytes, done))
			return total ? total : -EFAULT;
		total += done;
		if (!is_raw(tty) &&
		    (bytes[done - 1] == '\n' || done < sizeof(bytes)))
			break;
	}
	return total;
}

static i64 tty_write(struct thread *thread, struct file *file, struct io *io,
		     u64 *position)
{
	struct tty *tty = file->object;
	i64 total = 0, error = 0;

	(void)position;
	if (tty->line.termios.lflag & TOSTOP)
		error = background(thread, tty, SIGTTOU);
	if (error)
		return error;
	while (io->left && !(total && thread_interrupted(thread))) {
		u8 bytes[CHUNK], processed[CHUNK_PROCESSED];
		u32 part = (u32)MIN(io->left, sizeof(bytes));

		while (port_room() < sizeof(processed)) {
			port_flush();
			if (port_room() >= sizeof(processed))
				break;
			if (file->flags & O_NONBLOCK)
				return total ? total : -EAGAIN;
			error = wait_sleep(thread, &port_queue, 0);
			if (error)
				return total ? total : error;
		}
		if (io_get(io, bytes, part))
			return total ? total : -EFAULT;
		total += part;
		part = line_output(&tty->line, bytes, part, processed);
		(void)port_put(processed, part);
	}
	port_flush();
	return total;
}

static u32 tty_poll(struct file *file)
{
	struct tty *tty = file->object;

	return (line_readable(&tty->line) ? POLLIN | POLLRDNORM : 0u) |
		(port_room() >= CHUNK_PROCESSED ? POLLOUT | POLLWRNORM : 0u);
}

static i64 set_termios(struct thread *thread, struct tty *tty, u32 command,
		       u64 argument)
{
	struct linux_termios termios;
	i64 error = background(thread, tty, SIGTTOU);

	if (!error)
		error = guest_copy_in(&termios, argument, sizeof(termios));
	if (error)
		return error;
	if (command != TCSETS)
		port_drain();
	if (command == TCSETSF)
		line_flush_input(&tty->line);
	line_set(&tty->line, &termios);
	port_held = tty->line.stopped;
	wait_wake(&tty->queue);
	return 0;
}

static i64 set_foreground(struct thread *thread, struct tty *tty, u64 argument)
{
	u32 pgid;
	i64 error;

	if (thread->process->tty != tty)
		return -ENOTTY;
	error = background(thread, tty, SIGTTOU);
	if (!error)
		error = guest_copy_in(&pgid, argument, 4);
	if (error)
		return error;
	if (!group_exists(pgid, thread->process->sid))
		return -EPERM;
	tty->foreground = pgid;
	return 0;
}

static i64 set_size(struct tty *tty, u64 argument)
{
	struct linux_winsize size;

	if (guest_copy_in(&size, argument, sizeof(size)))
		return -EFAULT;
	if (memcmp(&size, &tty->line.size, sizeof(size)) == 0)
		return 0;
	tty->line.size = size;
	if (tty->foreground)
		signal_group(tty->foreground, SIGWINCH);
	return 0;
}

static i64 take_control(struct thread *thread, struct tty *tty)
{
	struct process *process = thread->process;

	if (process->tty == tty && tty->session == process->sid)
		return 0;
	if (process->pid != process->sid || process->tty || tty->session)
		return -EPERM;
	tty_control(tty, process);
	return 0;
}

static i64 give_up_control(struct thread *thread, struct tty *tty)
{
	if (thread->process->tty != tty)
		return -ENOTTY;
	if (thread->process->pid == thread->process->sid)
		tty_session_ends(thread->process);
	thread->process->tty = nullptr;
	return 0;
}

static i64 tty_ioctl(struct thread *thread, struct file *file, u32 command,
		     u64 argument)
{
	struct tty *tty = file->object;
	u32 value;

	switch (command) {
	case TCGETS:
		return guest_copy_out(argument, &tty->line.termios,
				      sizeof(tty->line.termios));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(thread, tty, command, argument);
	case TCSBRK:
		port_drain();
		return 0;
	case TCXONC:
		return 0;
	case TCFLSH:
		if (argument == TCFLSH_INPUT || argument == TCFLSH_BOTH)
			line_flush_input(&tty->line);
		return 0;
	case TIOCGWINSZ:
		return guest_copy_out(argument, &tty->line.size,
				      sizeof(tty->line.size));
	case TIOCSWINSZ:
		return set_size(tty, argument);
	case TIOCSCTTY:
		return take_control(thread, tty);
	case TIOCNOTTY:
		return give_up_control(thread, tty);
	case TIOCGPGRP:
		if (thread->process->tty != tty)
			return -ENOTTY;
		return guest_copy_out(argument, &tty->foreground, 4);
	case TIOCSPGRP:
		return set_foreground(thread, tty, argument);
	case TIOCGSID:
		if (thread->process->tty != tty)
			return -ENOTTY;
		return guest_copy_out(argument, &tty->session, 4);
	case FIONREAD:
		value = line_available(&tty->line);
		return guest_copy_out(argument, &value, 4);
	case TIOCOUTQ:
		value = 0;
		return guest_copy_out(argument, &value, 4);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations tty_operations = {
	.kind = "tty",
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
};

i64 tty_open(struct thread *thread, u32 flags, struct file **out)
{
	struct tty *tty = &console_tty;
	struct file *file = file_create(&tty_operations, flags, tty);

	if (!file)
		return -ENOMEM;
	file->queue = &tty->queue;
	*out = file;
	if (thread && !(flags & O_NOCTTY) && !thread->process->tty)
		(void)take_control(thread, tty);
	return 0;
}
