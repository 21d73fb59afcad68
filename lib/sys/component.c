// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Start of a component, look-up in its startup page, heartbeats and waiting. What
// needs messages (log lines, ready, exit) is in lib/ipc/report.c.
#include "lib/sys/component.h"

#include "abi/constants.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/string.h"
#include "lib/sys/heap.h"
#include "lib/sys/slots.h"

const struct startup *startup;
u64 user_end, guests_end;

[[noreturn]] void component_start(const struct startup *page);

[[noreturn]] void component_start(const struct startup *page)
{
	// Written by who started this process, whom it has to trust anyway; the
	// check finds version skew and calls with a wrong argument.
	if (!page || page->magic != STARTUP_MAGIC || page->version != 1 ||
		page->ncaps > STARTUP_CAPS)
		__builtin_trap();
	startup = page;
	user_end = page->user_end;
	guests_end = GUEST_PART(user_end);
	slots_init(page);
	heap_init((void *)page->heap_start, page->heap_bytes);
	component_exit(component_main(page));
}

const struct startup_cap *startup_find(const char *name, enum startup_kind kind)
{
	for (u32 i = 0; i < startup->ncaps; i++) {
		const struct startup_cap *cap = &startup->cap[i];
		if (cap->kind == kind &&
			strncmp(cap->name, name, sizeof(cap->name)) == 0)
			return cap;
	}
	return nullptr;
}

const struct startup_cap *startup_need(const char *name, enum startup_kind kind)
{
	static const char *const text[] = {
		"thing", "client endpoint", "server endpoint", "memory",
		"channel", "pool", "cnode", "system capability", "capability",
		"number", "I/O port range", "interrupt", "notification",
	};
	const struct startup_cap *cap = startup_find(name, kind);

	if (!cap)
		component_fail("denied: the manifest gives no %s named '%s'",
			text[kind < ARRAY_COUNT(text) ? kind : 0], name);
	return cap;
}

// Look for name=value, or name alone, among words separated by blanks.
static bool find_word(const char *text, const char *name, char *value,
	usize size)
{
	usize length = strlen(name);

	while (*text) {
		while (*text == ' ' || *text == '\n' || *text == '\t')
			text++;
		const char *end = text;
		while (*end && *end != ' ' && *end != '\n' && *end != '\t')
			end++;
		usize word = (usize)(end - text);
		if (word >= length && memcmp(text, name, length) == 0 &&
			(word == length || text[length] == '=')) {
			text += word == length ? length : length + 1;
			usize n = (usize)(end - text);
			if (size) {
				n = n < size ? n : size - 1;
				memcpy(value, text, n);
				value[n] = 0;
			}
			return true;
		}
		text = end;
	}
	return false;
}

bool startup_word(const char *name, char *value, usize size)
{
	return find_word(startup->arguments, name, value, size) ||
		find_word(startup->command_line, name, value, size);
}

u64 component_heartbeat(u64 bits)
{
	volatile struct health *health = (struct health *)startup->health;

	if ((bits & NOTIFY_HEARTBEAT) && health)
		health->answered = health->wanted;
	if (bits & NOTIFY_STOP)
		component_exit(0);
	return bits & ~(NOTIFY_HEARTBEAT | NOTIFY_STOP);
}

enum status component_wait(u64 mask, u64 deadline_ns, u64 *bits)
{
	for (;;) {
		u64 got = 0;
		enum status status = sys_wait(handle_of(SLOT_NOTIFICATION),
			mask | NOTIFY_HEARTBEAT | NOTIFY_STOP, deadline_ns,
			&got);
		if (status == ERR_CANCELED)
			continue;
		if (status != STATUS_OK)
			return status;
		got = component_heartbeat(got) & mask;
		if (got) {
			*bits = got;
			return STATUS_OK;
		}
	}
}
