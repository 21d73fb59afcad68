// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// x86-64: the first serial port, whose output has room: allowing that interrupt
// raises it. Nobody else uses that port here. Registers: National Semiconductor
// PC16550D data sheet, section 8.
#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"

#define COM1 0x3f8
#define ISA_COM1 4

static struct handle uart;

static void out(u32 port, u32 value)
{
	OK(sys_ioport_access(uart, port, 1, true, value, nullptr));
}

void source_open(struct irq_source *source)
{
	OK(sys_system_info(SYSTEM, SYSTEM_INFO_ISA_IRQ, ISA_COM1, &source->line,
			   &source->flags, nullptr, nullptr));
	uart = handle_of(slot_new());
	OK(sys_device_create(SYSTEM, OBJECT_IOPORT, COM1, 8, CASE_POOL,
			     SELF_CNODE, uart.value));
	out(COM1 + 1, 0); // no interrupts
	out(COM1 + 4, 0x0b); // lines to the outside on
}

void source_raise(void)
{
	out(COM1 + 1, 2); // when output has room
}

void source_quiet(bool check)
{
	u32 why = 0;

	OK(sys_ioport_access(uart, COM1 + 2, 1, false, 0, &why)); // clears it
	if (check)
		SAME(why & 0x0f, 0x02);
	out(COM1 + 1, 0);
}
