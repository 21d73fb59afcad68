// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Processors that were plugged in while the machine runs: q35's hotplug registers,
// twelve ports which QEMU describes in docs/specs/acpi_cpu_hotplug.rst. They offer
// a bit map first, and after a 0 was written to it a selector, status, command and
// data, of which this file uses: the next processor with an event, its APIC id.
// Nothing tells of the registers but the machine's AML, which is not interpreted:
// where nothing answers, all bits read as 1.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/sys/component.h"
#include "services/engine/engine.h"

#define PORT 0xcd8
#define PORTS 12
#define SELECT 0 // written; read: the upper half of the data
#define STATUS 4 // bit 1: inserted; written as 1 it ends the event
#define COMMAND 5
#define DATA 8
#define INSERTED 2
#define COMMAND_NEXT 0
#define COMMAND_ID 3
#define PROCESSORS_MAX 64

static struct handle ports;

static u32 get(u32 at, u32 width)
{
	u32 value = ~0u;

	(void)!sys_ioport_access(ports, PORT + at, width, false, 0, &value);
	return value;
}

static void set(u32 at, u32 width, u32 value)
{
	(void)!sys_ioport_access(ports, PORT + at, width, true, value, nullptr);
}

static bool present(void)
{
	if (get(SELECT, 1) == 0xff)
		return false;
	set(SELECT, 4, 0);
	set(SELECT, 4, 0);
	set(COMMAND, 1, COMMAND_NEXT);
	return get(SELECT, 4) == 0;
}

static u32 take_inserted(u32 ids[HOTPLUG_IDS])
{
	u32 n = 0;

	for (u32 i = 0; i < PROCESSORS_MAX && n < HOTPLUG_IDS; i++) {
		set(COMMAND, 1, COMMAND_NEXT);
		if (!(get(STATUS, 1) & INSERTED))
			break;
		set(COMMAND, 1, COMMAND_ID);
		ids[n++] = get(DATA, 4);
		set(STATUS, 1, INSERTED);
	}
	return n;
}

enum status hotplug_scan(u32 ids[HOTPLUG_IDS], u32 *count)
{
	u32 slot = slot_alloc();
	enum status status = sys_device_create(engine.system, OBJECT_IOPORT,
		PORT, PORTS, SELF_POOL, SELF_CNODE, slot);

	*count = 0;
	ports = handle_of(slot);
	if (status == STATUS_OK && present())
		*count = take_inserted(ids);
	else
		status = ERR_NODEV;
	(void)!sys_cap_delete(SELF_CNODE, slot);
	slot_free(slot);
	return status;
}
