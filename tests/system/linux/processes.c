// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Birth and death of processes, waiting, groups, pipes.

extern char **environ;

static void births(char *self)
{
	char *arguments[] = {self, "child", NULL},
	     *environment[] = {"X=yes", NULL};
	int private = 1;
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();

	if (!child) {
		*shared = 42;
		private = 2;
		_exit(3);
	}
	CHECK(WEXITSTATUS(status_of(child)) == 3);
	CHECK(*shared == 42 && private == 1);
	CHECK(posix_spawn(&child, self, NULL, NULL, arguments, environment) ==
	      0);
	CHECK(WEXITSTATUS(status_of(child)) == 9);
	child = vfork();
	if (!child) {
		execve(self, arguments, environment);
		_exit(1);
	}
	CHECK(WEXITSTATUS(status_of(child)) == 9);
	child = vfork();
	if (!child)
		_exit(11);
	CHECK(WEXITSTATUS(status_of(child)) == 11);
	CHECK(FAILS(execve("/nothing", arguments, environment), ENOENT));
	CHECK(FAILS(execve("/etc/passwd", arguments, environment), EACCES));
	CHECK(FAILS(execve("/tmp", arguments, environment), EACCES));
}

static void deaths(void)
{
	siginfo_t info;
	int status;
	pid_t child = fork();

	if (!child)
		for (;;)
			;
	CHECK(waitpid(child, &status, WNOHANG) == 0);
	kill(child, SIGSTOP);
	CHECK(waitpid(child, &status, WUNTRACED) == child &&
	      WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	kill(child, SIGCONT);
	CHECK(waitpid(child, &status, WCONTINUED) == child &&
	      WIFCONTINUED(status));
	kill(child, SIGKILL);
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGKILL);
	child = fork();
	if (!child)
		_exit(4);
	CHECK(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
	CHECK(info.si_status == 4 && info.si_code == CLD_EXITED &&
	      info.si_pid == child);
	CHECK(WEXITSTATUS(status_of(child)) == 4);
	CHECK(FAILS(wait(NULL), ECHILD));
	CHECK(FAILS(kill(child, 0), ESRCH));
}

// Orphans go to init, which reaps them.
static void orphans(void)
{
	int tell[2];
	pid_t parent = 0, child = fork();

	if (!child)
		_exit(0);
	status_of(child);
	CHECK(pipe(tell) == 0);
	child = fork();
	if (!child) {
		if (fork() == 0) {
			while (getppid() != 1)
				usleep(1000);
			parent = getppid();
			write(tell[1], &parent, sizeof(parent));
			_exit(0);
		}
		_exit(0);
	}
	status_of(child);
	CHECK(read(tell[0], &parent, sizeof(parent)) == sizeof(parent));
	CHECK(parent == 1);
}

static void groups(void)
{
	int go[2];
	pid_t child;

	CHECK(pipe(go) == 0);
	child = fork();
	if (!child) {
		char byte;

		setsid();
		if (getpgrp() != getpid() || getsid(0) != getpid())
			_exit(1);
		read(go[0], &byte, 1);
		_exit(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO ? 5 : 6);
	}
	CHECK(FAILS(setpgid(child + 1000, 0), ESRCH));
	CHECK(setpgid(0, 0) == 0 || errno == EPERM);
	write(go[1], "x", 1);
	CHECK(WEXITSTATUS(status_of(child)) == 5);
}

static void pipes(void)
{
	char buffer[8192], byte;
	int ends[2], flags;
	pid_t child;
	long total = 0, got;

	CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
	CHECK(FAILS(read(ends[0], &byte, 1), EAGAIN));
	while (write(ends[1], buffer, sizeof(buffer)) == sizeof(buffer))
		total += sizeof(buffer);
	CHECK(errno == EAGAIN && total == 65536);
	close(ends[1]);
	for (total = 0; (got = read(ends[0], buffer, sizeof(buffer))) > 0;)
		total += got;
	CHECK(got == 0 && total == 65536);
	close(ends[0]);
	CHECK(pipe(ends) == 0);
	flags = fcntl(ends[0], F_GETFD);
	CHECK(flags == 0 && fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0 &&
	      fcntl(ends[0], F_GETFD) == FD_CLOEXEC);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK(FAILS(write(ends[1], "x", 1), EPIPE));
	signal(SIGPIPE, SIG_DFL);
	child = fork();
	if (!child) {
		write(ends[1], "x", 1);
		_exit(0);
	}
	CHECK(WTERMSIG(status_of(child)) == SIGPIPE);
	CHECK(FAILS(close(99), EBADF) && FAILS(dup2(99, 5), EBADF));
	CHECK(dup2(ends[1], 40) == 40 && dup3(ends[1], 41, O_CLOEXEC) == 41);
	CHECK(close_range(40, 41, 0) == 0 && FAILS(close(40), EBADF));
}

static void sockets(void)
{
	char buffer[16];
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	CHECK(write(ends[0], "there", 5) == 5 &&
	      read(ends[1], buffer, 16) == 5);
	CHECK(send(ends[1], "back", 4, 0) == 4 &&
	      recv(ends[0], buffer, 16, 0) == 4);
	CHECK(shutdown(ends[0], SHUT_WR) == 0 &&
	      read(ends[1], buffer, 16) == 0);
	CHECK(write(ends[1], "x", 1) == 1 && read(ends[0], buffer, 16) == 1);
	close(ends[1]);
	CHECK(read(ends[0], buffer, 16) == 0);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return getenv("X") && !strcmp(getenv("X"), "yes") ? 9 : 8;
	births(argv[0]);
	deaths();
	orphans();
	groups();
	pipes();
	sockets();
	return finish();
}
