// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The machine around the CPU: PSCI (ARM DEN 0022), the log port (semihosting, ARM
// DUI 0203: only where the command line says that somebody listens), power. There
// are no I/O ports.
#include "kernel/arch/aarch64/aarch64.h"
#include "kernel/debug/question.h"
#include "kernel/log.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

static enum boot_psci psci;
static bool semihosting = true; // until the command line is known

void machine_init(const struct boot_info *info)
{
	psci = info->psci;
	semihosting = strstr(info->command_line, "log=semihosting");
}

// ---- firmware
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009

i64 psci_call(u32 function, u64 a, u64 b, u64 c)
{
	register u64 x0 __asm__("x0") = function;
	register u64 x1 __asm__("x1") = a;
	register u64 x2 __asm__("x2") = b;
	register u64 x3 __asm__("x3") = c;

#define CALL(instruction)                                                      \
	__asm__ volatile(instruction " #0"                                     \
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)              \
			 :                                                     \
			 : "memory", "x4", "x5", "x6", "x7", "x8", "x9",       \
			   "x10", "x11", "x12", "x13", "x14", "x15", "x16",    \
			   "x17")
	if (psci == BOOT_PSCI_SMC)
		CALL("smc");
	else if (psci == BOOT_PSCI_HVC)
		CALL("hvc");
	else
		return -1;
	return (i64)x0;
}

// ---- the log port
#define SYS_WRITE0 0x04
#define SYS_EXIT 0x18
#define APPLICATION_EXIT 0x20026
#define PANIC_EXIT 161

static i64 call_host(u64 operation, const void *argument)
{
	register u64 x0 __asm__("x0") = operation;
	register const void *x1 __asm__("x1") = argument;

	__asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
	return (i64)x0;
}

void arch_console_write(const char *text, usize length)
{
	char piece[128];

	while (semihosting && length) {
		usize n = MIN(length, sizeof(piece) - 1);

		memcpy(piece, text, n);
		piece[n] = 0;
		call_host(SYS_WRITE0, piece);
		text += n;
		length -= n;
	}
}

int arch_console_read(void)
{
	return question_read(semihosting ? call_host : nullptr);
}

// ---- ports
void arch_port_read(u16, u32, u32 *value)
{
	*value = ~0u;
}

void arch_port_write(u16, u32, u32)
{
}

// ---- power
[[noreturn]] static void stop(void)
{
	for (;;)
		__asm__ volatile("msr daifset, #15; wfi");
}

[[noreturn]] void arch_power(u32 action)
{
	(void)psci_call(action == SYSTEM_REBOOT ? PSCI_SYSTEM_RESET
						: PSCI_SYSTEM_OFF,
			0, 0, 0);
	klog("power: this machine cannot be switched off, halted");
	stop();
}

[[noreturn]] void arch_panic_stop(void)
{
	static const u64 reason[2] = {APPLICATION_EXIT, PANIC_EXIT};

	if (semihosting)
		call_host(SYS_EXIT, reason);
	stop();
}
