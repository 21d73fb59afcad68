// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// panic: say what broke, where, and what to do; stop all CPUs.
#include "kernel/panic.h"
#include "kernel/arch/arch.h"
#include "kernel/sched/cpu.h"
#include "kernel/start/space.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/string.h"

extern const u8 image_start[], image_text_end[];
extern const u8 image_build_id[], image_build_id_end[];

u32 panicking;

static void print_values(const char *format, va_list values)
{
	char text[512];

	(void)format_string(text, sizeof text, format, values);
	arch_console_write(text, strlen(text));
}

void console_print(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	print_values(format, values);
	va_end(values);
}

static void print_build(void)
{
	console_print("build ");
	// An ELF note: 12 bytes of header, "GNU", the id
	for (const u8 *at = image_build_id + 16; at < image_build_id_end; at++)
		console_print("%02x", *at);
	console_print("\n");
}

// A frame is {caller's frame, return address}. Frames lie on kernel stacks, each
// above the one before it.
static void print_backtrace(void)
{
	const u64 *frame = __builtin_frame_address(0);

	for (u32 i = 0; i < 32; i++) {
		const u64 *next = (const u64 *)frame[ARCH_FRAME];
		u64 address = frame[ARCH_FRAME + 1];

		if (address < (u64)image_start ||
		    address >= (u64)image_text_end)
			break;
		console_print("  #%u %#lx\n", i, address);
		if (next <= frame || (u64)(next - frame) > STACK_BYTES / 8 ||
		    !is_aligned((u64)next, 8))
			break;
		frame = next;
	}
}

void panic(const char *format, ...)
{
	va_list values;

	if (atomic_swap(&panicking, 1))
		for (;;) // another CPU is telling the story
			arch_relax();
	va_start(values, format);
	console_print("\nPANIC: ");
	print_values(format, values);
	console_print("\n");
	va_end(values);
	arch_panic_report();
	print_build();
	console_print("Backtrace:\n");
	print_backtrace();
	console_print("This is a bug in the kernel. ./kochab report bundles the "
		      "log for an issue.\n");
	for (u32 i = 0; i < cpu_count; i++)
		if (cpus_online >> i & 1 && cpus[i] != cpu_self())
			cpu_post(cpus[i], CPU_REQUEST_HALT);
	arch_panic_stop();
}
