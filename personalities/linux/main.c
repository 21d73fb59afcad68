// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The Linux personality: one container. It starts its threads, its tree of files
// and the first program, a shell on the console (mode=run) or the command of the
// boot archive (mode=exec), and ends the machine when that is over.
//
// The component's main thread only answers heartbeats; everything else happens
// on carriers (carrier.h), because only they can wait for each other.
#include <stdarg.h>

#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/exec.h"
#include "personalities/linux/file.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"
#include "personalities/linux/time.h"
#include "personalities/linux/tty.h"

#define RESERVE_BYTES 0x3000000ull // for the personality itself, at most
#define REQUEST_BYTES 0x20000u
#define DEFAULT_PATH                                                           \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static u32 first_pid; // the first program's; 0: none
static struct wait_queue first_ended = {
	{&first_ended.waiters, &first_ended.waiters}};
static i32 first_status;

void container_process_ended(u32 pid, i32 status)
{
	if (pid != first_pid)
		return;
	first_status = status;
	first_pid = 0;
	wait_wake(&first_ended);
}

// A small process needs about 27 pages.
#define PAGES_OF_A_PROCESS 32

static i64 guest_pool_init(void)
{
	u64 limit = 0, used = 0, reserve;

	if (sys_pool_info(SELF_POOL, &limit, &used, nullptr, nullptr,
			  nullptr) != STATUS_OK)
		return -EIO;
	reserve = MIN(limit / 4, RESERVE_BYTES / PAGE);
	if (used + reserve >= limit)
		return -ENOMEM;
	threads_max = (u32)MAX((limit - used - reserve) / PAGES_OF_A_PROCESS,
			       (u64)threads_max);
	return status_errno(cap_create(SELF_POOL, OBJECT_POOL,
				       limit - used - reserve, 0,
				       (struct handle){0}, &guest_pool));
}

static i64 engine_do(const char *command)
{
	usize length;
	char *text;
	i64 result;

	mutex_unlock(&container_lock);
	result = engine_command(command, strlen(command), &text, &length);
	mutex_lock(&container_lock);
	if (result >= 0)
		object_free(text);
	return result;
}

// ---- the first program

// So that its name can be found: ttyname(3) asks /proc and /dev.
static void name_console(struct file *file)
{
	struct mount *dev = mount_on(&mounts[0], mounts[0].root, "dev");
	u64 node;
	u32 mode;

	if (!dev ||
	    dev->operations->lookup(nullptr, dev, dev->root, "console", &node,
				    &mode))
		return;
	file->place = (struct place){dev, node, mode};
	file->path = text_copy("/dev/console");
}

static i64 first_files(struct thread *thread)
{
	struct file *file[3] = {};
	i64 error = 0;

	if (container_mode == MODE_EXEC) {
		exec_channel_files(&file[0], &file[1], &file[2]);
	} else {
		error = tty_open(nullptr, O_RDWR, &file[0]);
		if (!error)
			name_console(file[0]);
		for (u32 i = 1; !error && i < 3; i++) {
			file[i] = file[0];
			file_get(file[0]);
		}
	}
	for (u32 i = 0; !error && i < 3; i++) {
		if (!file[i])
			return -ENOMEM;
		error = files_install(thread, file[i], i, false);
		if (error > 0)
			error = 0;
	}
	return error;
}

i64 process_first(struct thread **out)
{
	struct process *process = process_new(&init_process);
	struct place root = {&mounts[0], mounts[0].root, S_IFDIR | 0755};
	struct thread *thread;
	i64 error;

	if (!process)
		return -ENOMEM;
	error = mm_create(&process->mm);
	process->actions = object_alloc(sizeof(*process->actions));
	thread = error ? nullptr : thread_new(process);
	if (!thread || !process->actions)
		return -ENOMEM;
	process->actions->references = 1;
	process->pgid = process->sid = process->pid;
	thread->mm = process->mm;
	thread->files = files_create();
	thread->directories = object_alloc(sizeof(*thread->directories));
	if (!thread->files || !thread->directories)
		return -ENOMEM;
	*thread->directories =
		(struct directories){1, 022, directory_create(&root, "/"),
				     directory_create(&root, "/")};
	if (!thread->directories->root || !thread->directories->current)
		return -ENOMEM;
	error = first_files(thread);
	*out = thread;
	return error;
}

// HOME is where it starts, if there is one.
static void go_home(struct thread *thread, const char *home)
{
	struct walk *walk = walk_create();
	struct directory *directory;

	if (walk &&
	    walk_path(thread, AT_FDCWD, home, WALK_FOLLOW | WALK_DIRECTORY,
		      walk) == 0) {
		directory = directory_create(&walk->place, walk->path);
		if (directory) {
			directory_put(thread->directories->current);
			thread->directories->current = directory;
		}
	}
	walk_free(walk);
}

static const char *environment_value(const struct strings *environment,
				     const char *name)
{
	const char *at = environment->text;
	usize length = strlen(name);

	for (u32 i = 0; i < environment->count; i++) {
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			return at + length + 1;
		at += strlen(at) + 1;
	}
	return nullptr;
}

static void environment_default(struct strings *environment, const char *name,
				const char *value)
{
	char text[512];

	if (environment_value(environment, name))
		return;
	format_text(text, sizeof(text), "%s=%s", name, value);
	(void)strings_add(environment, text);
}

// Directories of PATH in turn; what was wrong with the best match.
static i64 prepare_by_path(struct thread *thread, const char *name,
			   struct strings *arguments,
			   struct strings *environment,
			   struct exec_image **image)
{
	const char *path = environment_value(environment, "PATH");
	i64 result = -ENOENT;

	if (strchr(name, '/'))
		return exec_prepare(thread, AT_FDCWD, name, WALK_FOLLOW,
				    arguments, environment, image);
	while (path && *path) {
		const char *end = strchr(path, ':');
		usize length = end ? (usize)(end - path) : strlen(path);
		char full[PATH_LIMIT / 4];
		struct strings a = {}, e = {};
		const char *at = arguments->text;
		i64 error = 0;

		format_text(full, sizeof(full), "%.*s/%s", (int)length, path,
			    name);
		for (u32 i = 0; i < arguments->count; i++, at += strlen(at) + 1)
			(void)strings_add(&a, at);
		at = environment->text;
		for (u32 i = 0; i < environment->count;
		     i++, at += strlen(at) + 1)
			(void)strings_add(&e, at);
		error = exec_prepare(thread, AT_FDCWD, full, WALK_FOLLOW, &a,
				     &e, image);
		if (!error)
			return 0;
		if (error != -ENOENT && error != -ENOTDIR)
			result = error;
		path += length + (end != nullptr);
	}
	return result;
}

// Start it. On failure the process is gone again.
static i64 start_program(const char *name, struct strings *arguments,
			 struct strings *environment)
{
	struct exec_image *image = nullptr;
	struct thread *thread = nullptr;
	const char *home;
	i64 error = process_first(&thread);

	if (error)
		return error;
	environment_default(environment, "PATH", DEFAULT_PATH);
	environment_default(environment, "HOME", "/root");
	environment_default(environment, "TERM", "vt100");
	environment_default(environment, "USER", "root");
	environment_default(environment, "LOGNAME", "root");
	home = environment_value(environment, "HOME");
	go_home(thread, home ? home : "/");
	error = prepare_by_path(thread, name, arguments, environment, &image);
	if (!error) {
		thread->carrier = carrier_claim(thread->mm->aspace);
		if (!thread->carrier)
			error = -ENOMEM;
	}
	if (error) {
		struct process *process = thread->process;

		exec_image_free(image);
		files_put(thread->files);
		directories_put(thread->directories);
		thread_free(thread);
		mm_put(process->mm);
		actions_put(process->actions);
		process_put_zombie(process);
		return error;
	}
	thread->run_base_ns = carrier_run_ns(thread->carrier);
	thread->image = image;
	first_pid = exec_channel_group = thread->process->pid;
	if (container_mode == MODE_RUN)
		tty_control(&console_tty, thread->process);
	carrier_start(thread->carrier, thread_work, thread);
	return 0;
}

static i32 wait_for_first(void)
{
	while (first_pid) {
		struct wait_entry entry;

		wait_enter(&first_ended, &entry);
		(void)!wait_park(0);
		wait_leave(&entry);
	}
	return first_status;
}

// Output of what others still write to the terminal or the channel.
static void end_machine(const char *command)
{
	i64 result = engine_do(command);

	log_print("linux: %s: %s", command,
		  result < 0 ? "refused" : "asked for");
	for (;;)
		(void)!wait_park(0);
}

// ---- mode=run

static void run_shell(void)
{
	char term[32] = "vt100", text[64];

	(void)startup_word("term", term, sizeof(term));
	for (;;) {
		struct strings arguments = {}, environment = {};
		u64 started = clock_ns();
		i64 error;
		i32 status;

		(void)strings_add(&arguments, "-sh");
		format_text(text, sizeof(text), "TERM=%s", term);
		(void)strings_add(&environment, text);
		error = start_program("/bin/sh", &arguments, &environment);
		strings_free(&arguments);
		strings_free(&environment);
		if (error) {
			log_print("linux: /bin/sh cannot be started: error %ld",
				  -error);
			end_machine("poweroff");
		}
		status = wait_for_first();
		// Killed by a signal: a new one. Ended by itself: that was all.
		if ((status & 0x7f) == 0 || clock_ns() - started < 1000000000)
			end_machine("poweroff");
	}
}

// ---- mode=exec

// A file of NUL-terminated strings.
static i64 read_strings(struct thread *thread, const char *path,
			struct strings *strings)
{
	struct walk *walk = walk_create();
	char *text = buffer_alloc(REQUEST_BYTES + 1);
	usize have = 0;
	i64 done = walk && text
		? walk_path(thread, AT_FDCWD, path, WALK_FOLLOW, walk)
		: -ENOMEM;

	if (!done && (walk->place.mode & S_IFMT) != S_IFREG)
		done = -EISDIR;
	while (!done || done > 0) {
		struct io io = {true, (u64)text + have, REQUEST_BYTES - have};
		struct mount *mount = walk->place.mount;

		if (!io.left)
			break;
		done = mount->operations->read(mount, walk->place.node, have,
					       &io);
		if (done <= 0)
			break;
		have += (usize)done;
	}
	for (usize at = 0; done >= 0 && at < have;) {
		text[have] = 0;
		(void)strings_add(strings, text + at);
		at += strlen(text + at) + 1;
	}
	walk_free(walk);
	object_free(text);
	return done < 0 ? done : 0;
}

[[gnu::format(printf, 1, 2)]] static void say(const char *format, ...)
{
	char text[512];
	va_list values;
	usize length;

	va_start(values, format);
	length = format_string(text, sizeof(text), format, values);
	va_end(values);
	exec_channel_text(text, MIN(length, sizeof(text) - 1));
}

static i32 exec_failed(const char *name, i64 error)
{
	if (error == -ENOENT || error == -ENOTDIR) {
		say("kochab: %s: not found\n", name);
		return 127;
	}
	say("kochab: %s: cannot be run (%s)\n", name,
	    error == -EACCES ? "permission denied"
		    : error == -ENOEXEC
		    ? "not a static executable for " MACHINE_NAME
		    : error == -ENOMEM ? "out of memory"
				       : "error");
	return 126;
}

static i32 run_request(struct thread *reader)
{
	struct strings arguments = {}, environment = {};
	char name[256];
	i64 error = read_strings(reader, "/boot/kochab/exec", &arguments);
	i32 status;

	if (error || !arguments.count) {
		say("kochab: the boot archive has no kochab/exec (error %ld)\n",
		    -error);
		return -1;
	}
	(void)read_strings(reader, "/boot/kochab/env", &environment);
	strlcpy(name, arguments.text, sizeof(name));
	error = start_program(name, &arguments, &environment);
	strings_free(&arguments);
	strings_free(&environment);
	if (error)
		return exec_failed(name, error);
	status = wait_for_first();
	return status & 0x7f ? 256 + (status & 0x7f) : status >> 8 & 0xff;
}

static void run_exec(void)
{
	struct directories top = {.references = 1};
	struct place root = {&mounts[0], mounts[0].root, S_IFDIR | 0755};
	struct thread *reader = object_alloc(sizeof(*reader));
	static char missing[4096];
	i32 status = -1;

	top.root = top.current = directory_create(&root, "/");
	if (reader && top.root) {
		reader->directories = &top;
		status = run_request(reader);
	}
	if (container_show_calls)
		exec_channel_text(missing,
				  missing_calls_text(missing, sizeof(missing)));
	exec_channel_end(status);
	end_machine("poweroff");
}

// ---- start

static void need(i64 error, const char *what)
{
	if (error)
		component_fail("linux: %s: error %ld", what, -error);
}

static void first_work(void *argument)
{
	char word[16];

	(void)argument;
	mutex_lock(&container_lock);
	if (startup_word("mode", word, sizeof(word)) &&
	    string_equal(word, "exec"))
		container_mode = MODE_EXEC;
	container_show_calls = startup_word("calls", word, sizeof(word)) &&
		string_equal(word, "1");
	processes_init();
	need(mounts_init(), "mounts");
	need(time_init(), "timers");
	if (container_mode == MODE_EXEC)
		need(exec_channel_init(), "exec channel");
	else
		need(tty_init(), "console");
	component_ready();
	if (container_mode == MODE_EXEC)
		run_exec();
	else
		run_shell();
}

int component_main(const struct startup *page)
{
	struct carrier *carrier;
	u64 bits;

	(void)page;
	fpu_init();
	need(status_errno(objects_init()), "objects");
	need(guest_pool_init(), "pool");
	need(status_errno(carriers_init()), "threads");
	carrier = carrier_claim(SELF_ASPACE);
	if (!carrier)
		component_fail("linux: no first thread");
	carrier_start(carrier, first_work, nullptr);
	for (;;)
		(void)!component_wait(NOTIFY_PEER, 0, &bits);
}
