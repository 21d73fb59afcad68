// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the files of this folder offer each other, the machine's special
// instructions, and calls of the firmware. Generic code sees arch.h only.
#ifndef RISCV_H
#define RISCV_H
#include "boot/boot_info.h"
#include "kernel/arch/riscv64/offsets.h"
#include "kernel/sched/cpu.h"
#include "kernel/sched/fpu.h"
#include "kernel/start/space.h"
#include "kernel/time/clock.h"

// ---- instructions
#define csr_read(name)                                                         \
	({                                                                     \
		u64 value_;                                                    \
		__asm__ volatile("csrr %0, " name : "=r"(value_)::"memory");   \
		value_;                                                        \
	})
#define csr_write(name, value)                                                 \
	__asm__ volatile("csrw " name ", %0" : : "r"((u64)(value)) : "memory")
#define csr_set(name, bits)                                                    \
	__asm__ volatile("csrs " name ", %0" : : "r"((u64)(bits)) : "memory")
#define csr_clear(name, bits)                                                  \
	__asm__ volatile("csrc " name ", %0" : : "r"((u64)(bits)) : "memory")

#define STIMECMP "0x14d" // Sstc

// Bits of sie and sip, and interrupt numbers in scause.
#define INTERRUPT_SOFTWARE 1
#define INTERRUPT_TIMER 5
#define INTERRUPT_EXTERNAL 9

// ---- the firmware: RISC-V Supervisor Binary Interface 1.0
#define SBI_PUTCHAR 0x01 // legacy
#define SBI_TIME 0x54494d45
#define SBI_IPI 0x735049
#define SBI_HSM 0x48534d
#define SBI_SRST 0x53525354

struct sbi_result {
	i64 error;
	u64 value;
};

static inline struct sbi_result sbi(u64 extension, u64 function, u64 a, u64 b,
				    u64 c)
{
	register u64 a0 __asm__("a0") = a;
	register u64 a1 __asm__("a1") = b;
	register u64 a2 __asm__("a2") = c;
	register u64 a6 __asm__("a6") = function;
	register u64 a7 __asm__("a7") = extension;

	__asm__ volatile("ecall"
			 : "+r"(a0), "+r"(a1)
			 : "r"(a2), "r"(a6), "r"(a7)
			 : "memory");
	return (struct sbi_result){(i64)a0, a1};
}

// ---- one CPU
// Everything a CPU needs besides its stack, which has a guard page below it. The
// stack in here is for fatal traps.
struct cpu_area {
	alignas(PAGE_BYTES) struct cpu cpu;
	alignas(PAGE_BYTES) u8 stack[CPU_AREA_BYTES - CPU_AREA_STACK];
};

void cpu_init(struct cpu_area *area, u64 stack_top); // this CPU; sets tp

// ---- entry.S, start.S
void trap_entry(void);
[[noreturn]] void leave_regs(struct arch_regs *regs);
i64 semihost(u64 operation, const void *parameter);
void smp_start(void);
void smp_virtual(void);

// ---- paging.c
extern u64 kernel_root; // physical address of the page-table root
extern u64 satp_mode; // in its place in satp
void paging_init(struct boot_info *info, u64 image); // builds and loads

static inline u64 satp_of(u64 root)
{
	return satp_mode | root >> 12;
}

// ---- switching
// Code that was written as data is fetched as it is now.
static inline void fetch_anew(struct cpu *cpu)
{
	u32 now = atomic_load(&arch_exec_generation);

	if (__builtin_expect(cpu->arch.exec_seen == now, 1))
		return;
	cpu->arch.exec_seen = now;
	__asm__ volatile("fence.i" : : : "memory");
}

static inline void load_root(struct cpu *cpu, u64 root)
{
	if (__builtin_expect(!root, 0))
		root = kernel_root;
	cpu->arch.root = root;
	csr_write("satp", satp_of(root));
	arch_flush_all(); // there is one address space number for all
}

// Load a root that can go away. Both address spaces are published while the root
// changes. Who takes one away clears a thread's root before its aspace, and waits
// until no CPU publishes it: so the root is read last. Loaded even if it is the
// same: entries may have changed while this CPU did not publish the address space.
static inline void change_root(struct cpu *cpu, struct aspace *const *aspace_at,
			       const u64 *root_at)
{
	struct aspace *aspace = atomic_load(aspace_at);

	atomic_store_ordered(&cpu->publishing, aspace);
	load_root(cpu, atomic_load(root_at));
	atomic_store(&cpu->published, aspace);
}

// ---- interrupts.c: whichever controller there is
void interrupts_init(const struct boot_info *info);
void interrupts_init_cpu(void);
void interrupts_external(void); // one has arrived
// ---- plic.c
void plic_init(const struct boot_info *info);
void plic_init_cpu(void);
void plic_external(void);
bool plic_claim(u32 line, u32 flags, u32 cpu);
void plic_release(u32 line);
void plic_mask(u32 line, bool masked);
void plic_take(u64 cpus_left);
// ---- aia.c
void aia_init(const struct boot_info *info);
bool aia_present(void);
void aia_init_cpu(void);
void aia_external(void);
bool aia_claim(u32 line, u32 flags, u32 *vector, u64 *address, u64 *data);
void aia_release(u32 line, u32 vector);
void aia_mask(u32 line, bool masked);

// ---- counter.c
void counter_init(struct boot_info *info);

// ---- machine.c
void machine_init(const struct boot_info *info); // the log's port
bool command_word(const char *line, const char *word); // is it there?

// ---- start.c, smp.c
[[noreturn]] void arch_start(u64 hart, u64 device_tree, u64 image);
[[noreturn]] void smp_entry(struct cpu_area *area);
#endif
