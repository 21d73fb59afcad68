// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The tests of the kernel that need no other component: this program is the
// first process (kernel command line: root=kernel-test). Further words:
//   suite=conformance|hardening|smp|rings|all  which cases (default: conformance);
//                                         rings: of lib/ipc, on this kernel
//   case=PREFIX                           only cases whose names begin so
//   fuzz=N seed=S threads=T               N random system calls instead
//   loop=N                                every case N times
// Prints `CASE name ok|FAIL text|skip text`, `SHOWS line` for each line of the
// list of conformance tests that was shown, then `CASES passed failed skipped`,
// and powers the machine off.
#include "apps/kernel-test/harness/harness.h"
#include "lib/base/parse.h"

#define MAIN_PRIORITY 62
#define CASE_NS (120 * SECOND)
#define DRAIN_NS (5 * SECOND)

static u32 passed, failed, skipped;

static void fatal(const char *what, enum status status)
{
	say("CASE start FAIL %s: %s\nCASES 0 1 0\n", what, status_text(status));
	for (;;)
		(void)!sys_system_control(SYSTEM, SYSTEM_OFF, 0);
}

static void need(enum status status, const char *what)
{
	if (status != STATUS_OK)
		fatal(what, status);
}

[[noreturn]] static void runner_main(const struct test_case *test)
{
	struct worker *self = &shared->worker[0];

	*(struct worker **)self->stack = self;
	test->run();
	__atomic_store_n(&shared->finished, 1, __ATOMIC_RELEASE);
	(void)!sys_signal(handle_of(SLOT_NOTIFICATION));
	park();
}

static void runner_start(const struct test_case *test)
{
	struct worker *self = worker_new(nullptr);
	struct handle runner = handle_of(SLOT_RUNNER);

	self->thread = SLOT_RUNNER;
	self->bell = SLOT_RUNNER_BELL;
	need(sys_object_create(SELF_POOL, OBJECT_POOL, CASE_POOL_PAGES, 0, NONE,
			       SELF_CNODE, SLOT_CASE_POOL),
	     "pool");
	need(sys_object_create(SELF_POOL, OBJECT_THREAD, 0, 0, NONE, SELF_CNODE,
			       SLOT_RUNNER),
	     "runner");
	need(sys_object_create(SELF_POOL, OBJECT_NOTIFICATION, 0, 0, NONE,
			       SELF_CNODE, SLOT_RUNNER_BELL),
	     "bell");
	need(sys_thread_configure(runner, SELF_ASPACE, SELF_CNODE, NONE,
				  RUNNER_LAYER, 0),
	     "configure");
	need(sys_thread_schedule(runner, SCHED, RUNNER_PRIORITY, 100, 1),
	     "schedule");
	need(sys_thread_start(runner, (u64)runner_main,
			      self->stack + STACK_BYTES - 8, (u64)test, 0),
	     "start");
}

// Wait until the runner is done or can never be. The verdict is in shared.
static void runner_wait(const struct test_case *test)
{
	u64 look_ns = test->flags & QUIET ? CASE_NS : 20 * MS;
	u64 end = clock_ns() + CASE_NS, state, pc, address;

	while (!__atomic_load_n(&shared->finished, __ATOMIC_ACQUIRE)) {
		u64 now = clock_ns();

		(void)!sys_wait(handle_of(SLOT_NOTIFICATION), ~0ull,
				now + look_ns, nullptr);
		if (sys_thread_info(handle_of(SLOT_RUNNER), &state, nullptr,
				    nullptr, &address, &pc) != STATUS_OK)
			state = THREAD_STOPPED, pc = address = 0;
		if (shared->finished)
			break;
		if ((state == THREAD_FAULTED || state == THREAD_STOPPED ||
		     now > end) &&
		    !__atomic_exchange_n(&shared->failed, 1,
					 __ATOMIC_ACQ_REL)) {
			(void)format_text(shared->text, sizeof(shared->text),
					  "%s: state %lu, pc %#lx, last fault "
					  "at %#lx",
					  now > end ? "did not end"
						    : "the runner fell",
					  state, pc, address);
			break;
		}
	}
}

// Nothing of the case may be left. False if something is.
static bool clean_up(void)
{
	struct usage left = {};
	u64 end = clock_ns() + DRAIN_NS;
	bool clean;

	(void)!sys_thread_stop(handle_of(SLOT_RUNNER));
	(void)!slot_delete(handle_of(SLOT_RUNNER));
	(void)!slot_delete(handle_of(SLOT_RUNNER_BELL));
	for (u32 slot = SLOT_CASE_FIRST; slot < SLOT_CASE_END; slot++)
		(void)!slot_delete(handle_of(slot));
	(void)!sys_aspace_unmap(SELF_ASPACE, AREA, 0x800000000);
	do {
		usage_of(CASE_POOL, &left);
		clean = !left.pages && !left.objects && !left.capabilities;
	} while (!clean && clock_ns() < end);
	if (!clean && !shared->failed) {
		shared->failed = 1;
		(void)format_text(shared->text, sizeof(shared->text),
				  "left in its pool: %lu pages, %lu objects, "
				  "%lu capabilities",
				  left.pages, left.objects, left.capabilities);
	}
	need(sys_pool_destroy(CASE_POOL), "pool_destroy");
	(void)!slot_delete(handle_of(SLOT_CASE_POOL));
	return clean;
}

static void run_once(const struct test_case *test, struct usage *before,
		     struct usage *after)
{
	u64 end;

	harness_reset();
	usage_of(SELF_POOL, before);
	runner_start(test);
	runner_wait(test);
	(void)clean_up();
	end = clock_ns() + SECOND;
	do
		usage_of(SELF_POOL, after);
	while (!usage_same(before, after) && clock_ns() < end &&
	       !shared->failed);
}

static void show(const char *lines)
{
	char line[128];
	usize n;

	while (lines && *lines) {
		const char *end = strchr(lines, ';');

		n = end ? (usize)(end - lines) : strlen(lines);
		if (n >= sizeof(line))
			n = sizeof(line) - 1;
		memcpy(line, lines, n);
		line[n] = 0;
		say("SHOWS %s\n", line);
		lines = end ? end + 1 : nullptr;
	}
}

static void run_case(const struct test_case *test)
{
	struct usage before = {}, after = {};

	if (test->flags & NEEDS_TWO_CPUS && cpus_online() < 2) {
		say("CASE %s skip needs two processors\n", test->name);
		skipped++;
		return;
	}
	run_once(test, &before, &after);
	// The first time, pages of this program itself are touched.
	if (!shared->failed && !shared->skipped && !(test->flags & ONCE) &&
	    !usage_same(&before, &after))
		run_once(test, &before, &after);
	if (!shared->failed && !(test->flags & (LEAVES_TRACES | ONCE)) &&
	    !usage_same(&before, &after)) {
		shared->failed = 1;
		(void)format_text(
			shared->text, sizeof(shared->text),
			"leak: pages %+ld, objects %+ld, capabilities %+ld, "
			"free frames %+ld",
			(i64)(after.pages - before.pages),
			(i64)(after.objects - before.objects),
			(i64)(after.capabilities - before.capabilities),
			(i64)(after.free_frames - before.free_frames));
	}
	if (shared->failed) {
		say("CASE %s FAIL %s\n", test->name, shared->text);
		failed++;
	} else if (shared->skipped) {
		say("CASE %s skip %s\n", test->name, shared->text);
		skipped++;
	} else {
		say("CASE %s ok\n", test->name);
		show(test->shows);
		passed++;
	}
}

static u64 number_word(const char *name, u64 otherwise)
{
	char text[32];
	u64 value;

	if (!startup_word(name, text, sizeof(text)) ||
	    parse_u64(text, strlen(text), ~0ull, &value) != STATUS_OK)
		return otherwise;
	return value;
}

static void run_suite(const struct test_case *tests, const char *prefix)
{
	u64 loops = number_word("loop", 1);

	for (; tests->name; tests++)
		if (strncmp(tests->name, prefix, strlen(prefix)) == 0)
			for (u64 i = 0; i < loops; i++)
				run_case(tests);
}

static const struct test_case generic_case[] = {
	{"generic.arguments", generic_run, nullptr, 0}, {}};

static void run_suites(void)
{
	char suite[32] = "conformance", prefix[64] = "";
	bool all;

	(void)startup_word("suite", suite, sizeof(suite));
	(void)startup_word("case", prefix, sizeof(prefix));
	all = string_equal(suite, "all");
	if (all || string_equal(suite, "conformance")) {
		run_suite(generic_case, prefix);
		run_suite(suite_caps, prefix);
		run_suite(suite_objects, prefix);
		run_suite(suite_ipc, prefix);
		run_suite(suite_pages, prefix);
		run_suite(suite_memory, prefix);
		run_suite(suite_threads, prefix);
		run_suite(suite_accounts, prefix);
		run_suite(suite_time, prefix);
		run_suite(suite_devices, prefix);
		run_suite(suite_guest, prefix);
		run_suite(suite_cpus, prefix);
	}
	if (all || string_equal(suite, "hardening"))
		run_suite(suite_hardening, prefix);
	if (all || string_equal(suite, "smp")) {
		run_suite(suite_smp, prefix);
		run_suite(suite_cpus_smp, prefix);
	}
	if (all || string_equal(suite, "rings"))
		run_suite(suite_rings, prefix);
}

int component_main(const struct startup *)
{
	u64 fuzz = number_word("fuzz", 0);

	need(sys_thread_schedule(handle_of(SLOT_THREAD), SCHED, MAIN_PRIORITY,
				 100, 1),
	     "schedule");
	need(sys_object_create(SELF_POOL, OBJECT_MEMORY, SHARED_BYTES, 0, NONE,
			       SELF_CNODE, SLOT_SHARED),
	     "shared memory");
	need(sys_aspace_map(SELF_ASPACE, handle_of(SLOT_SHARED), 0, SHARED_AT,
			    SHARED_BYTES, MAP_READ | MAP_WRITE),
	     "shared");
	harness_reset();
	harness_start();
	if (fuzz)
		fuzz_run(fuzz, number_word("seed", 1),
			 (u32)number_word("threads", 4));
	else
		run_suites();
	say("CASES %u %u %u\n", passed, failed, skipped);
	for (;;)
		(void)!sys_system_control(SYSTEM, SYSTEM_OFF, 0);
}
