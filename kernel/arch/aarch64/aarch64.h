// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the files of this folder offer each other, and the machine's special
// instructions. Generic code sees arch.h only. System registers are named as at
// EL1; at EL2 these names mean the registers of EL2 (boot.S).
#ifndef AARCH64_H
#define AARCH64_H
#include "boot/boot_info.h"
#include "kernel/arch/aarch64/offsets.h"
#include "kernel/lock.h"
#include "kernel/sched/cpu.h"
#include "kernel/sched/fpu.h"
#include "kernel/start/space.h"

// ---- instructions
#define read_system(name)                                                      \
	({                                                                     \
		u64 value_;                                                    \
		__asm__ volatile("mrs %0, " #name : "=r"(value_));             \
		value_;                                                        \
	})
#define write_system(name, value)                                              \
	__asm__ volatile("msr " #name ", %0" : : "r"((u64)(value)) : "memory")
#define barrier_instructions() __asm__ volatile("isb" : : : "memory")
#define barrier_data(domain) __asm__ volatile("dsb " #domain : : : "memory")

// Device registers.
#define reg32(at, offset) (*(volatile u32 *)((at) + (offset)))
#define reg64(at, offset) (*(volatile u64 *)((at) + (offset)))

static inline bool at_el2(void)
{
	return read_system(CurrentEL) == 8;
}

// Bits of SPSR that user code may have: N Z C V, TCO, DIT, SSBS, BTYPE.
#define USER_PSTATE 0xf3001c00ull

// The affinity fields of MPIDR_EL1 from a hardware id, which has the four side by
// side.
static inline u64 mpidr_of(u32 hardware_id)
{
	return (hardware_id & 0xffffff) | (u64)(hardware_id >> 24) << 32;
}

// ---- cpu.c: one CPU's registers
// Everything a CPU needs besides its stack, which has a guard page below it.
struct cpu_area {
	struct cpu cpu;
	alignas(16) u8 fatal_stack[FATAL_STACK_BYTES];
	struct cpu_entry { // what boot.S reads with the MMU off
		u64 root;
		struct cpu_area *area;
	} entry;
};

void cpu_check_features(void); // panics when the machine lacks something
void cpu_init(struct cpu_area *area, u64 stack_top); // this CPU; sets cpu_self

// ---- boot.S, entry.S
extern const u8 trap_vectors[];
void cpu_entry(void);
[[noreturn]] void leave_user(struct arch_regs *regs);
[[noreturn]] void leave_checked(struct arch_regs *regs, u64 pc, u64 pstate);

// ---- paging.c
extern u64 kernel_root; // physical addresses of page-table roots: upper half,
extern u64 empty_root; // and lower half without an address space
void paging_init(struct boot_info *info, u64 image_physical);

// The two roots of one foreign address space have numbers of their own, so that
// nothing is flushed between a personality and its guest; from one address space to
// another everything of users is.
static inline void load_root(u64 root)
{
	// What others wrote before they looked at what is published is seen by
	// walks of the new root.
	barrier_data(ish);
	write_system(ttbr0_el1, root);
	barrier_instructions();
	arch_flush_all();
}

// Load a root that can go away. Both address spaces are published while the root
// changes. Who takes one away clears a thread's root before its aspace, and waits
// until no CPU publishes it: so the root is read last.
static inline void change_root(struct cpu *cpu, struct aspace *const *aspace_at,
			const u64 *root_at)
{
	struct aspace *aspace = atomic_load(aspace_at);
	u64 root;

	atomic_store_ordered(&cpu->publishing, aspace);
	root = atomic_load_ordered(root_at);
	load_root(root ? root : empty_root);
	atomic_store(&cpu->published, aspace);
}

// ---- gic.c: distributor, redistributors, CPU interfaces
#define INTERRUPT_IPI 0
#define INTERRUPT_TIMER_EL2 26 // physical timer of EL2
#define INTERRUPT_TIMER_EL1 27 // virtual timer
#define INTERRUPT_LINE_FIRST 32
#define INTERRUPT_LINE_END 1020
#define INTERRUPT_MESSAGE_FIRST 8192
// Vectors of the irq table: lines by their number, then messages.
#define VECTOR_MESSAGE_FIRST 1024
#define MESSAGES (ARCH_IRQ_LINES - VECTOR_MESSAGE_FIRST)

extern struct lock irq_lock; // interrupts: lines, messages
void gic_init(const struct boot_info *info);
void gic_init_cpu(void); // this CPU's
u32 gic_accept(void); // number of the most urgent interrupt, which it ends

// ---- its.c: interrupts by message
void its_init(const struct boot_gic *gic);
void its_take(u64 cpus_left); // this CPU gets messages for these
// Make another message of the device come in as *vector on that CPU. irq_lock held.
bool its_map(u32 device, u32 cpu, u32 *vector, u64 *address, u64 *data);
void its_unmap(u32 vector);

// ---- counter.c
void counter_init(struct boot_info *info); // finds out what time it is
void counter_init_cpu(void); // this CPU's timer runs, without a deadline
#define TIMER_INTERRUPT (at_el2() ? INTERRUPT_TIMER_EL2 : INTERRUPT_TIMER_EL1)

// ---- machine.c
void machine_init(const struct boot_info *info);
i64 psci_call(u32 function, u64 a, u64 b, u64 c);
#define PSCI_CPU_OFF 0x84000002
#define PSCI_CPU_ON 0xc4000003

// ---- start.c
[[noreturn]] void arch_start(u64 device_tree, u64 image_physical);

// ---- smp.c
[[noreturn]] void smp_entry(struct cpu_area *area);
#endif
