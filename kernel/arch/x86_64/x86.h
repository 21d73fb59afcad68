// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the files of this folder offer each other, and the machine's special
// instructions. Generic code sees arch.h only.
#ifndef X86_H
#define X86_H
#include "boot/boot_info.h"
#include "kernel/arch/x86_64/offsets.h"
#include "kernel/sched/cpu.h"
#include "kernel/sched/fpu.h"
#include "kernel/start/space.h"
#include "kernel/time/clock.h"

struct guest_state;

// ---- instructions
static inline u64 read_msr(u32 msr)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline void write_msr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
			 : "memory");
}

static inline u8 in8(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void out8(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out16(u16 port, u16 value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

// What lgdt and lidt take.
struct [[gnu::packed]] table_pointer {
	u16 limit;
	u64 base;
};

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

#define read_cr(n)                                                             \
	({                                                                     \
		u64 value_;                                                    \
		__asm__ volatile("movq %%cr" #n ", %0" : "=r"(value_));        \
		value_;                                                        \
	})
#define write_cr(n, value)                                                     \
	__asm__ volatile("movq %0, %%cr" #n : : "r"((u64)(value)) : "memory")

#define CR0_TASK_SWITCHED 0x8ull
#define MSR_EFER 0xc0000080
#define MSR_GS_BASE 0xc0000101

static inline u64 read_fs_base(void)
{
	u64 base;

	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static inline void write_fs_base(u64 base)
{
	__asm__ volatile("wrfsbase %0" : : "r"(base));
}

// The user's GS base is the hidden one while in the kernel.
static inline u64 read_user_gs_base(void)
{
	u64 base;

	__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(base));
	return base;
}

static inline void write_user_gs_base(u64 base)
{
	__asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(base));
}

static inline u64 make_canonical(u64 address)
{
	return (u64)((i64)(address << 16) >> 16);
}

// Flags that user code may have; interrupts are on (bit 9), bit 1 is always set.
#define USER_FLAGS 0x250dd5ull
#define USER_FLAGS_SET 0x202ull

// ---- cpu.c: one CPU's registers and tables
// Everything a CPU needs besides its stack, which has a guard page below it.
struct cpu_area {
	struct cpu cpu;
	alignas(IST_STACK_BYTES) u8 ist[3][IST_STACK_BYTES];
};

struct cpu_features {
	bool x2apic, tsc_deadline, gigabyte_pages, umip;
	u32 fpu_mask; // XCR0
};
extern struct cpu_features cpu_features;

void cpu_check_features(void); // panics when the machine lacks something
void cpu_init(struct cpu_area *area, u64 stack_top); // this CPU; sets GS base

// ---- entry.S
extern const u8 trap_stubs[256][16];
void syscall_entry(void);
[[noreturn]] void leave_iret(struct arch_regs *regs);
[[noreturn]] void leave_sysret(struct arch_regs *regs);
[[noreturn]] void guest_enter(struct guest_state *state, u64 rip, u64 rflags);

// ---- trap.c
void trap_init(void); // builds the IDT
void trap_load(void); // loads it on this CPU

// ---- context.c
extern u64 kernel_root; // physical address of the page-table root

// Load a root that can go away. Both address spaces are published while the root
// changes. Who takes one away clears a thread's root before its aspace, and waits
// until no CPU publishes it: so the root is read last.
static inline void change_root(struct cpu *cpu, struct aspace *const *aspace_at,
			       const u64 *root_at)
{
	struct aspace *aspace = atomic_load(aspace_at);
	u64 root;

	atomic_store(&cpu->publishing, aspace);
	root = atomic_load(root_at);
	write_cr(3, __builtin_expect(!root, 0) ? kernel_root : root);
	atomic_store(&cpu->published, aspace);
}

// ---- paging.c
void paging_init(struct boot_info *info); // builds and loads the final tables
extern u64 trampoline_root;

// ---- apic.c
void apic_init(const struct boot_info *info); // controllers of the machine
void apic_init_cpu(void); // this CPU's
void apic_end_interrupt(void);
u32 apic_id(void);
void apic_start_cpu(u32 apic_id);
void apic_stop_others(void); // by NMI
void apic_timer_start(u32 count); // one-shot, divided by 16; 0: stop
u32 apic_timer_count(void);
// A device vector arrived: acknowledge; level-triggered lines are masked first.
void apic_device_interrupt(u32 vector);

// ---- counter.c
void counter_init(struct boot_info *info);

// ---- machine.c
void console_init(void);
void machine_init(const struct boot_info *info); // for arch_power

// ---- topology.c
void topology_read(struct boot_info *info); // where the CPUs sit
extern bool machine_stopping; // a panic elsewhere: NMIs mean stop

// ---- start.c
[[noreturn]] void arch_start(u64 start_info, u32 loader); // from boot/pvh/entry.S

// ---- smp.c, trampoline.S
extern const u8 trampoline_start[], trampoline_end[], trampoline_area[];
[[noreturn]] void smp_entry(struct cpu_area *area);
#endif
