// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AF_UNIX stream sockets: names, connecting, accepting, messages, ends.
#include <sys/un.h>

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	strcpy(name.sun_path + (*path == '@'), path + (*path == '@'));
	return name;
}

static int listening(const char *path)
{
	struct sockaddr_un name = address(path);
	int server = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(server >= 0);
	CHECK(bind(server, (void *)&name, sizeof(name)) == 0);
	CHECK(listen(server, 5) == 0);
	return server;
}

static int connected(const char *path)
{
	struct sockaddr_un name = address(path);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	if (connect(client, (void *)&name, sizeof(name)) == 0)
		return client;
	close(client);
	return -1;
}

static void talk(const char *path)
{
	int server = listening(path), client, end;
	char bytes[16];
	struct ucred peer;
	socklen_t length = sizeof(peer);
	struct pollfd wanted = {server, POLLIN, 0};
	struct iovec part[2] = {{"ab", 2}, {"cde", 3}};
	struct msghdr message = {.msg_iov = part, .msg_iovlen = 2};
	pid_t child;

	CHECK(poll(&wanted, 1, 0) == 0);
	child = fork();
	if (!child) {
		client = connected(path);
		if (client < 0 || write(client, "question", 8) != 8 ||
		    read(client, bytes, 16) != 6 ||
		    read(client, bytes, 16) != 0)
			_exit(1);
		_exit(7);
	}
	CHECK(poll(&wanted, 1, 60000) == 1);
	end = accept(server, NULL, NULL);
	CHECK(end >= 0 && read(end, bytes, 16) == 8 &&
	      !memcmp(bytes, "quest", 5));
	CHECK(getsockopt(end, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	      peer.pid == child);
	CHECK(write(end, "answer", 6) == 6 && close(end) == 0);
	CHECK(WEXITSTATUS(status_of(child)) == 7);

	client = connected(path);
	end = accept4(server, NULL, NULL, SOCK_NONBLOCK);
	CHECK(FAILS(read(end, bytes, 1), EAGAIN));
	CHECK(sendmsg(client, &message, 0) == 5 &&
	      recv(end, bytes, 16, 0) == 5 && !memcmp(bytes, "abcde", 5));
	CHECK(FAILS(recv(client, bytes, 1, MSG_DONTWAIT), EAGAIN));
	CHECK(close(client) == 0 && read(end, bytes, 1) == 0);
	CHECK(FAILS(send(end, "x", 1, MSG_NOSIGNAL), EPIPE));
	close(end);
	CHECK(FAILS(bind(socket(AF_UNIX, SOCK_STREAM, 0),
			 (void *)&(struct sockaddr_un[]){address(path)}[0],
			 sizeof(struct sockaddr_un)),
		    EADDRINUSE));
	close(server);
	CHECK(connected(path) == -1 && errno == ECONNREFUSED);
}

// The second direction's room is announced, too.
static void full(void)
{
	int ends[2];
	char block[4096] = {};
	struct pollfd wanted;
	pid_t child;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	while (write(ends[0], block, sizeof(block)) > 0)
		;
	CHECK(errno == EAGAIN);
	wanted = (struct pollfd){ends[0], POLLOUT, 0};
	CHECK(poll(&wanted, 1, 10) == 0);
	child = fork();
	if (!child) {
		usleep(20000);
		while (read(ends[1], block, sizeof(block)) > 0)
			;
		_exit(0);
	}
	CHECK(poll(&wanted, 1, 60000) == 1 && wanted.revents == POLLOUT);
	status_of(child);
}

int main(void)
{
	struct stat node;

	talk("/tmp/named");
	CHECK(stat("/tmp/named", &node) == 0 && S_ISSOCK(node.st_mode));
	CHECK(unlink("/tmp/named") == 0);
	CHECK(connected("/tmp/named") == -1 && errno == ENOENT);
	talk("@abstract");
	full();
	CHECK(FAILS(socket(AF_INET, SOCK_STREAM, 0), EAFNOSUPPORT));
	CHECK(FAILS(listen(0, 5), ENOTSOCK));
	return finish();
}
