// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// execve: everything that can fail is done first (exec_prepare); then the process
// becomes the program (exec_finish), in place if its memory is its own, else (a
// vfork child) on another carrier in a new address space.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/arch/registers.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/exec.h"
#include "personalities/linux/file.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"

#define HEAD_BYTES 256
#define SCRIPTS_MAX 5
#define RELOCATED_BASE 0x500000000ull // 20 GiB: where static-PIE goes
#define FIRST_STACK 0x20000ull

i64 strings_add(struct strings *strings, const char *text)
{
	usize bytes = strlen(text) + 1;

	if (strings->bytes + bytes > ARGUMENT_BYTES_MAX ||
	    strings->count >= ARGUMENTS_MAX)
		return -E2BIG;
	if (strings->bytes + bytes > strings->size) {
		usize size =
			MAX(strings->size * 2, strings->bytes + bytes + 512);
		char *more = buffer_alloc(size);

		if (!more)
			return -ENOMEM;
		if (strings->text)
			memcpy(more, strings->text, strings->bytes);
		object_free(strings->text);
		strings->text = more;
		strings->size = size;
	}
	memcpy(strings->text + strings->bytes, text, bytes);
	strings->bytes += bytes;
	strings->count++;
	return 0;
}

void strings_free(struct strings *strings)
{
	object_free(strings->text);
	*strings = (struct strings){};
}

static i64 strings_in(u64 from, struct strings *strings)
{
	char *buffer = buffer_alloc(0x20000);
	i64 error = buffer ? 0 : -ENOMEM;

	while (!error && from) {
		u64 address;

		error = guest_copy_in(&address, from, 8);
		if (error || !address)
			break;
		error = guest_text_in(buffer, address, 0x20000);
		if (error == -ENAMETOOLONG)
			error = -E2BIG;
		if (error >= 0)
			error = strings_add(strings, buffer);
		from += 8;
	}
	object_free(buffer);
	return error;
}

void exec_image_free(struct exec_image *image)
{
	if (!image)
		return;
	program_put(image->program);
	strings_free(&image->arguments);
	strings_free(&image->environment);
	object_free(image->path);
	object_free(image->name);
	object_free(image);
}

// "#! interpreter argument": the new argument list. script is how it was called.
static i64 script_arguments(char *head, const char *script,
			    struct strings *arguments, char *interpreter,
			    usize size)
{
	struct strings list = {};
	const char *rest = arguments->text;
	char *line = head + 2, *end = strchr(line, '\n'), *argument;
	i64 error;

	if (!end)
		end = line +
			strlen(line); // cut off: Linux runs it all the same
	*end = 0;
	while (*line == ' ' || *line == '\t')
		line++;
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = 0;
	if (!*line)
		return -ENOEXEC;
	for (argument = line;
	     *argument && *argument != ' ' && *argument != '\t';)
		argument++;
	if (*argument)
		*argument++ = 0;
	while (*argument == ' ' || *argument == '\t')
		argument++;
	if (strlen(line) >= size)
		return -ENAMETOOLONG;
	error = strings_add(&list, line);
	if (!error && *argument)
		error = strings_add(&list, argument);
	if (!error)
		error = strings_add(&list, script);
	for (u32 i = 0; !error && i < arguments->count; i++) {
		if (i)
			error = strings_add(&list, rest);
		rest += strlen(rest) + 1;
	}
	if (error) {
		strings_free(&list);
		return error;
	}
	strings_free(arguments);
	*arguments = list;
	strlcpy(interpreter, line, size); // script may lie in it until here
	return 0;
}

static i64 find_program(struct thread *thread, i64 dirfd, const char *path,
			u32 flags, struct exec_image *image, struct walk *walk)
{
	char head[HEAD_BYTES], interpreter[HEAD_BYTES];
	const char *now = path;

	for (u32 depth = 0; depth < SCRIPTS_MAX; depth++) {
		i64 error = walk_path(thread, dirfd, now,
				      depth ? WALK_FOLLOW : flags, walk);

		if (!error && !walk->place.mount)
			error = -ENOENT;
		if (!error)
			error = program_open(thread, &walk->place,
					     &image->program, head,
					     sizeof(head) - 1);
		if (error)
			return error;
		if (image->program) {
			image->path = text_copy(walk->path);
			return image->path ? 0 : -ENOMEM;
		}
		head[sizeof(head) - 1] = 0;
		error = script_arguments(head, now, &image->arguments,
					 interpreter, sizeof(interpreter));
		if (error)
			return error;
		// The script's name must outlive this round's buffer.
		now = interpreter;
		dirfd = AT_FDCWD;
	}
	return -ELOOP;
}

i64 exec_prepare(struct thread *thread, i64 dirfd, const char *path, u32 flags,
		 struct strings *arguments, struct strings *environment,
		 struct exec_image **out)
{
	struct exec_image *image = object_alloc(sizeof(*image));
	struct walk *walk = walk_create();
	i64 error = image && walk ? 0 : -ENOMEM;

	if (image) {
		image->arguments = *arguments;
		image->environment = *environment;
		*arguments = *environment = (struct strings){};
		image->name = text_copy(path);
		if (!image->name)
			error = -ENOMEM;
	}
	if (!error && image->arguments.count == 0)
		error = strings_add(&image->arguments, "");
	if (!error)
		error = find_program(thread, dirfd, path, flags, image, walk);
	walk_free(walk);
	if (error)
		exec_image_free(image);
	else
		*out = image;
	return error;
}

// One segment: pages of the file as they are, writable ones copied.
static i64 map_segment(struct mm *mm, const struct exec_image *image,
		       const struct elf_segment *segment, u64 base,
		       const u8 *data)
{
	u64 start = align_down(segment->address, PAGE);
	u64 file_end = segment->address + segment->file_bytes;
	u64 end = align_up(segment->address + segment->memory_bytes, PAGE);
	struct area_wish wish = {
		.start = start + base,
		.protection = segment->protection,
		.name = image->path,
		.file_node = image->program->place.node,
		.file_offset = align_down(segment->file_offset, PAGE)};
	i64 error = 0;

	if (segment->protection & PROT_WRITE) {
		wish.length = end - start;
		error = mm_map(mm, &wish);
		return error ? error
			     : guest_copy_out(segment->address + base, data,
					      segment->file_bytes);
	}
	wish.length = align_up(file_end, PAGE) - start;
	wish.backing = image->program->contents;
	wish.offset = wish.file_offset;
	wish.allowed = PROT_READ | PROT_EXEC;
	if (segment->file_bytes)
		error = mm_map(mm, &wish);
	if (!error && end > wish.start - base + wish.length) {
		struct area_wish rest = {.start = wish.start + wish.length,
					 .length = end - (wish.start - base) -
						 wish.length,
					 .protection = segment->protection};

		error = mm_map(mm, &rest);
	}
	return error;
}

static i64 map_image(struct mm *mm, const struct exec_image *image, u64 base)
{
	const struct elf_image *elf = &image->program->image;
	const u8 *data = image->program->data;
	i64 error = 0;

	for (u32 i = 0; !error && i < elf->nsegments; i++) {
		error = map_segment(mm, image, &elf->segment[i], base, data);
		if (elf->segment[i].protection & PROT_WRITE)
			data += elf->segment[i].file_bytes;
	}
	mm->image_end = mm->brk_start = mm->brk = elf->high + base;
	return error;
}

static i64 map_stack(struct mm *mm, const struct exec_image *image)
{
	u64 bytes = align_up(
		image->arguments.bytes + image->environment.bytes +
			(image->arguments.count + image->environment.count) *
				8 +
			FIRST_STACK,
		FIRST_STACK);
	struct area_wish wish = {.start = STACK_TOP - bytes,
				 .length = bytes,
				 .protection = PROT_READ | PROT_WRITE,
				 .stack = true,
				 .name = "[stack]"};

	mm->stack_start = wish.start;
	return mm_map(mm, &wish);
}

static void set_name(struct thread *thread, const char *path)
{
	const char *slash = strrchr(path, '/');

	strlcpy(thread->name, slash ? slash + 1 : path, sizeof(thread->name));
}

void exec_finish(struct thread *thread)
{
	struct exec_image *image = thread->image;
	struct process *process = thread->process;
	struct guest_state *state = thread->carrier->state;
	u64 base = image->program->image.relocatable ? RELOCATED_BASE : 0,
	    sp = 0;
	i64 error;

	error = mm_reset(process->mm);
	if (!error)
		error = map_image(process->mm, image, base);
	if (!error)
		error = map_stack(process->mm, image);
	if (!error)
		error = exec_stack(thread, image, base, &sp);
	if (!error)
		error = frame_prepare(process->mm);
	object_free(process->mm->executable);
	process->mm->executable = image->path;
	image->path = nullptr;
	set_name(thread, image->name);
	guest_start(state, image->program->image.entry + base, sp);
	fpu_reset();
	thread->image = nullptr;
	exec_image_free(image);
	if (error)
		process_exit(process, SIGKILL); // too late to go back
}

// End the other threads of the process; this one gets the process's number.
static i64 become_only_thread(struct thread *thread)
{
	struct process *process = thread->process;

	while (process->threads.next->next != &process->threads) {
		struct wait_entry entry;

		LIST_FOR_EACH(node, &process->threads)
		{
			struct thread *other =
				CONTAINER_OF(node, struct thread, node);

			if (other == thread)
				continue;
			other->killed = true;
			__atomic_store_n(&other->attention, 1,
					 __ATOMIC_RELEASE);
			carrier_wake(other->carrier);
		}
		wait_enter(&process->signalled, &entry);
		(void)!wait_park(0);
		wait_leave(&entry);
		if (thread_dying(thread))
			return -EINTR;
	}
	thread_renumber(thread, process->pid);
	return 0;
}

// What exec changes besides memory.
static i64 leave_old_life(struct thread *thread)
{
	struct process *process = thread->process;
	struct actions *own = nullptr;
	struct file_table *files = nullptr;

	if (process->actions->references > 1) {
		own = object_alloc(sizeof(*own));
		if (!own)
			return -ENOMEM;
		*own = *process->actions;
		own->references = 1;
		actions_put(process->actions);
		process->actions = own;
	}
	if (thread->files->references > 1) {
		files = files_copy(thread->files);
		if (!files)
			return -ENOMEM;
		files_put(thread->files);
		thread->files = files;
	}
	files_exec(thread->files);
	signals_exec(thread);
	thread->clear_child_tid = thread->robust_list = 0;
	process->did_exec = true;
	return 0;
}

// The memory is shared: go on elsewhere, with memory of our own.
static i64 move_to_new_memory(struct thread *thread)
{
	struct process *process = thread->process;
	struct mm *mm, *old = process->mm;
	struct carrier *carrier, *self = thread->carrier;
	i64 error = mm_create(&mm);

	if (error)
		return error;
	carrier = carrier_claim(mm->aspace);
	if (!carrier) {
		mm_put(mm);
		return -ENOMEM;
	}
	process->mm = thread->mm = mm;
	process->run_ns += carrier_run_ns(self) - thread->run_base_ns;
	thread->carrier = carrier;
	thread->run_base_ns = carrier_run_ns(carrier);
	vfork_release(process);
	mm_put(old);
	self->leave = true;
	carrier_start(carrier, thread_work, thread);
	return 0;
}

i64 exec_start(struct thread *thread, struct exec_image *image)
{
	i64 error = become_only_thread(thread);

	if (!error)
		error = leave_old_life(thread);
	if (error) {
		exec_image_free(image);
		return error;
	}
	thread->image = image;
	if (thread->process->mm->references == 1) {
		exec_finish(thread);
		return NO_RESULT;
	}
	error = move_to_new_memory(thread);
	if (error) {
		thread->image = nullptr;
		exec_image_free(image);
		return error;
	}
	return NO_RESULT;
}

static i64 execute(struct thread *thread, i64 dirfd, u64 path, u64 argv,
		   u64 envp, u32 flags)
{
	struct strings arguments = {}, environment = {};
	struct exec_image *image;
	char *name = buffer_alloc(PATH_LIMIT);
	i64 error = name ? guest_text_in(name, path, PATH_LIMIT) : -ENOMEM;

	if (error >= 0)
		error = strings_in(argv, &arguments);
	if (!error)
		error = strings_in(envp, &environment);
	if (!error)
		error = exec_prepare(thread, dirfd, name, flags, &arguments,
				     &environment, &image);
	strings_free(&arguments);
	strings_free(&environment);
	object_free(name);
	return error ? error : exec_start(thread, image);
}

i64 call_execve(struct thread *thread, const u64 *a)
{
	return execute(thread, AT_FDCWD, a[0], a[1], a[2], WALK_FOLLOW);
}

i64 call_execveat(struct thread *thread, const u64 *a)
{
	if (a[4] & ~(u64)AT_SYMLINK_NOFOLLOW)
		return -EINVAL;
	return execute(thread, (i32)a[0], a[1], a[2], a[3],
		       a[4] & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW);
}
