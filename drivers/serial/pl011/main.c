// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The driver of a PL011 serial port; lib/driver/serial.h has what it shares with
// other ports. Interrupt driven.
//
// A byte counts as sent by the store behind the one that gives it to the port: a
// driver that dies between these two instructions sends it twice. There is no
// register beside the data that could tell a new instance. A driver that dies
// between taking a byte from the port and putting it into the queue loses it.
//
// Registers: PrimeCell UART (PL011) technical reference manual (ARM DDI 0183),
// chapter 3.
#include "lib/base/bits.h"
#include "lib/driver/serial.h"
#include "lib/sys/component.h"

enum uart_register {
	UART_DATA = 0x00,
	UART_FLAGS = 0x18,
	UART_LINE = 0x2c,
	UART_CONTROL = 0x30,
	UART_LEVELS = 0x34, // of the FIFOs that interrupt
	UART_MASK = 0x38,
	UART_STATUS = 0x40, // interrupts, masked
	UART_CLEAR = 0x44,
};
#define FLAG_INPUT_EMPTY BIT(4)
#define FLAG_OUTPUT_FULL BIT(5)
#define FLAG_OUTPUT_EMPTY BIT(7)
#define LINE_8N1_FIFO 0x70
#define CONTROL_ON 0x301 // port, sender, receiver
#define LEVELS 0x10 // input at 1/2 or after a pause, output at 1/8
#define INTERRUPT_INPUT (BIT(4) | BIT(6)) // and a pause in it
#define INTERRUPT_OUTPUT BIT(5)
#define FIFO_BYTES 16

static struct serial_port port;
static u32 interrupts; // what the port may interrupt for now

static u32 port_read(enum uart_register offset)
{
	return *(volatile u32 *)(port.registers + offset);
}

static void port_write(enum uart_register offset, u32 value)
{
	*(volatile u32 *)(port.registers + offset) = value;
}

// The speed is what the firmware chose: it depends on a clock that is not ours.
static bool uart_open(bool fresh, u64)
{
	port_write(UART_MASK, 0);
	interrupts = 0;
	if (fresh) {
		port_write(UART_LINE, LINE_8N1_FIFO);
		port_write(UART_LEVELS, LEVELS);
		port_write(UART_CONTROL, CONTROL_ON);
	}
	return false;
}

static u32 uart_room(void)
{
	u32 flags = port_read(UART_FLAGS);

	return flags & FLAG_OUTPUT_EMPTY  ? FIFO_BYTES
		: flags & FLAG_OUTPUT_FULL ? 0
					   : 1;
}

static void uart_send(u8 byte, u64)
{
	port_write(UART_DATA, byte);
}

static bool uart_receive(u8 *byte)
{
	if (port_read(UART_FLAGS) & FLAG_INPUT_EMPTY)
		return false;
	*byte = (u8)port_read(UART_DATA);
	return true;
}

static void uart_allow(bool input, bool output, u64)
{
	u32 wanted = (u32)((input ? INTERRUPT_INPUT : 0) |
			   (output ? INTERRUPT_OUTPUT : 0));

	if (interrupts == wanted)
		return;
	interrupts = wanted;
	port_write(UART_MASK, wanted);
}

// The interrupt for a pause stays when its bytes are taken, that for room until
// more is sent: what they meant has been served.
static bool uart_pending(void)
{
	u32 status = port_read(UART_STATUS);

	port_write(UART_CLEAR, status);
	return status;
}

int component_main(const struct startup *page)
{
	static const struct serial_hooks hooks = {
		.open = uart_open,
		.room = uart_room,
		.send = uart_send,
		.receive = uart_receive,
		.allow = uart_allow,
		.pending = uart_pending,
	};

	(void)page;
	serial_port_find("port", &port);
	if (!port.registers)
		component_fail("a PL011 has its registers in memory");
	serial_main(&hooks, port.irq);
}
