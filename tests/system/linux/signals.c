// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Signals: handlers and their frames, masks, restarts, faults, timers.

static volatile sig_atomic_t got, sender;
static volatile double computed;
static sigjmp_buf back;
static void *volatile faulted_at;

static void note(int signo)
{
	volatile double x = 7.0;

	got = signo;
	computed = x / 2.0; // the interrupted computation must not notice
}

static void note_sender(int signo, siginfo_t *info, void *context)
{
	(void)context;
	got = signo;
	sender = info->si_pid;
}

static void leap(int signo, siginfo_t *info, void *context)
{
	(void)context;
	faulted_at = info->si_addr;
	siglongjmp(back, signo);
}

static int code_got;

static void keep_code(int signo, siginfo_t *info, void *context)
{
	(void)context;
	got = signo;
	code_got = info->si_code;
	siglongjmp(back, signo);
}

static void skip(int signo, siginfo_t *info, void *context)
{
	(void)info;
	got = signo;
	PC_OF((ucontext_t *)context) += ILLEGAL_BYTES;
}

static void handle(int signo, void (*with)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = with,
				   .sa_flags = SA_SIGINFO | flags};

	CHECK(sigaction(signo, &action, NULL) == 0);
}

static void handlers(void)
{
	volatile double sum = 0;

	signal(SIGUSR1, note);
	for (int i = 1; i <= 1000; i++) {
		sum += 1.0 / i;
		if (i % 100 == 0)
			raise(SIGUSR1);
	}
	CHECK(got == SIGUSR1 && computed == 3.5);
	CHECK(sum > 7.485470 && sum < 7.485471);
}

// A handler with SA_RESTART does not end a read; one without does.
static void restarts(void)
{
	int ends[2];
	char byte;
	pid_t child;

	CHECK(pipe(ends) == 0);
	handle(SIGUSR2, note_sender, SA_RESTART);
	child = fork();
	if (!child) {
		usleep(50000);
		kill(getppid(), SIGUSR2);
		usleep(50000);
		write(ends[1], "x", 1);
		_exit(0);
	}
	CHECK(read(ends[0], &byte, 1) == 1 && got == SIGUSR2 &&
	      sender == child);
	status_of(child);
	handle(SIGUSR2, note_sender, 0);
	child = fork();
	if (!child) // the parent may not be there yet: again and again
		for (;;) {
			usleep(50000);
			kill(getppid(), SIGUSR2);
		}
	CHECK(FAILS(read(ends[0], &byte, 1), EINTR));
	signal(SIGUSR2, SIG_IGN);
	kill(child, SIGKILL);
	status_of(child);
}

static void faults(void)
{
	volatile int zero = 0;
	char *page =
		mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int signo;

	handle(SIGSEGV, leap, SA_NODEFER);
	handle(SIGFPE, leap, SA_NODEFER);
	handle(SIGILL, leap, SA_NODEFER);
	handle(SIGTRAP, leap, SA_NODEFER);
	if (!(signo = sigsetjmp(back, 1)))
		*(volatile int *)0x1230 = 1;
	CHECK(signo == SIGSEGV && faulted_at == (void *)0x1230);
	if (!(signo = sigsetjmp(back, 1)))
		page[5] = 1;
	CHECK(signo == SIGSEGV && faulted_at == page + 5);
	if (!(signo = sigsetjmp(back, 1)))
		zero = 10 / zero;
	CHECK(signo == (DIVISION_TRAPS ? SIGFPE : 0));
	if (!(signo = sigsetjmp(back, 1)))
		ILLEGAL;
	CHECK(signo == SIGILL);
	if (!(signo = sigsetjmp(back, 1)))
		PRIVILEGED;
	CHECK(signo == PRIVILEGED_SIGNAL);
	handle(SIGTRAP, keep_code, SA_NODEFER);
	if (!(signo = sigsetjmp(back, 1)))
		BREAKPOINT;
	CHECK(signo == SIGTRAP && code_got == BREAKPOINT_CODE);
	handle(SIGILL, skip, 0);
	got = 0;
	ILLEGAL;
	CHECK(got == SIGILL);
}

static void masks(void)
{
	sigset_t set, before, pending;
	int signo;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &before) == 0);
	got = 0;
	raise(SIGUSR1);
	CHECK(got == 0 && sigpending(&pending) == 0 &&
	      sigismember(&pending, SIGUSR1));
	CHECK(FAILS(sigsuspend(&before), EINTR) && got == SIGUSR1);
	got = 0;
	kill(getpid(), SIGUSR1);
	CHECK(sigwait(&set, &signo) == 0 && signo == SIGUSR1 && got == 0);
	struct timespec moment = {0, 10000000};
	CHECK(FAILS(sigtimedwait(&set, NULL, &moment), EAGAIN));
	CHECK(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
}

static void timers(void)
{
	// Again and again: the first may come before anybody waits for it.
	struct itimerval soon = {{0, 50000}, {0, 50000}}, never = {};
	struct timespec start, end, rest, long_time = {1000, 0};
	long ms;

	signal(SIGALRM, note);
	got = 0;
	CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	pause();
	CHECK(got == SIGALRM);
	CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	usleep(100000);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ms = (end.tv_sec - start.tv_sec) * 1000 +
		(end.tv_nsec - start.tv_nsec) / 1000000;
	CHECK(ms >= 100);
	CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	CHECK(FAILS(nanosleep(&long_time, &rest), EINTR));
	CHECK(rest.tv_sec < 1000 && rest.tv_sec > 500);
	CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
	alarm(100);
	CHECK(alarm(0) > 90);
	CHECK(FAILS(nanosleep(&(struct timespec){0, 1000000000}, NULL),
		    EINVAL));
	CHECK(time(NULL) > 1500000000);
}

static void alternate_stack(void)
{
	stack_t stack = {malloc(65536), 0, 65536};
	int signo;

	CHECK(sigaltstack(&stack, NULL) == 0);
	handle(SIGSEGV, leap, SA_ONSTACK);
	if (!(signo = sigsetjmp(back, 1)))
		LOSE_STACK;
	CHECK(signo == SIGSEGV);
}

// Deep below what was touched so far: the stack grows.
static void deep_stack(void)
{
	volatile char *deep = __builtin_alloca(6 << 20);

	for (long i = (6 << 20) - 4096; i >= 0; i -= 4096)
		deep[i] = (char)i;
	CHECK(deep[0] == 0);
}

int main(void)
{
	handlers();
	restarts();
	faults();
	masks();
	timers();
	alternate_stack();
	deep_stack();
	return finish();
}
