// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// panic: say what broke, where, and what to do; stop all CPUs.
#include "kernel/panic.h"
#include "kernel/arch/arch.h"
#include "kernel/sched/cpu.h"
#include "lib/base/format.h"
#include "lib/base/string.h"

static u32 panicking;

// Straight to the port: the log's lock may be held by whoever broke.
static void say(const char *text)
{
	arch_console_write(text, strlen(text));
}

void panic(const char *format, ...)
{
	char line[256];
	va_list arguments;

	if (atomic_swap(&panicking, 1))
		for (;;) // another CPU is telling the story
			arch_relax();
	va_start(arguments, format);
	(void)format_string(line, sizeof line, format, arguments);
	va_end(arguments);
	say("\nPANIC: ");
	say(line);
	say("\n");
	arch_panic_report();
	say("Backtrace:\n");
	arch_backtrace();
	say("This is a bug in the kernel. ./kochab report bundles the log for "
	    "an issue.\n");
	for (u32 i = 0; i < cpu_count; i++)
		if (cpus_online >> i & 1 && cpus[i] != cpu_self())
			cpu_post(cpus[i], CPU_REQUEST_HALT);
	arch_panic_stop();
}
