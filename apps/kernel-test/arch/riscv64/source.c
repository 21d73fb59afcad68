// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V: the serial port, whose output has room: allowing that interrupt raises
// it. Nobody else uses it here. Registers: National Semiconductor PC16550D data
// sheet, section 8.
#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"

#define REGISTERS (AREA + 0x3000000)

static volatile u8 *uart;
static u32 stride;

void source_open(struct irq_source *source)
{
	struct handle memory = handle_of(slot_new());
	u64 address, kind, page;

	OK(sys_system_info(SYSTEM, SYSTEM_INFO_SERIAL, 0, &address, &kind,
			   &source->line, &source->flags));
	SAME(kind & 0xff, SERIAL_16550);
	page = address & ~(u64)(PAGE_BYTES - 1);
	OK(sys_device_create(SYSTEM, OBJECT_MEMORY, page, PAGE_BYTES, CASE_POOL,
			     SELF_CNODE, memory.value));
	map_at(memory, REGISTERS, PAGE_BYTES, MAP_READ | MAP_WRITE);
	uart = (volatile u8 *)(REGISTERS + (address - page));
	stride = kind >> 8 & 0xff;
	uart[1 * stride] = 0; // no interrupts
	uart[4 * stride] = 0x0b; // lines to the outside on
}

void source_raise(void)
{
	uart[1 * stride] = 2; // when output has room
}

void source_quiet(bool check)
{
	u8 why = uart[2 * stride]; // clears it

	if (check)
		SAME(why & 0x0f, 0x02);
	uart[1 * stride] = 0;
}
