// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Threads of glibc: creation, mutexes, conditions, thread-local data, signals to
// one thread, robust mutexes, exec and exit with others still running.

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int counter, turn;
static __thread int own = 5;
static volatile sig_atomic_t signalled_tid;

static void *count(void *argument)
{
	for (int i = 0; i < 10000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	own = 7;
	return (void *)((long)argument * 2);
}

static void *take_turns(void *argument)
{
	long me = (long)argument;

	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&condition, &mutex);
		turn = !me;
		pthread_cond_signal(&condition);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void together(void)
{
	pthread_t thread[8];
	long sum = 0;

	for (long i = 0; i < 8; i++)
		CHECK(pthread_create(&thread[i], NULL, count, (void *)i) == 0);
	for (int i = 0; i < 8; i++) {
		void *result;

		CHECK(pthread_join(thread[i], &result) == 0);
		sum += (long)result;
	}
	CHECK(counter == 80000 && sum == 56 && own == 5);
	for (long i = 0; i < 2; i++)
		CHECK(pthread_create(&thread[i], NULL, take_turns, (void *)i) ==
		      0);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
}

static void note(int signo)
{
	(void)signo;
	signalled_tid = (int)syscall(SYS_gettid);
}

static void *wait_for_signal(void *argument)
{
	*(int *)argument = (int)syscall(SYS_gettid);
	while (!signalled_tid)
		usleep(1000);
	return NULL;
}

static void signals(void)
{
	pthread_t thread;
	volatile int tid = 0;

	signal(SIGUSR1, note);
	CHECK(pthread_create(&thread, NULL, wait_for_signal, (void *)&tid) ==
	      0);
	while (!tid)
		usleep(1000);
	CHECK(pthread_kill(thread, SIGUSR1) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(signalled_tid == tid && tid != getpid());
}

static void *die_with_lock(void *argument)
{
	pthread_mutex_lock(argument);
	return NULL;
}

static void robust(void)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t lock;
	pthread_t thread;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&lock, &attributes);
	CHECK(pthread_create(&thread, NULL, die_with_lock, &lock) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(pthread_mutex_lock(&lock) == EOWNERDEAD);
	CHECK(pthread_mutex_consistent(&lock) == 0);
	CHECK(pthread_mutex_unlock(&lock) == 0);
}

static void timeouts(void)
{
	struct timespec soon;

	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 20000000;
	if (soon.tv_nsec >= 1000000000)
		soon.tv_sec++, soon.tv_nsec -= 1000000000;
	pthread_mutex_lock(&mutex);
	CHECK(pthread_cond_timedwait(&condition, &mutex, &soon) == ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
}

static void *for_ever(void *argument)
{
	for (;;)
		if (argument)
			pause();
}

// The others end with the process, whatever they do.
static void last_words(char *self)
{
	pid_t child = fork();
	pthread_t thread;

	if (!child) {
		pthread_create(&thread, NULL, for_ever, NULL);
		pthread_create(&thread, NULL, for_ever, "sleeping");
		usleep(20000);
		exit(6);
	}
	CHECK(WEXITSTATUS(status_of(child)) == 6);
	child = fork();
	if (!child) {
		pthread_create(&thread, NULL, for_ever, NULL);
		pthread_create(&thread, NULL, for_ever, "sleeping");
		usleep(20000);
		execl(self, self, "child", NULL);
		_exit(1);
	}
	CHECK(WEXITSTATUS(status_of(child)) == 9);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return syscall(SYS_gettid) == getpid() ? 9 : 8;
	together();
	signals();
	robust();
	timeouts();
	last_words(argv[0]);
	return finish();
}
