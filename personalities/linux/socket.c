// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Sockets: AF_UNIX streams. A connected one is two rings of bytes, one each way,
// that share a wait queue; a listening one has a list of ends that wait to be
// accepted. Names are paths (a socket node marks them) or abstract. The calls that
// only move data or ask are in socket_calls.c.
#include "personalities/linux/socket.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"

#define BACKLOG_MAX 128u

static struct list bound = {&bound, &bound};

static i64 socket_read(struct thread *thread, struct file *file, struct io *io,
		       u64 *position)
{
	struct socket *socket = file->object;

	(void)position;
	if (!socket->in)
		return -ENOTCONN;
	return pipe_take(thread, socket->in, io, file->flags & O_NONBLOCK);
}

static i64 socket_write(struct thread *thread, struct file *file, struct io *io,
			u64 *position)
{
	struct socket *socket = file->object;

	(void)position;
	if (!socket->out)
		return -ENOTCONN;
	if (!socket->out->writers)
		return -EPIPE; // shut down by ourselves
	return pipe_put_bytes(thread, socket->out, io,
			      file->flags & O_NONBLOCK);
}

static u32 socket_poll(struct file *file)
{
	struct socket *socket = file->object;
	u32 events = 0;

	if (socket->listening)
		return list_empty(&socket->pending) ? 0 : POLLIN | POLLRDNORM;
	if (!socket->in)
		return POLLOUT | POLLHUP;
	if (socket->in->used)
		events |= POLLIN | POLLRDNORM;
	if (!socket->in->writers)
		events |= POLLIN | POLLRDHUP |
			(socket->out->writers ? 0 : POLLHUP);
	if (!socket->in->writers && !socket->out->readers)
		events |= POLLHUP;
	if (PIPE_BYTES - socket->out->used >= PIPE_ATOMIC ||
	    !socket->out->readers)
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static i64 socket_ioctl(struct thread *thread, struct file *file, u32 command,
			u64 argument)
{
	struct socket *socket = file->object;

	(void)thread;
	if (command != FIONREAD || !socket->in)
		return -ENOTTY;
	return guest_copy_out(argument, &socket->in->used, 4);
}

void socket_shut(struct socket *socket, bool in, bool out)
{
	if (in)
		socket->in->readers = 0;
	if (out)
		socket->out->writers = 0;
	wait_wake(socket->in->waiters);
}

static void socket_free(struct socket *socket)
{
	struct list *node;

	while ((node = list_take_first(&socket->pending)))
		socket_free(CONTAINER_OF(node, struct socket, pending_node));
	if (socket->in) {
		socket_shut(socket, true, true);
		pipe_put(socket->in);
		pipe_put(socket->out);
	}
	list_remove(&socket->bound_node);
	object_free(socket);
}

static void socket_release(struct file *file)
{
	socket_free(file->object);
}

static i64 socket_attributes(struct thread *thread, struct file *file,
			     struct fs_attributes *attributes)
{
	(void)thread;
	*attributes = (struct fs_attributes){.node = (u64)file->object >> 4,
					     .mode = S_IFSOCK | 0777,
					     .links = 1,
					     .block_bytes = 4096};
	return 0;
}

static const struct file_operations socket_operations = {
	.kind = "socket",
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.attributes = socket_attributes,
	.release = socket_release,
};

static struct socket *socket_new(struct process *owner)
{
	struct socket *socket = object_alloc(sizeof(*socket));

	if (!socket)
		return nullptr;
	list_init(&socket->pending);
	list_init(&socket->pending_node);
	list_init(&socket->bound_node);
	wait_queue_init(&socket->queue);
	socket->owner =
		(struct credentials){owner->pid, owner->euid, owner->egid};
	return socket;
}

// A file for it; on failure the socket is gone.
static struct file *socket_file(struct socket *socket, u32 flags)
{
	struct file *file = file_create(&socket_operations,
					(flags & O_NONBLOCK) | O_RDWR, socket);

	if (!file) {
		socket_free(socket);
		return nullptr;
	}
	file->queue = socket->in ? socket->in->waiters : &socket->queue;
	return file;
}

static void connect_pair(struct socket *a, struct socket *b, struct pipe *there,
			 struct pipe *back)
{
	back->waiters = there->waiters;
	back->partner = there;
	there->references += 2; // back's, and the second end's
	back->references++;
	there->readers = there->writers = back->readers = back->writers = 1;
	a->in = back, a->out = there;
	b->in = there, b->out = back;
	a->peer = b->owner, b->peer = a->owner;
	a->peer_name = b->name, b->peer_name = a->name;
}

static i64 connect_two(struct socket *a, struct socket *b)
{
	struct pipe *there = pipe_new(), *back = pipe_new();

	if (there && back) {
		connect_pair(a, b, there, back);
		return 0;
	}
	if (there)
		pipe_put(there);
	if (back)
		pipe_put(back);
	return -ENOMEM;
}

struct socket *socket_of(struct file *file)
{
	return file && file->operations == &socket_operations ? file->object
							      : nullptr;
}

i64 socket_create(struct thread *thread, u32 flags, struct file **out)
{
	struct socket *socket = socket_new(thread->process);

	*out = socket ? socket_file(socket, flags) : nullptr;
	return *out ? 0 : -ENOMEM;
}

i64 socket_create_pair(struct thread *thread, u32 flags, struct file **a,
		       struct file **b)
{
	struct socket *one = socket_new(thread->process);
	struct socket *two = socket_new(thread->process);

	if (!one || !two || connect_two(one, two)) {
		object_free(one);
		object_free(two);
		return -ENOMEM;
	}
	*a = socket_file(one, flags);
	*b = socket_file(two, flags);
	if (*a && *b)
		return 0;
	file_put(*a);
	file_put(*b);
	return -ENOMEM;
}

// ---- names

static bool is_path(const struct socket_name *name)
{
	return name->bytes > 0 && name->text[0] != 0;
}

// Where the name's path leads. WALK_PARENT: to a place for a new node.
static i64 walk_name(struct thread *thread, const struct socket_name *name,
		     u32 flags, struct walk **out)
{
	struct walk *walk = walk_create();
	i64 error = walk ? walk_path(thread, AT_FDCWD, name->text, flags, walk)
			 : -ENOMEM;

	if (error)
		walk_free(walk);
	else
		*out = walk;
	return error;
}

static struct socket *find_bound(const struct socket_name *name,
				 const struct place *place)
{
	LIST_FOR_EACH(node, &bound)
	{
		struct socket *socket =
			CONTAINER_OF(node, struct socket, bound_node);

		if (place ? socket->place.mount == place->mount &&
				    socket->place.node == place->node
			  : !is_path(&socket->name) &&
				    socket->name.bytes == name->bytes &&
				    memcmp(socket->name.text, name->text,
					   name->bytes) == 0)
			return socket;
	}
	return nullptr;
}

static i64 make_node(struct thread *thread, struct socket *socket)
{
	struct walk *walk;
	u64 node;
	i64 error = walk_name(thread, &socket->name, WALK_PARENT, &walk);

	if (error)
		return error;
	if (walk->place.mount || !walk->name[0])
		error = -EADDRINUSE;
	else if (!walk->parent.mount->operations->create ||
		 walk->parent.mount->read_only)
		error = -EROFS;
	else
		error = walk->parent.mount->operations->create(
			walk->parent.mount, walk->parent.node, walk->name,
			S_IFSOCK | (0777 & ~thread->directories->umask),
			thread->process->euid, thread->process->egid, 0, &node);
	if (!error)
		socket->place =
			(struct place){walk->parent.mount, node, S_IFSOCK};
	walk_free(walk);
	return error;
}

i64 socket_bind(struct thread *thread, struct socket *socket,
		const struct socket_name *name)
{
	static u32 automatic;
	i64 error = 0;

	if (!list_empty(&socket->bound_node) || socket->in)
		return -EINVAL;
	socket->name = *name;
	if (!name->bytes) { // a name of the system's choice
		socket->name.bytes = 6;
		for (u32 i = 0, n = ++automatic; i < 5; i++, n >>= 4)
			socket->name.text[5 - i] = "0123456789abcdef"[n & 15];
	}
	if (is_path(&socket->name))
		error = make_node(thread, socket);
	else if (find_bound(&socket->name, nullptr))
		error = -EADDRINUSE;
	if (error)
		socket->name.bytes = 0;
	else
		list_add_last(&bound, &socket->bound_node);
	return error;
}

i64 socket_listen(struct socket *socket, u32 backlog)
{
	if (socket->in || list_empty(&socket->bound_node))
		return -EINVAL;
	socket->backlog = MIN(MAX(backlog, 1u), BACKLOG_MAX);
	socket->listening = true;
	return 0;
}

static i64 find_listener(struct thread *thread, const struct socket_name *name,
			 struct socket **out)
{
	struct walk *walk;
	i64 error;

	if (!is_path(name)) {
		*out = find_bound(name, nullptr);
	} else {
		error = walk_name(thread, name, WALK_FOLLOW, &walk);
		if (error)
			return error;
		*out = find_bound(name, &walk->place);
		walk_free(walk);
	}
	return *out && (*out)->listening ? 0 : -ECONNREFUSED;
}

i64 socket_connect(struct thread *thread, struct file *file,
		   const struct socket_name *name)
{
	struct socket *socket = file->object, *listener, *end;
	i64 error;

	if (socket->in)
		return -EISCONN;
	if (socket->listening)
		return -EINVAL;
	for (;;) {
		error = find_listener(thread, name, &listener);
		if (error)
			return error;
		if (listener->npending < listener->backlog)
			break;
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		error = wait_sleep(thread, &listener->queue, 0);
		if (error)
			return error;
	}
	end = socket_new(thread->process);
	if (!end)
		return -ENOMEM;
	end->owner = listener->owner;
	end->name = listener->name;
	error = connect_two(socket, end);
	if (error) {
		object_free(end);
		return error;
	}
	file->queue = socket->in->waiters;
	list_add_last(&listener->pending, &end->pending_node);
	listener->npending++;
	wait_wake(&listener->queue);
	return 0;
}

i64 socket_accept(struct thread *thread, struct file *file, u32 flags,
		  struct file **out)
{
	struct socket *socket = file->object;
	struct list *node;

	if (!socket->listening)
		return -EINVAL;
	while (!(node = list_take_first(&socket->pending))) {
		i64 error = file->flags & O_NONBLOCK
			? -EAGAIN
			: wait_sleep(thread, &socket->queue, 0);

		if (error)
			return error;
	}
	socket->npending--;
	wait_wake(&socket->queue);
	*out = socket_file(CONTAINER_OF(node, struct socket, pending_node),
			   flags);
	return *out ? 0 : -ENOMEM;
}
