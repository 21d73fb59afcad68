// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The fake machine. Its variables belong to the machine's state unless said
// otherwise (own.h).
#include "tests/fake_arch/fake.h"
#include "kernel/arch/arch.h"
#include "kernel/mm/frame.h"
#include "kernel/object/pool.h"
#include "kernel/panic.h"
#include "kernel/sched/cpu.h"
#include "lib/base/string.h"
#include <stdarg.h>

#define FAKE_CPUS 4

u32 fake_cpu_number;
u64 fake_counter;
struct boot_info fake_info;
static struct cpu fake_cpu[FAKE_CPUS];

#include "tests/fake_arch/own.h"
u8 *fake_direct;
u64 fake_user_end = 1ull << 47;
u32 seeded_bug;
bool fake_quiet = true;
void (*fake_panic_hook)(void);
static u8 *memory;
static usize memory_bytes;
static u8 *initial; // the variables at the start of the program

int vprintf(const char *format, va_list values);
void *aligned_alloc(usize alignment, usize size);
int fork(void);
int waitpid(int pid, int *status, int options);
int dup2(int from, int to);
int open(const char *path, int flags, ...);
char *getenv(const char *name);

extern u8 __start_kernel_bss[], __stop_kernel_bss[];
extern u8 __start_kernel_data[], __stop_kernel_data[];
// So that both sections exist.
[[gnu::used, gnu::section("kernel_data")]] static u32 some_data = 1;

// ---- the state

static usize bss_bytes(void)
{
	return (usize)(__stop_kernel_bss - __start_kernel_bss);
}

static usize data_bytes(void)
{
	return (usize)(__stop_kernel_data - __start_kernel_data);
}

usize fake_state_bytes(void)
{
	return bss_bytes() + data_bytes() + memory_bytes;
}

// Redzones between variables are read as well; sections begin anywhere.
#if __has_feature(address_sanitizer)
#define PLAIN [[clang::no_sanitize("address"), clang::no_builtin]]
#else
#define PLAIN
#endif
PLAIN [[clang::no_sanitize("alignment")]] static void copy_words(void *to, const void *from, usize bytes)
{
	for (usize i = 0; i < bytes / 8; i++)
		((u64 *)to)[i] = ((const u64 *)from)[i];
	for (usize i = bytes & ~7ull; i < bytes; i++)
		((u8 *)to)[i] = ((const u8 *)from)[i];
}

usize fake_memory_bytes(void)
{
	return memory_bytes;
}

void fake_save(void *to)
{
	u8 *p = to;

	copy_words(p, __start_kernel_bss, bss_bytes());
	copy_words(p + bss_bytes(), __start_kernel_data, data_bytes());
	copy_words(p + bss_bytes() + data_bytes(), memory, memory_bytes);
}

void fake_restore(const void *from)
{
	const u8 *p = from;

	copy_words(__start_kernel_bss, p, bss_bytes());
	copy_words(__start_kernel_data, p + bss_bytes(), data_bytes());
	copy_words(memory, p + bss_bytes() + data_bytes(), memory_bytes);
}

void fake_reset(void)
{
	free(memory);
	memory = nullptr;
	memory_bytes = 0;
	if (!initial) {
		initial = malloc(fake_state_bytes());
		fake_save(initial);
	}
	fake_restore(initial);
}

void fake_machine(u64 npages, u32 ncpus)
{
	CHECK(ncpus <= FAKE_CPUS);
	fake_reset();
	memory_bytes = npages * PAGE_BYTES;
	memory = aligned_alloc(PAGE_BYTES, memory_bytes);
	memset(memory, 0, memory_bytes);
	fake_direct = (u8 *)((u64)memory - FAKE_BASE);
	cpu_count = ncpus;
	for (u32 i = 0; i < ncpus; i++) {
		cpus[i] = &fake_cpu[i];
		cpus[i]->self = cpus[i];
		cpus[i]->number = i;
		list_init(&cpus[i]->condemned);
		cpus[i]->served_by = cpus[i];
		cpus[i]->accepts = 1ull << i;
		cpus_online |= 1ull << i;
	}
	fake_info = (struct boot_info){
		.nranges = 1,
		.range[0] = {FAKE_BASE, memory_bytes, BOOT_RANGE_USABLE},
	};
	frame_init(&fake_info);
}

void fake_settle(void)
{
	u32 before = fake_cpu_number;

	for (u32 rounds = 0, busy = 1; busy; rounds++) {
		CHECK(rounds < 100000);
		busy = 0;
		for (u32 i = 0; i < cpu_count; i++) {
			fake_cpu_number = i;
			if (!reaper_step())
				busy = 1;
		}
	}
	fake_cpu_number = before;
}

// ---- the end of a test

void fake_fail(const char *file, int line, const char *what)
{
	printf("%s:%d: failed: %s\n", file, line, what);
	if (fake_panic_hook)
		fake_panic_hook();
	fflush(nullptr);
	exit(1);
}

void panic(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	printf("PANIC ");
	vprintf(format, values);
	printf("\n");
	va_end(values);
	if (fake_panic_hook)
		fake_panic_hook();
	fflush(nullptr);
	exit(1);
}

void klog(const char *format, ...)
{
	va_list values;

	if (fake_quiet)
		return;
	va_start(values, format);
	vprintf(format, values);
	va_end(values);
}

bool fake_bug_is_caught(u32 bug, const char *what, void (*run)(void))
{
	int status = 0;

	if (getenv("KOCHAB_NO_SEEDED_BUGS"))
		return true; // tests/model/mutation
	fflush(nullptr);
	int child = fork();
	if (!child) {
		dup2(open("/dev/null", 2), 1);
		dup2(1, 2);
		seeded_bug = bug;
		run();
		exit(0);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	printf("bug %u (%s): %s\n", bug, what,
	       status ? "caught" : "NOT CAUGHT");
	return status != 0;
}

// ---- what the kernel asks of the machine

// The counter counts nanoseconds, as kernel/time/clock.c has it until told otherwise.
[[gnu::weak]] u64 arch_now_ns(void)
{
	return fake_counter;
}

// machine.c knows more of it.
[[gnu::weak]] void fake_flush(u64)
{
}

[[gnu::weak]] bool fake_flush_everywhere(void)
{
	return false;
}

void arch_ipi(u32 cpu)
{
	cpus[cpu]->arch.ipis++;
}
