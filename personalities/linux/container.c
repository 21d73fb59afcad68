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
#include "personalities/linux/carrier.h"
#include "personalities/linux/sync.h"

#define ANSWER_CHUNK 3072u
#define ANSWER_MAX 0x400000u

struct handle guest_pool;
enum container_mode container_mode;
bool container_show_calls;

char *text_copy(const char *text)
{
	usize bytes = strlen(text) + 1;
	char *copy = buffer_alloc(bytes);

	if (copy)
		memcpy(copy, text, bytes);
	return copy;
}

void container_tidy(void)
{
	carriers_tidy();
	caps_tidy();
	objects_tidy();
	// Asking for figures makes the kernel finish with what is dead.
	(void)!sys_pool_info(guest_pool, nullptr, nullptr, nullptr, nullptr,
			     nullptr);
	(void)!sys_pool_info(SELF_POOL, nullptr, nullptr, nullptr, nullptr,
			     nullptr);
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

	// It may ask how much memory is in use: not what nobody needs.
	mutex_lock(&container_lock);
	container_tidy();
	mutex_unlock(&container_lock);
	mutex_lock(&engine_lock);
	result = status_errno(connect());
	if (!result)
		result = ask(command, bytes, text, length);
	mutex_unlock(&engine_lock);
	return result;
}
