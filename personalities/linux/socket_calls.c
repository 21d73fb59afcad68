// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls about sockets. Only AF_UNIX streams exist; messages carry no
// descriptors.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"
#include "personalities/linux/socket.h"

#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_TYPE 0xf
#define SOL_SOCKET 1
#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000
#define MSG_KNOWN (MSG_DONTWAIT | MSG_NOSIGNAL | 0x40000000) // CMSG_CLOEXEC
#define VECTORS_MAX 1024u
#define ESOCKTNOSUPPORT 94

struct message_header {
	u64 name;
	u32 name_bytes, padding;
	u64 vector, nvectors, control, control_bytes;
	u32 flags, padding2;
};

// The file of a socket's descriptor, with a reference.
static i64 socket_get(struct thread *thread, u64 fd, struct file **file)
{
	*file = files_get(thread, fd);
	if (!*file)
		return -EBADF;
	if (socket_of(*file))
		return 0;
	file_put(*file);
	return -ENOTSOCK;
}

static i64 name_in(u64 from, u64 bytes, struct socket_name *name)
{
	u16 family;

	*name = (struct socket_name){};
	if (bytes < 2 || bytes > 2 + SOCKET_NAME_BYTES)
		return -EINVAL;
	if (guest_copy_in(&family, from, 2) ||
	    guest_copy_in(name->text, from + 2, bytes - 2))
		return -EFAULT;
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	name->bytes = (u32)bytes - 2;
	if (name->bytes && name->text[0]) // a path: up to its NUL
		name->bytes = (u32)strnlen(name->text, name->bytes);
	return 0;
}

// Address and its length (in: room; out: what it is).
static i64 name_out(const struct socket_name *name, u64 to, u64 length_at)
{
	u8 address[2 + SOCKET_NAME_BYTES + 1] = {AF_UNIX};
	u32 room,
		bytes = 2 + name->bytes +
		(name->bytes && name->text[0] ? 1 : 0);

	if (!to)
		return 0;
	if (guest_copy_in(&room, length_at, 4))
		return -EFAULT;
	memcpy(address + 2, name->text, name->bytes);
	if (guest_copy_out(to, address, MIN(room, bytes)) ||
	    guest_copy_out(length_at, &bytes, 4))
		return -EFAULT;
	return 0;
}

static i64 check_kind(u64 family, u64 type)
{
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	return (type & SOCK_TYPE) == SOCK_STREAM ? 0 : -ESOCKTNOSUPPORT;
}

i64 call_socket(struct thread *thread, const u64 *a)
{
	i64 error = check_kind(a[0], a[1]);
	struct file *file;

	if (!error)
		error = socket_create(thread, (u32)a[1], &file);
	return error ? error : files_install(thread, file, 0, a[1] & O_CLOEXEC);
}

i64 call_socketpair(struct thread *thread, const u64 *a)
{
	struct file *first, *second;
	i64 error = check_kind(a[0], a[1]);
	i32 fd[2];

	if (!error)
		error = socket_create_pair(thread, (u32)a[1], &first, &second);
	if (error)
		return error;
	error = files_install(thread, first, 0, a[1] & O_CLOEXEC);
	if (error < 0) {
		file_put(second);
		return error;
	}
	fd[0] = (i32)error;
	error = files_install(thread, second, 0, a[1] & O_CLOEXEC);
	fd[1] = (i32)error;
	if (error >= 0 && guest_copy_out(a[3], fd, sizeof(fd)) == 0)
		return 0;
	(void)files_close(thread, (u64)fd[0]);
	if (error < 0)
		return error;
	(void)files_close(thread, (u64)fd[1]);
	return -EFAULT;
}

i64 call_bind(struct thread *thread, const u64 *a)
{
	struct socket_name name;
	struct file *file;
	i64 error = socket_get(thread, a[0], &file);

	if (error)
		return error;
	error = name_in(a[1], a[2], &name);
	if (!error)
		error = socket_bind(thread, socket_of(file), &name);
	file_put(file);
	return error;
}

i64 call_listen(struct thread *thread, const u64 *a)
{
	struct file *file;
	i64 error = socket_get(thread, a[0], &file);

	if (error)
		return error;
	error = socket_listen(socket_of(file), (u32)a[1]);
	file_put(file);
	return error;
}

i64 call_connect(struct thread *thread, const u64 *a)
{
	struct socket_name name;
	struct file *file;
	i64 error = socket_get(thread, a[0], &file);

	if (error)
		return error;
	error = name_in(a[1], a[2], &name);
	if (!error)
		error = socket_connect(thread, file, &name);
	file_put(file);
	return error;
}

static i64 accept_on(struct thread *thread, const u64 *a, u64 flags)
{
	struct file *file, *accepted;
	i64 error = socket_get(thread, a[0], &file);

	if (error)
		return error;
	error = flags & ~(u64)(O_CLOEXEC | O_NONBLOCK)
		? -EINVAL
		: socket_accept(thread, file, (u32)flags, &accepted);
	file_put(file);
	if (error)
		return error;
	error = name_out(&socket_of(accepted)->peer_name, a[1], a[2]);
	if (error) {
		file_put(accepted);
		return error;
	}
	return files_install(thread, accepted, 0, flags & O_CLOEXEC);
}

i64 call_accept(struct thread *thread, const u64 *a)
{
	return accept_on(thread, a, 0);
}

i64 call_accept4(struct thread *thread, const u64 *a)
{
	return accept_on(thread, a, a[3]);
}

i64 call_getsockname(struct thread *thread, const u64 *a)
{
	struct file *file;
	i64 error = socket_get(thread, a[0], &file);

	if (error)
		return error;
	error = name_out(&socket_of(file)->name, a[1], a[2]);
	file_put(file);
	return error;
}

i64 call_getpeername(struct thread *thread, const u64 *a)
{
	struct file *file;
	i64 error = socket_get(thread, a[0], &file);

	if (error)
		return error;
	error = socket_of(file)->in
		? name_out(&socket_of(file)->peer_name, a[1], a[2])
		: -ENOTCONN;
	file_put(file);
	return error;
}

i64 call_shutdown(struct thread *thread, const u64 *a)
{
	struct file *file;
	i64 error = socket_get(thread, a[0], &file);

	if (error)
		return error;
	if (a[1] > 2)
		error = -EINVAL;
	else if (!socket_of(file)->in)
		error = -ENOTCONN;
	else
		socket_shut(socket_of(file), a[1] != 1, a[1] != 0);
	file_put(file);
	return error;
}

// ---- options

#define SO_TYPE 3
#define SO_ERROR 4
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_PEERCRED 17
#define SO_ACCEPTCONN 30
#define SO_PROTOCOL 38
#define SO_DOMAIN 39

static i64 option_out(const void *value, u32 bytes, u64 to, u64 length_at)
{
	u32 room;

	if (guest_copy_in(&room, length_at, 4))
		return -EFAULT;
	bytes = MIN(bytes, room);
	return guest_copy_out(to, value, bytes) ||
			guest_copy_out(length_at, &bytes, 4)
		? -EFAULT
		: 0;
}

i64 call_getsockopt(struct thread *thread, const u64 *a)
{
	struct socket *socket;
	struct file *file;
	u32 value = 0;
	i64 error = socket_get(thread, a[0], &file);

	if (error)
		return error;
	socket = socket_of(file);
	switch (a[1] == SOL_SOCKET ? a[2] : ~0ull) {
	case SO_TYPE:
	case SO_DOMAIN:
		value = 1;
		break;
	case SO_SNDBUF:
	case SO_RCVBUF:
		value = PIPE_BYTES;
		break;
	case SO_ACCEPTCONN:
		value = socket->listening;
		break;
	case SO_ERROR:
	case SO_PROTOCOL:
		break;
	case SO_PEERCRED:
		error = option_out(&socket->peer, sizeof(socket->peer), a[3],
				   a[4]);
		file_put(file);
		return error;
	default:
		file_put(file);
		return -ENOPROTOOPT;
	}
	file_put(file);
	return option_out(&value, sizeof(value), a[3], a[4]);
}

i64 call_setsockopt(struct thread *thread, const u64 *a)
{
	struct file *file;
	i64 error = socket_get(thread, a[0], &file);

	if (error)
		return error;
	file_put(file);
	return a[1] == SOL_SOCKET ? 0 : -ENOPROTOOPT; // wishes, not heeded
}

// ---- data

static i64 move(struct thread *thread, struct file *file, u64 buffer, u64 bytes,
		u64 flags, bool write)
{
	struct io io = {false, buffer, bytes};
	u32 before = file->flags;
	i64 result;

	if (flags & ~(u64)MSG_KNOWN)
		return -EOPNOTSUPP;
	if (flags & MSG_DONTWAIT)
		file->flags |= O_NONBLOCK;
	result = write ? file_write(thread, file, &io)
		       : file_read(thread, file, &io);
	if (flags & MSG_DONTWAIT)
		file->flags = (file->flags & ~(u32)O_NONBLOCK) |
			(before & O_NONBLOCK);
	if (result == -EPIPE && !(flags & MSG_NOSIGNAL)) {
		struct linux_siginfo info =
			signal_info(SIGPIPE, SI_USER, thread->process);

		signal_thread(thread, &info);
	}
	return result;
}

i64 call_sendto(struct thread *thread, const u64 *a)
{
	struct file *file;
	i64 result = socket_get(thread, a[0], &file);

	if (result)
		return result;
	result = a[4] ? -EISCONN : move(thread, file, a[1], a[2], a[3], true);
	file_put(file);
	return result;
}

i64 call_recvfrom(struct thread *thread, const u64 *a)
{
	struct file *file;
	u32 none = 0;
	i64 result = socket_get(thread, a[0], &file);

	if (result)
		return result;
	result = move(thread, file, a[1], a[2], a[3], false);
	if (result >= 0 && a[4] && a[5] && guest_copy_out(a[5], &none, 4))
		result = -EFAULT;
	file_put(file);
	return result;
}

static i64 vectors(struct thread *thread, struct file *file,
		   const struct message_header *header, u64 flags, bool write)
{
	i64 total = 0, done = 0;

	if (header->nvectors > VECTORS_MAX)
		return -EMSGSIZE;
	for (u64 i = 0; i < header->nvectors; i++) {
		struct linux_iovec v;

		if (guest_copy_in(&v, header->vector + i * sizeof(v),
				  sizeof(v)))
			return total ? total : -EFAULT;
		if (!v.length)
			continue;
		done = move(thread, file, v.base, v.length,
			    total && !write ? flags | MSG_DONTWAIT : flags,
			    write);
		if (done > 0)
			total += done;
		if (done < 0 || (u64)done < v.length)
			break;
	}
	return total ? total : done;
}

static i64 message(struct thread *thread, const u64 *a, bool write)
{
	struct message_header header;
	struct file *file;
	i64 result;

	if (guest_copy_in(&header, a[1], sizeof(header)))
		return -EFAULT;
	if (write && (header.control_bytes || header.name))
		return header.name ? -EISCONN : -EOPNOTSUPP;
	result = socket_get(thread, a[0], &file);
	if (result)
		return result;
	result = vectors(thread, file, &header, a[2], write);
	file_put(file);
	if (write || result < 0)
		return result;
	header.name_bytes = header.flags = 0;
	header.control_bytes = 0;
	return guest_copy_out(a[1], &header, sizeof(header)) ? -EFAULT : result;
}

i64 call_sendmsg(struct thread *thread, const u64 *a)
{
	return message(thread, a, true);
}

i64 call_recvmsg(struct thread *thread, const u64 *a)
{
	return message(thread, a, false);
}
