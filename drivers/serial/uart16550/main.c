// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The driver of a 16550 serial port, at I/O ports or in memory; lib/driver/serial.h
// has what it shares with other ports. Interrupt driven.
//
// So that a byte is neither lost nor sent twice by a driver that dies around
// sending it, each write to the port is 16 bits wide: the byte, and in the register
// behind it, which can be read back, a bit that changes with every byte (a kill does
// not come between the halves of one system call, or of one instruction). A new
// instance sees by that bit whether the byte in front of the queue has gone. For
// input there is no such trick: a driver that dies in the very call that takes a
// byte from the port loses that byte.
//
// Registers: National Semiconductor PC16550D data sheet, section 8.
#include "abi/constants.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/driver/serial.h"
#include "lib/sys/component.h"

#define FIFO_BYTES 16

enum uart_register {
	UART_DATA = 0, // divisor, low byte, while LINE_DIVISOR
	UART_INTERRUPTS = 1, // divisor, high byte
	UART_IDENTIFY = 2, // read: why it interrupts
	UART_FIFO = 2, // write
	UART_LINE = 3,
	UART_MODEM = 4,
	UART_STATUS = 5,
	UART_MODEM_STATUS = 6,
};
#define INTERRUPT_INPUT 0x01
#define INTERRUPT_OUTPUT 0x02
// Modem status, of which nothing is wanted: the bit that changes with each byte.
#define INTERRUPT_PARITY 0x08
#define FIFO_ENABLE 0xc1 // bytes in the FIFOs stay; trigger at 14 bytes or a pause
#define LINE_8N1 0x03
#define LINE_DIVISOR 0x80
#define MODEM_READY 0x0b // DTR, RTS, and OUT2, which lets the interrupt out
#define STATUS_INPUT 0x01
#define STATUS_OUTPUT_EMPTY 0x20
#define STATUS_IDLE 0x40
#define IDENTIFY_NONE 0x01

static struct serial_port port;
static u8 interrupts; // what the port may interrupt for now

static u8 port_read(enum uart_register index)
{
	u32 value = 0xff;

	if (port.registers)
		return port.registers[index * port.stride];
	if (sys_ioport_access(port.ports, port.base + index, 1, false, 0,
			      &value) != STATUS_OK)
		return 0xff;
	return (u8)value;
}

// Width 2: two registers side by side, in one access where that is possible.
static void port_write_wide(enum uart_register index, u32 width, u32 value)
{
	volatile u8 *at = port.registers + index * port.stride;
	enum status status;

	if (port.registers && width == 2 && port.stride == 1) {
		*(volatile u16 *)at = (u16)value;
	} else if (port.registers) {
		*at = (u8)value;
		if (width == 2)
			at[port.stride] = (u8)(value >> 8);
	} else {
		status = sys_ioport_access(port.ports, port.base + index, width,
					   true, value, nullptr);
		if (status != STATUS_OK)
			component_fail("port %x: %ld, %s", port.base + index,
				       (i64)status, status_text(status));
	}
}

static void port_write(enum uart_register index, u8 value)
{
	port_write_wide(index, 1, value);
}

// The bit as it stands after byte number n of all output has been sent.
static u8 parity(u64 n)
{
	return n & 1 ? INTERRUPT_PARITY : 0;
}

static bool uart_open(bool fresh, u64 sent)
{
	bool gone = false;

	if (fresh) {
		port_write(UART_LINE, LINE_DIVISOR | LINE_8N1);
		port_write(UART_DATA, 1); // 115,200 bit/s
		port_write(UART_INTERRUPTS, 0);
		port_write(UART_LINE, LINE_8N1);
	} else {
		gone = (port_read(UART_INTERRUPTS) & INTERRUPT_PARITY) ==
			parity(sent);
	}
	port_write(UART_FIFO, FIFO_ENABLE);
	port_write(UART_MODEM, MODEM_READY);
	(void)port_read(UART_IDENTIFY);
	interrupts = 0xff; // not known
	return gone;
}

static u32 uart_room(void)
{
	return port_read(UART_STATUS) & STATUS_OUTPUT_EMPTY ? FIFO_BYTES : 0;
}

static void uart_send(u8 byte, u64 number)
{
	port_write_wide(UART_DATA, 2,
			(u32)(interrupts | parity(number)) << 8 | byte);
}

static bool uart_receive(u8 *byte)
{
	if (!(port_read(UART_STATUS) & STATUS_INPUT))
		return false;
	*byte = port_read(UART_DATA);
	return true;
}

static void uart_allow(bool input, bool output, u64 sent)
{
	u8 wanted = (input ? INTERRUPT_INPUT : 0) |
		(output ? INTERRUPT_OUTPUT : 0);

	if (interrupts == wanted)
		return;
	interrupts = wanted;
	port_write(UART_INTERRUPTS, wanted | parity(sent - 1));
}

static bool uart_pending(void)
{
	return !(port_read(UART_IDENTIFY) & IDENTIFY_NONE);
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
	serial_main(&hooks, port.irq);
}
