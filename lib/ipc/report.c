// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What a component says about itself: log lines, ready, exit. Declared in
// lib/sys/component.h. Lines go to the log service; who has no client endpoint
// "log" but may write the kernel log ("system") writes there; else they are lost.
#include <stdarg.h>

#include "gen/abi/engine.h"
#include "gen/abi/log.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/ipc/session.h"
#include "lib/sys/component.h"
#include "lib/sys/guard.h"

#define LINE_BYTES 400
#define CHUNK_BYTES 48
#define SYSTEM_LOG_BYTES 256
#define LOG_WAIT_NS 2000000000ull

static struct guard guard;
static struct session log_session;

static void log_to_service(struct handle endpoint, const char *text, usize bytes)
{
	if (!log_session.endpoint.value) {
		session_init(&log_session, endpoint, handle_of(0), nullptr, 0,
			0, LOG_VERSION);
		log_session.deadline_ns = LOG_WAIT_NS;
	}
	while (bytes) {
		u64 word[6] = {};
		usize part = bytes < CHUNK_BYTES ? bytes : CHUNK_BYTES;
		memcpy(word, text, part);
		if (log_write(&log_session, (u32)part, word[0], word[1], word[2],
			word[3], word[4], word[5]) != STATUS_OK)
			return;
		text += part;
		bytes -= part;
	}
}

static void log_to_kernel(struct handle system, const char *text, usize bytes)
{
	char line[SYSTEM_LOG_BYTES];
	usize n = format_text(line, sizeof(line), "%s: %.*s",
		startup->component, (int)bytes, text);

	if (n >= sizeof(line)) {
		n = sizeof(line);
		line[n - 1] = '\n';
	}
	(void)!sys_system_log(system, (struct uaddr){(u64)line}, (u32)n);
}

static void log_values(const char *format, va_list values)
{
	char line[LINE_BYTES];
	usize n = format_string(line, sizeof(line) - 1, format, values);
	const struct startup_cap *cap;

	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	if (n == 0 || line[n - 1] != '\n')
		line[n++] = '\n';
	cap = startup_find("log", STARTUP_ENDPOINT_CLIENT);
	if (cap) {
		guard_enter(&guard);
		log_to_service(handle_of(cap->handle), line, n);
		guard_leave(&guard);
		return;
	}
	cap = startup_find("system", STARTUP_SYSTEM);
	if (cap)
		log_to_kernel(handle_of(cap->handle), line, n);
}

void log_print(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	log_values(format, values);
	va_end(values);
}

// Who started this process, if it left an endpoint.
static bool parent_session(struct session *session)
{
	u32 type = OBJECT_NONE;

	if (sys_cap_info(handle_of(SLOT_PARENT), &type, nullptr, nullptr) !=
		STATUS_OK || type != OBJECT_ENDPOINT)
		return false;
	session_init(session, handle_of(SLOT_PARENT), handle_of(0), nullptr, 0,
		0, ENGINE_VERSION);
	return true;
}

void component_ready(void)
{
	volatile struct health *health = (struct health *)startup->health;
	struct session session;

	if (health)
		health->ready = 1;
	if (parent_session(&session) && engine_ready(&session) != STATUS_OK)
		log_print("the engine did not take note of the start");
}

[[noreturn]] void component_exit(int code)
{
	struct session session;

	if (parent_session(&session))
		(void)!engine_exit(&session, (u32)code);
	// Nobody to tell, or not heard: a fault is heard always.
	for (;;)
		__builtin_trap();
}

[[noreturn]] void component_fail(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	log_values(format, values);
	va_end(values);
	component_exit(1);
}
