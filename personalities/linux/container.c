// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the whole container shares: see container.h.
#include "personalities/linux/container.h"

#include "gen/abi/engine.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "lib/sys/guard.h"
#include "personalities/linux/sync.h"

#define ANSWER_CHUNK 3072u
#define ANSWER_MAX 0x400000u

struct handle guest_pool;
enum container_mode container_mode;
bool container_show_calls;

// Objects of up to the last class's size come from slabs and go back to their
// class, so that what is in use at most decides how much memory the personality
// takes, not the order of births and deaths. Larger ones are the heap's.
#define SLAB_BYTES 16384u
#define LARGE 0xffffffffu

static const u16 class_bytes[] = {32,	48,   64,   96,	  128,	192,
				  256,	384,  512,  768,  1024, 1536,
				  2048, 3072, 4096, 5120, 6144};

struct header {
	u32 class; // LARGE, or index of class_bytes
	u32 reserved[3]; // objects are at multiples of 16
};

struct free_object {
	struct header header;
	struct free_object *next;
};

static struct free_object *free_objects[ARRAY_COUNT(class_bytes)];
static struct guard guard;

static u32 class_of(usize size)
{
	u32 class = 0;

	while (class < ARRAY_COUNT(class_bytes) && class_bytes[class] < size)
		class ++;
	return class == ARRAY_COUNT(class_bytes) ? LARGE : class;
}

static void slab_add(u32 class)
{
	usize stride = sizeof(struct header) + class_bytes[class];
	u8 *slab = heap_alloc(SLAB_BYTES);

	for (usize at = 0; slab && at + stride <= SLAB_BYTES; at += stride) {
		struct free_object *object = (struct free_object *)(slab + at);

		object->header.class = class;
		object->next = free_objects[class];
		free_objects[class] = object;
	}
}

static struct header *class_take(u32 class)
{
	struct free_object *object;

	guard_enter(&guard);
	if (!free_objects[class])
		slab_add(class);
	object = free_objects[class];
	if (object)
		free_objects[class] = object->next;
	guard_leave(&guard);
	return object ? &object->header : nullptr;
}

void *buffer_alloc(usize size)
{
	u32 class = class_of(size);
	struct header *header;

	if (class != LARGE) {
		header = class_take(class);
	} else {
		header = heap_alloc(sizeof(*header) + size);
		if (header)
			header->class = LARGE;
	}
	return header ? header + 1 : nullptr;
}

void *object_alloc(usize size)
{
	void *memory = buffer_alloc(size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

void object_free(void *memory)
{
	struct header *header = (struct header *)memory - 1;
	struct free_object *object = (struct free_object *)header;

	if (!memory)
		return;
	if (header->class == LARGE) {
		heap_free(header);
		return;
	}
	guard_enter(&guard);
	object->next = free_objects[header->class];
	free_objects[header->class] = object;
	guard_leave(&guard);
}

char *text_copy(const char *text)
{
	usize bytes = strlen(text) + 1;
	char *copy = buffer_alloc(bytes);

	if (copy)
		memcpy(copy, text, bytes);
	return copy;
}

i64 status_errno(enum status status)
{
	switch (status) {
	case STATUS_OK:
		return 0;
	case ERR_NOENT:
		return -ENOENT;
	case ERR_EXIST:
		return -EEXIST;
	case ERR_NOTDIR:
		return -ENOTDIR;
	case ERR_ISDIR:
		return -EISDIR;
	case ERR_NOTEMPTY:
		return -ENOTEMPTY;
	case ERR_NOSPACE:
		return -ENOSPC;
	case ERR_READONLY:
		return -EROFS;
	case ERR_NAMETOOLONG:
		return -ENAMETOOLONG;
	case ERR_CROSSDEV:
		return -EXDEV;
	case ERR_LOOP:
		return -ELOOP;
	case ERR_NODEV:
		return -ENODEV;
	case ERR_DENIED:
		return -EPERM;
	case ERR_FBIG:
		return -EFBIG;
	case ERR_UNSUPPORTED:
		return -EOPNOTSUPP;
	case ERR_STALE:
		return -ESTALE;
	case ERR_AGAIN:
		return -EAGAIN;
	case ERR_ARGUMENT:
		return -EINVAL;
	case ERR_QUOTA:
	case ERR_MEMORY:
		return -ENOMEM;
	case ERR_TIMEOUT:
		return -ETIMEDOUT;
	default:
		return -EIO;
	}
}

static struct mutex engine_lock = MUTEX(engine_lock);
static struct session engine_session;
static bool engine_open;

static enum status connect(void)
{
	const struct startup_cap *cap =
		startup_find("engine", STARTUP_ENDPOINT_CLIENT);
	enum status status;

	if (engine_open)
		return STATUS_OK;
	if (!cap)
		return ERR_DENIED;
	status = session_open(&engine_session, handle_of(cap->handle), 8192,
			      ENGINE_ATTACH, ENGINE_VERSION);
	engine_session.lane = 1; // lane 0 is the component library's
	engine_open = status == STATUS_OK;
	return status;
}

// The answer comes in pieces: ask again from where the last one ended.
static i64 ask(const char *command, usize bytes, char **text, usize *length)
{
	u32 total = ANSWER_CHUNK, code = 0;
	char *answer = nullptr;
	usize have = 0;

	do {
		char *more = buffer_alloc(have + ANSWER_CHUNK);
		u32 done = 0;
		enum status status = ERR_MEMORY;

		if (more) {
			if (answer)
				memcpy(more, answer, have);
			status = engine_admin(&engine_session, command,
					      (u32)bytes, (u32)have,
					      more + have, ANSWER_CHUNK, &done,
					      &total, &code);
		}
		object_free(answer);
		answer = more;
		if (status != STATUS_OK) {
			object_free(answer);
			return status_errno(status);
		}
		have += MIN(done, ANSWER_CHUNK);
		if (!done)
			break;
	} while (have < total && have < ANSWER_MAX);
	*text = answer;
	*length = have;
	return code & 0x7fffffff;
}

i64 engine_command(const char *command, usize bytes, char **text, usize *length)
{
	i64 result;

	mutex_lock(&engine_lock);
	result = status_errno(connect());
	if (!result)
		result = ask(command, bytes, text, length);
	mutex_unlock(&engine_lock);
	return result;
}
