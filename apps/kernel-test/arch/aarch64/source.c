// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AArch64: the PL011 port, which asks for more output after a byte was sent.
// Nobody else uses it here. Registers: PL011 technical reference manual (ARM DDI
// 0183), chapter 3.
#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"

#define REGISTERS (AREA + 0x3000000)
#define UART_DATA 0x00
#define UART_CONTROL 0x30
#define UART_MASK 0x38
#define UART_STATUS 0x40
#define UART_CLEAR 0x44
#define OUTPUT 0x20u

static volatile u32 *at(u64 offset)
{
	return (volatile u32 *)(REGISTERS + offset);
}

void source_open(struct irq_source *source)
{
	struct handle memory = handle_of(slot_new());
	u64 address, kind;

	OK(sys_system_info(SYSTEM, SYSTEM_INFO_SERIAL, 0, &address, &kind,
			   &source->line, &source->flags));
	SAME(kind & 0xff, SERIAL_PL011);
	OK(sys_device_create(SYSTEM, OBJECT_MEMORY, address, PAGE_BYTES,
			     CASE_POOL, SELF_CNODE, memory.value));
	map_at(memory, REGISTERS, PAGE_BYTES, MAP_READ | MAP_WRITE);
	*at(UART_MASK) = 0;
	*at(UART_CLEAR) = 0x7ff;
	*at(UART_CONTROL) = 0x301;
}

void source_raise(void)
{
	*at(UART_DATA) = ' ';
	*at(UART_MASK) = OUTPUT;
}

void source_quiet(bool check)
{
	if (check)
		SAME(*at(UART_STATUS), OUTPUT);
	*at(UART_MASK) = 0;
	*at(UART_CLEAR) = 0x7ff;
}
