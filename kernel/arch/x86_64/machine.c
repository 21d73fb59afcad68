// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The PC around the CPU: ports, the log port (COM2, polled), power.
#include "kernel/arch/x86_64/x86.h"
#include "kernel/log.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

bool machine_stopping; // [a]
static const struct boot_info *machine;

void machine_init(const struct boot_info *info)
{
	machine = info;
}

// ---- ports
void arch_port_read(u16 port, u32 width, u32 *value)
{
	*value = 0;
	if (width == 1)
		*value = in8(port);
	else if (width == 2)
		__asm__ volatile("inw %1, %w0" : "+a"(*value) : "Nd"(port));
	else
		__asm__ volatile("inl %1, %0" : "=a"(*value) : "Nd"(port));
}

void arch_port_write(u16 port, u32 width, u32 value)
{
	if (width == 1)
		out8(port, (u8)value);
	else if (width == 2)
		out16(port, (u16)value);
	else
		__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

// ---- the log port: a 16550 (National Semiconductor PC16550D)
#define LOG_PORT 0x2f8

void console_init(void)
{
	// No interrupts; divisor 1: 115,200 baud; 8 bits, no parity, 1 stop
	// bit; FIFOs on and empty; ready to the other side.
	static const u8 program[][2] = {{1, 0}, {3, 0x80}, {0, 1}, {1, 0},
					{3, 3}, {2, 7},	   {4, 3}};

	for (u32 i = 0; i < ARRAY_COUNT(program); i++)
		out8(LOG_PORT + program[i][0], program[i][1]);
}

void arch_console_write(const char *text, usize length)
{
	for (usize i = 0; i < length; i++) {
		// A port that never gets ready loses text, not the machine.
		for (u32 spins = 0; spins < 100000; spins++)
			if (in8(LOG_PORT + 5) & 0x20)
				break;
		out8(LOG_PORT, (u8)text[i]);
	}
}

int arch_console_read(void)
{
	return in8(LOG_PORT + 5) & 1 ? in8(LOG_PORT) : -1;
}

// ---- power
#define DEBUG_EXIT_PORT 0xf4 // QEMU's isa-debug-exit

[[noreturn]] static void reset(void)
{
	struct table_pointer no_idt = {};

	if (machine && machine->reset_register)
		out8((u16)machine->reset_register, machine->reset_value);
	out8(0xcf9, 2); // the reset control register of PC chipsets
	out8(0xcf9, 6);
	__asm__ volatile("lidt %0; int3" : : "m"(no_idt)); // triple fault
	__builtin_unreachable();
}

[[noreturn]] void arch_power(u32 action)
{
	if (action == SYSTEM_REBOOT)
		reset();
	// ACPI 4.8.3.2.1: sleep type in bits 10-12, sleep enable in bit 13
	if (machine && machine->pm1a_control)
		out16(machine->pm1a_control,
		      (u16)(machine->sleep_type_off << 10 | 1 << 13));
	// It takes effect a little later.
	for (u64 end = arch_now_ns() + 1000000000; arch_now_ns() < end;)
		arch_relax();
	klog("power: this machine cannot be switched off, halted");
	for (;;)
		__asm__ volatile("cli; hlt");
}

[[noreturn]] void arch_panic_stop(void)
{
	if (!__atomic_exchange_n(&machine_stopping, true, __ATOMIC_SEQ_CST)) {
		apic_stop_others();
		out8(DEBUG_EXIT_PORT, 0x50);
	}
	for (;;)
		__asm__ volatile("cli; hlt");
}
