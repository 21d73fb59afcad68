// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What can be tested of every system call alike, from the generated descriptions:
// a handle that names nothing, an object of another type, each right missing, and
// numbers too large for their argument. Arguments are checked in order, so those
// before the one under test are valid and nothing is ever carried out.
#include "apps/kernel-test/harness/harness.h"
#include "gen/fuzz/syscall_desc.h"

#define TYPES (OBJECT_SYSTEM + 1)

static u32 objects[TYPES]; // a slot with one object of each type
static u32 failures;

static const char *right_name(u32 right, u32 type)
{
	bool endpoint = type == OBJECT_ENDPOINT;

	switch (right) {
	case RIGHT_READ:
		return "READ";
	case RIGHT_WRITE:
		return "WRITE";
	case RIGHT_EXEC:
		return "EXEC";
	case RIGHT_CALL:
		return endpoint ? "CALL" : "SIGNAL";
	case RIGHT_RECV:
		return endpoint ? "RECV" : "WAIT";
	case RIGHT_GRANT:
		return "GRANT";
	case RIGHT_CONTROL:
		return "CONTROL";
	default:
		return "DERIVE";
	}
}

// One of each. An irq is a message vector if there are any, an ioport the scratch register of
// COM2.
static void make_objects(void)
{
	struct handle pool = CASE_POOL, memory;
	u64 line, flags;

	memset(objects, 0, sizeof(objects));
	objects[OBJECT_CNODE] = make(OBJECT_CNODE, 4, 0).value;
	objects[OBJECT_ENDPOINT] = endpoint().value;
	objects[OBJECT_NOTIFICATION] = notification().value;
	objects[OBJECT_THREAD] = make(OBJECT_THREAD, 0, 0).value;
	objects[OBJECT_ASPACE] = make(OBJECT_ASPACE, 0, 0).value;
	memory = memory_of(PAGE_BYTES);
	objects[OBJECT_MEMORY] = memory.value;
	objects[OBJECT_POOL] = make(OBJECT_POOL, 16, 0).value;
	objects[OBJECT_SCHED] = make(OBJECT_SCHED, 5, 1).value;
	objects[OBJECT_TIMER] = make(OBJECT_TIMER, 0, 0).value;
	objects[OBJECT_GUEST] = slot_new();
	OK(sys_object_create(pool, OBJECT_GUEST, 0, 0, memory, SELF_CNODE,
			     objects[OBJECT_GUEST]));
	objects[OBJECT_IRQ] = slot_new();
	line = irq_of_machine(&flags);
	OK(sys_device_create(SYSTEM, OBJECT_IRQ, line, flags, pool, SELF_CNODE,
			     objects[OBJECT_IRQ]));
	objects[OBJECT_IOPORT] = slot_new();
	OK(sys_device_create(SYSTEM, OBJECT_IOPORT, 0x2ff, 1, pool, SELF_CNODE,
			     objects[OBJECT_IOPORT]));
	objects[OBJECT_DMA] = slot_new();
	OK(sys_device_create(SYSTEM, OBJECT_DMA, 0, 0, pool, SELF_CNODE,
			     objects[OBJECT_DMA]));
	objects[OBJECT_SYSTEM] = SLOT_SYSTEM;
}

static i64 invoke(const struct syscall_desc *desc, const u64 value[8])
{
	struct syscall_result result;

	if (desc->raw) {
		u64 cap = value[0], word[MESSAGE_WORDS] = {};

		return arch_message(desc->nr | INFO_NONBLOCK, &cap, word, 0, 0);
	}
	return arch_syscall_7(desc->nr, value[0], value[1], value[2], value[3],
			      value[4], value[5], value[6], value[7], &result);
}

static void expect(const struct syscall_desc *desc, const u64 value[8],
		   enum status want, const char *what, const char *argument,
		   const char *right)
{
	i64 got = invoke(desc, value);

	if (got == want) {
		say("SHOWS %s %s %s%s%s\n", desc->name, what, argument,
		    *right ? " " : "", right);
		return;
	}
	failures++;
	say("generic: %s %s %s %s: %ld, not %d\n", desc->name, what, argument,
	    right, got, want);
}

// One handle argument (k = 0: the capability itself) in all its wrong forms.
static void try_handle(const struct syscall_desc *desc, u64 value[8], u32 k,
		       u32 type, u32 rights, const char *argument)
{
	static const u64 nothing[] = {SLOT_NEVER, 0xffff, 0xffffffff,
				      0x00c70000};
	u64 good = value[k];

	for (u32 i = 0; i < ARRAY_COUNT(nothing); i++) {
		value[k] = nothing[i];
		if (i + 1 == ARRAY_COUNT(nothing))
			expect(desc, value, ERR_HANDLE, "bad-handle", argument,
			       "");
		else if (invoke(desc, value) != ERR_HANDLE)
			failures++;
	}
	if (type != OBJECT_NONE) {
		for (u32 other = 1; other < TYPES; other++) {
			value[k] = objects[other];
			if (other == type || other == OBJECT_REPLY)
				continue;
			if (other == OBJECT_SYSTEM ||
			    (type == OBJECT_SYSTEM && other == OBJECT_TIMER))
				expect(desc, value, ERR_TYPE, "wrong-type",
				       argument, "");
			else if (invoke(desc, value) != ERR_TYPE)
				failures++;
		}
		for (u32 bit = 0; bit < 8; bit++) {
			struct handle less = handle_of(SLOT_CASE_END - 1);

			if (!(rights & 1u << bit))
				continue;
			OK(sys_cap_mint(SELF_CNODE, less.value,
					handle_of((u32)good), ~(1u << bit), 0));
			value[k] = less.value;
			expect(desc, value, ERR_RIGHTS, "missing-right",
			       argument, right_name(1u << bit, type));
			OK(slot_delete(less));
		}
	}
	value[k] = good;
}

static const char *argument_name(const struct syscall_desc *desc, u32 k);

static void try_call(const struct syscall_desc *desc)
{
	u64 value[8] = {};

	if (desc->rights || desc->object != OBJECT_NONE ||
	    string_equal(desc->name, "cap_info")) {
		bool any = desc->object >= TYPES;

		value[0] = any ? 0 : objects[desc->object];
		try_handle(desc, value, 0, any ? OBJECT_NONE : desc->object,
			   desc->rights, "self");
	}
	for (u32 k = 0; k < desc->nargs; k++) {
		const char *name = argument_name(desc, k);

		switch (desc->arg[k]) {
		case SYSCALL_ARG_HANDLE:
			value[k + 1] = objects[desc->arg_object[k]];
			try_handle(desc, value, k + 1, desc->arg_object[k],
				   desc->arg_rights[k], name);
			break;
		case SYSCALL_ARG_U32:
		case SYSCALL_ARG_SLOT:
			value[k + 1] = 1ull << 32;
			expect(desc, value, ERR_ARGUMENT, "out-of-range", name,
			       "");
			break;
		case SYSCALL_ARG_U16:
		case SYSCALL_ARG_U8:
			value[k + 1] = 1ull << 16;
			expect(desc, value, ERR_ARGUMENT, "out-of-range", name,
			       "");
			break;
		case SYSCALL_ARG_BOOL:
			value[k + 1] = 2;
			expect(desc, value, ERR_ARGUMENT, "out-of-range", name,
			       "");
			break;
		default:
			continue;
		}
		if (desc->arg[k] != SYSCALL_ARG_HANDLE)
			value[k + 1] = 0;
	}
}

// The descriptions have no names of arguments: those of the calls that have
// arguments to be tried, in order.
static const char *argument_name(const struct syscall_desc *desc, u32 k)
{
	static const struct {
		const char *call, *name[7];
	} names[] = {
		{"reply_save", {"index"}},
		{"cap_copy", {"index", "source"}},
		{"cap_mint", {"index", "source", "rights"}},
		{"cap_move", {"index", "source"}},
		{"cap_delete", {"index"}},
		{"cap_revoke", {"index"}},
		{"object_create", {"type", "a", "b", "c", "cnode", "index"}},
		{"device_create", {"type", "a", "b", "pool", "cnode", "index"}},
		{"thread_configure",
		 {"aspace", "cspace", "fault_endpoint", "layer"}},
		{"thread_bind", {"notification"}},
		{"thread_schedule", {"sched", "priority", "weight"}},
		{"thread_registers", {"buffer", "write"}},
		{"thread_message", {"memory", "offset"}},
		{"aspace_map",
		 {"memory", "offset", "address", "length", "flags"}},
		{"aspace_protect", {"address", "length", "flags"}},
		{"memory_clone", {"pool", "cnode", "index"}},
		{"memory_supply", {"offset", "length", "source"}},
		{"memory_request", {"notification"}},
		{"irq_bind", {"notification"}},
		{"ioport_access", {"port", "width", "write", "value"}},
		{"timer_set", {"notification"}},
		{"dma_map", {"memory"}},
		{"system_log", {"text", "length"}},
		{"system_control", {"action"}},
		{"system_info", {"what"}},
		{"system_log_read", {"buffer", "length"}},
	};

	for (u32 i = 0; i < ARRAY_COUNT(names); i++)
		if (string_equal(names[i].call, desc->name) && names[i].name[k])
			return names[i].name[k];
	return "?";
}

void generic_run(void)
{
	struct syscall_result result;

	failures = 0;
	make_objects();
	for (u32 i = 0; i < ARRAY_COUNT(syscall_descs); i++)
		try_call(&syscall_descs[i]);
	// Numbers that are no call end the thread's run: see hardening.
	SAME(arch_syscall_0(SYS_NULL, 0, &result), STATUS_OK);
	if (failures)
		FAIL("%u arguments were not refused as they should be",
		     failures);
}
