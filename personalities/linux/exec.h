// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Starting programs: files that can be run (kept between starts), and the state
// of one execve between what can fail and what cannot.
#ifndef PERSONALITIES_LINUX_EXEC_H
#define PERSONALITIES_LINUX_EXEC_H
#include "lib/base/list.h"
#include "personalities/linux/elf.h"
#include "personalities/linux/path.h"

#define ARGUMENT_BYTES_MAX 0x200000u
#define ARGUMENTS_MAX 65536u

// A program file: headers checked, contents in memory, for any number of starts.
struct program_file {
	u32 references;
	struct list node; // in the cache
	struct place place;
	i64 mtime_ns;
	u64 size;
	struct elf_image image;
	struct backing *contents; // mapped read-only into every process
	u8 *data; // bytes of the writable segments, one after the other
};

// Strings one after the other, each NUL-terminated.
struct strings {
	char *text;
	usize bytes, size;
	u32 count;
};
[[nodiscard]] i64 strings_add(struct strings *strings, const char *text);
void strings_free(struct strings *strings);

struct exec_image {
	struct program_file *program;
	struct strings arguments, environment;
	char *path; // canonical, of the program
	char *name; // as asked for
};

// Open and check what path leads to, scripts included; takes the strings.
[[nodiscard]] i64 exec_prepare(struct thread *thread, i64 dirfd,
			       const char *path, u32 flags,
			       struct strings *arguments,
			       struct strings *environment,
			       struct exec_image **out);
void exec_image_free(struct exec_image *image);
// On the thread's carrier, in its address space: become the program.
void exec_finish(struct thread *thread);

// Become the program, now. Takes the image. NO_RESULT or a negative error.
i64 exec_start(struct thread *thread, struct exec_image *image);

// program.c. The first bytes of the file are returned in head for scripts.
[[nodiscard]] i64 program_open(struct thread *thread, const struct place *place,
			       struct program_file **out, char *head,
			       usize head_bytes);
void program_put(struct program_file *program);

// exec_stack.c: write arguments and auxiliary vector; *sp is the new stack pointer.
[[nodiscard]] i64 exec_stack(struct thread *thread,
			     const struct exec_image *image, u64 base, u64 *sp);
#endif
