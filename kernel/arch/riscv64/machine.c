// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The machine around the CPU: where the log goes, and power.
//
// The log's port, by the word log=: semihosting (an emulator's or debugger's own
// channel), uart (the firmware's console), or none, the default: the log is then
// only in memory. What is said before the command line is known, and a panic, goes
// to the firmware's console unless there is semihosting.
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/debug/question.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

enum log_port : u32 { PORT_FIRMWARE, PORT_SEMIHOSTING, PORT_NONE };

#define SEMIHOST_WRITE0 4
#define SEMIHOST_EXIT_EXTENDED 0x20
#define APPLICATION_EXIT 0x20026
#define PANIC_EXIT (0x50 << 1 | 1) // what the host tools take for a panic

static u32 log_port;
static u32 stopping; // [a]

bool command_word(const char *line, const char *word)
{
	usize length = strlen(word);

	for (const char *at = line; (at = strstr(at, word)); at += length)
		if ((at == line || at[-1] == ' ') &&
		    (at[length] == 0 || at[length] == ' '))
			return true;
	return false;
}

void machine_init(const struct boot_info *info)
{
	log_port = PORT_NONE;
	if (command_word(info->command_line, "log=uart"))
		log_port = PORT_FIRMWARE;
	if (command_word(info->command_line, "log=semihosting"))
		log_port = PORT_SEMIHOSTING;
}

// Semihosting writes strings that end in NUL.
static void write_semihosting(const char *text, usize length)
{
	char part[64];

	while (length) {
		usize n = MIN(length, sizeof part - 1);

		memcpy(part, text, n);
		part[n] = 0;
		(void)semihost(SEMIHOST_WRITE0, part);
		text += n;
		length -= n;
	}
}

void arch_console_write(const char *text, usize length)
{
	if (log_port == PORT_SEMIHOSTING)
		write_semihosting(text, length);
	if (panicking && log_port == PORT_NONE)
		log_port = PORT_FIRMWARE;
	for (usize i = 0; log_port == PORT_FIRMWARE && i < length; i++) {
		if (text[i] == '\n')
			(void)sbi(SBI_PUTCHAR, 0, '\r', 0, 0);
		(void)sbi(SBI_PUTCHAR, 0, (u8)text[i], 0, 0);
	}
}

int arch_console_read(void)
{
	return question_read(log_port == PORT_SEMIHOSTING ? semihost : nullptr);
}

// ---- ports: there are none
void arch_port_read(u16, u32, u32 *value)
{
	*value = ~0u;
}

void arch_port_write(u16, u32, u32)
{
}

// ---- power
[[noreturn]] static void halt(void)
{
	csr_write("sie", 0);
	for (;;)
		__asm__ volatile("wfi");
}

[[noreturn]] void arch_power(u32 action)
{
	(void)sbi(SBI_SRST, 0, action == SYSTEM_REBOOT, 0, 0);
	klog("power: this machine cannot be switched off, halted");
	halt();
}

[[noreturn]] void arch_panic_stop(void)
{
	static const u64 exit[2] = {APPLICATION_EXIT, PANIC_EXIT};

	if (!__atomic_exchange_n(&stopping, 1, __ATOMIC_SEQ_CST) &&
	    log_port == PORT_SEMIHOSTING) {
		// Let the others arrive at their halt.
		for (u64 end = arch_counter() + 100000; arch_counter() < end;)
			arch_relax();
		(void)semihost(SEMIHOST_EXIT_EXTENDED, exit);
	}
	halt();
}
