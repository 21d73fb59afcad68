// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the whole container shares: memory for the personality's own objects, the
// pool that the guests' memory comes from, errors, and the mode it runs in.
#ifndef PERSONALITIES_LINUX_CONTAINER_H
#define PERSONALITIES_LINUX_CONTAINER_H
#include "lib/base/status.h"
#include "personalities/linux/linux_abi.h"

#define CONTAINER_LAYER 60

// Objects of the personality (objects.c); any thread. NULL when there is no room.
// Zeroed.
void *object_alloc(usize size);
// The same, contents undefined: for big buffers.
void *buffer_alloc(usize size);
void object_free(void *memory);
char *text_copy(const char *text);
[[nodiscard]] enum status objects_init(void);
void objects_tidy(void); // give back pages that nothing lives in
// Some work ended a while ago: give back what it had and nobody has taken again.
void container_tidy(void);

// Memory and address spaces of guests come from here: what is left for the
// personality itself is out of their reach.
extern struct handle guest_pool;

// A status as a negative Linux error number (0 for STATUS_OK).
i64 status_errno(enum status status);

enum container_mode {
	MODE_RUN, // shell on the console
	MODE_EXEC, // one command over the exec channel
};
extern enum container_mode container_mode;
extern bool container_show_calls; // calls=1: print missing calls at the end

// A command for the engine ("svc list", "poweroff"). Any thread, big lock not
// held. The answer is in *text (object_free it) of *bytes; returns the exit
// status or a negative error number.
i64 engine_command(const char *command, usize bytes, char **text,
		   usize *length);

// From the generator of random.c. Any thread.
void random_bytes(void *to, usize bytes);

// The calls that programs asked for and that do not exist: one text line each.
usize missing_calls_text(char *to, usize size);
// How many processors programs are told of: those of the machine.
u64 machine_cpus(void);

#endif
