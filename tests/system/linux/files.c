// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Files, directories, links, attributes, waiting for descriptors, /proc and /dev.

static void contents(void)
{
	char bytes[64];
	struct stat now;
	int file = open("/tmp/file", O_RDWR | O_CREAT | O_EXCL, 0640);

	CHECK(file >= 0 && write(file, "0123456789", 10) == 10);
	CHECK(FAILS(open("/tmp/file", O_CREAT | O_EXCL, 0600), EEXIST));
	CHECK(lseek(file, 3, SEEK_SET) == 3 && read(file, bytes, 4) == 4);
	CHECK(!memcmp(bytes, "3456", 4) && lseek(file, 0, SEEK_CUR) == 7);
	CHECK(lseek(file, -2, SEEK_END) == 8 &&
	      FAILS(lseek(file, -9, SEEK_CUR), EINVAL));
	CHECK(pwrite(file, "end", 3, 100000) == 3 &&
	      pread(file, bytes, 4, 50000) == 4);
	CHECK(bytes[0] == 0 && fstat(file, &now) == 0 && now.st_size == 100003);
	CHECK((now.st_mode & 0777) == 0640 && now.st_nlink == 1);
	CHECK(ftruncate(file, 5) == 0 && pread(file, bytes, 64, 0) == 5);
	CHECK(fchmod(file, 0600) == 0 && fstat(file, &now) == 0 &&
	      (now.st_mode & 07777) == 0600);
	CHECK(unlink("/tmp/file") == 0 && pread(file, bytes, 64, 0) == 5);
	CHECK(FAILS(stat("/tmp/file", &now), ENOENT) && close(file) == 0);
	file = open("/tmp/log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	CHECK(write(file, "a", 1) == 1 && lseek(file, 0, SEEK_SET) == 0 &&
	      write(file, "b", 1) == 1);
	CHECK(FAILS(read(file, bytes, 1), EBADF));
	CHECK(fstat(file, &now) == 0 && now.st_size == 2 &&
	      unlink("/tmp/log") == 0);
	close(file);
}

static void names(void)
{
	char bytes[4096], deep[5000];
	struct stat one, two;

	CHECK(mkdir("/tmp/d", 0755) == 0 &&
	      FAILS(mkdir("/tmp/d", 0755), EEXIST));
	CHECK(close(creat("/tmp/d/f", 0644)) == 0);
	CHECK(FAILS(rmdir("/tmp/d"), ENOTEMPTY) &&
	      FAILS(unlink("/tmp/d"), EISDIR));
	CHECK(symlink("d/f", "/tmp/l") == 0 &&
	      readlink("/tmp/l", bytes, 64) == 3);
	CHECK(stat("/tmp/l", &one) == 0 && S_ISREG(one.st_mode));
	CHECK(lstat("/tmp/l", &two) == 0 && S_ISLNK(two.st_mode));
	CHECK(link("/tmp/d/f", "/tmp/h") == 0 && stat("/tmp/h", &two) == 0);
	CHECK(one.st_ino == two.st_ino && two.st_nlink == 2);
	CHECK(rename("/tmp/h", "/tmp/d/g") == 0 &&
	      access("/tmp/h", F_OK) == -1);
	CHECK(FAILS(rename("/tmp/d", "/tmp/d/x"), EINVAL));
	CHECK(FAILS(link("/tmp/d", "/tmp/e"), EPERM));
	CHECK(symlink("loop", "/tmp/loop") == 0 &&
	      FAILS(open("/tmp/loop", O_RDONLY), ELOOP));
	CHECK(FAILS(open("/tmp/l", O_RDONLY | O_NOFOLLOW), ELOOP));
	CHECK(FAILS(open("/tmp/l/x", O_RDONLY), ENOTDIR));
	CHECK(FAILS(open("/tmp/d", O_WRONLY), EISDIR));
	CHECK(FAILS(open("", O_RDONLY), ENOENT));
	memset(deep, 'x', sizeof(deep));
	deep[sizeof(deep) - 1] = 0;
	CHECK(FAILS(open(deep, O_RDONLY), ENAMETOOLONG));
	deep[300] = 0;
	CHECK(FAILS(open(deep, O_RDONLY), ENAMETOOLONG));
	CHECK(chdir("/tmp/d/../d/.") == 0 && getcwd(bytes, sizeof(bytes)));
	CHECK(!strcmp(bytes, "/tmp/d") && chdir("..") == 0 &&
	      access("d/f", R_OK) == 0);
	CHECK(unlink("d/f") == 0 && unlink("d/g") == 0 && unlink("l") == 0 &&
	      unlink("loop") == 0 && rmdir("d") == 0);
}

static void listings(void)
{
	DIR *directory;
	char name[32];
	int found = 0;

	CHECK(mkdir("/tmp/many", 0755) == 0);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "/tmp/many/%d", i);
		close(creat(name, 0600));
	}
	directory = opendir("/tmp/many");
	for (struct dirent *entry; (entry = readdir(directory));)
		found++;
	CHECK(found == 502);
	rewinddir(directory);
	CHECK(!strcmp(readdir(directory)->d_name, "."));
	closedir(directory);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "/tmp/many/%d", i);
		CHECK(unlink(name) == 0);
	}
	CHECK(rmdir("/tmp/many") == 0);
}

static void readiness(void)
{
	struct epoll_event event = {EPOLLIN, {.u64 = 77}};
	struct timeval second = {1, 0};
	unsigned long value = 5;
	int ends[2], counter = eventfd(0, 0), set = epoll_create1(0);
	struct pollfd wanted[2];
	fd_set some;
	pid_t child;
	char byte;

	CHECK(pipe(ends) == 0);
	wanted[0] = (struct pollfd){ends[0], POLLIN, 0};
	wanted[1] = (struct pollfd){counter, POLLIN, 0};
	CHECK(poll(wanted, 2, 10) == 0);
	CHECK(write(counter, &value, 8) == 8 && poll(wanted, 2, 0) == 1 &&
	      wanted[1].revents == POLLIN);
	CHECK(read(counter, &value, 8) == 8 && value == 5);
	CHECK(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0);
	CHECK(FAILS(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event), EEXIST));
	CHECK(epoll_wait(set, &event, 1, 10) == 0);
	child = fork();
	if (!child) {
		usleep(30000);
		write(ends[1], "z", 1);
		_exit(0);
	}
	CHECK(epoll_wait(set, &event, 1, 60000) == 1 && event.data.u64 == 77);
	status_of(child);
	FD_ZERO(&some);
	FD_SET(ends[0], &some);
	CHECK(select(ends[0] + 1, &some, NULL, NULL, &second) == 1 &&
	      FD_ISSET(ends[0], &some));
	CHECK(read(ends[0], &byte, 1) == 1);
	close(set);
	close(ends[1]);
	CHECK(poll(wanted, 1, 0) == 1 && wanted[0].revents == POLLHUP);
	wanted[0].fd = 99;
	CHECK(poll(wanted, 1, 0) == 1 && wanted[0].revents == POLLNVAL);
}

static void proc_and_dev(void)
{
	struct utsname system;
	char text[4096];
	int file = open("/proc/self/status", O_RDONLY), more;
	long bytes = read(file, text, sizeof(text) - 1);

	text[bytes > 0 ? bytes : 0] = 0;
	CHECK(strstr(text, "State:\tR") != NULL);
	close(file);
	file = open("/tmp/x", O_RDWR | O_CREAT, 0600);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", file);
	bytes = readlink(text, text + 100, 100);
	CHECK(bytes == 6 && !memcmp(text + 100, "/tmp/x", 6));
	more = open(text, O_RDWR);
	CHECK(more >= 0 && write(more, "y", 1) == 1 &&
	      pread(file, text, 1, 0) == 1);
	unlink("/tmp/x");
	CHECK(FAILS(write(open("/dev/full", O_WRONLY), "x", 1), ENOSPC));
	CHECK(read(open("/dev/null", O_RDONLY), text, 1) == 0);
	CHECK(read(open("/dev/urandom", O_RDONLY), text, 16) == 16);
	CHECK(uname(&system) == 0 && !strcmp(system.sysname, "Linux") &&
	      !strcmp(system.machine, MACHINE));
	CHECK(FAILS(syscall(1000), ENOSYS));
}

int main(void)
{
	contents();
	names();
	listings();
	readiness();
	proc_and_dev();
	return finish();
}
