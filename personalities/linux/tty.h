// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The terminal on the console port, with job control.
#ifndef PERSONALITIES_LINUX_TTY_H
#define PERSONALITIES_LINUX_TTY_H
#include "personalities/linux/file.h"
#include "personalities/linux/line.h"

struct process;

struct tty {
	struct line line;
	u32 session, foreground; // numbers; 0: none
	struct wait_queue queue; // input has come
};

extern struct tty console_tty;

[[nodiscard]] i64 tty_init(void);
i64 tty_open(struct thread *thread, u32 flags, struct file **out);
// Become the controlling terminal of the session leader's session.
void tty_control(struct tty *tty, struct process *leader);
void tty_session_ends(struct process *leader);

// ---- the exec channel; its frames are described in exec_channel.c.
[[nodiscard]] i64 exec_channel_init(void);
void exec_channel_files(struct file **in, struct file **out, struct file **err);
void exec_channel_text(const char *text, usize bytes); // to the host's stderr
void exec_channel_end(i32 status); // sent completely when this returns
extern u32 exec_channel_group; // who gets the host's signals
#endif
