// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AF_UNIX stream sockets: see socket.c.
#ifndef PERSONALITIES_LINUX_SOCKET_H
#define PERSONALITIES_LINUX_SOCKET_H
#include "personalities/linux/file.h"
#include "personalities/linux/pipe.h"

#define SOCKET_NAME_BYTES 108u

struct socket_name {
	u32 bytes; // 0: none; without a path's NUL, with an abstract name's
	char text[SOCKET_NAME_BYTES + 1];
};

struct credentials {
	u32 pid, uid, gid;
};

struct socket {
	struct pipe *in, *out; // NULL until connected
	bool listening;
	u32 backlog, npending;
	struct list pending; // ends to be accepted
	struct list pending_node, bound_node;
	struct wait_queue queue; // of a listening one
	struct socket_name name, peer_name;
	struct place place; // of the node of a path name
	struct credentials owner, peer;
};

// The socket of a file, or NULL.
struct socket *socket_of(struct file *file);
i64 socket_create(struct thread *thread, u32 flags, struct file **out);
i64 socket_create_pair(struct thread *thread, u32 flags, struct file **a,
		       struct file **b);
i64 socket_bind(struct thread *thread, struct socket *socket,
		const struct socket_name *name);
i64 socket_listen(struct socket *socket, u32 backlog);
i64 socket_connect(struct thread *thread, struct file *file,
		   const struct socket_name *name);
i64 socket_accept(struct thread *thread, struct file *file, u32 flags,
		  struct file **out);
// No more to be read, or written, through this end. Connected only.
void socket_shut(struct socket *socket, bool in, bool out);
#endif
