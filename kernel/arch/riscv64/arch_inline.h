// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V: the in-line half of arch.h, which includes this file.
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

#define ARCH_FRAME -2 // where s0 points: above {caller's s0, return address}
#define KERNEL_LEVELS 3
#define ARCH_DIRECT_BASE 0xffffffc000000000ull

extern u64 user_end; // 2^47 with Sv48, 2^38 with Sv39
#define USER_END user_end
#define PT_LEVELS (3 + (u32)(user_end >> 47))

// In the kernel tp is this CPU's struct cpu.
static inline struct cpu *cpu_self(void)
{
	struct cpu *cpu;

	__asm__ volatile("mv %0, tp" : "=r"(cpu));
	return cpu;
}

static inline u64 arch_counter(void)
{
	u64 value;

	__asm__ volatile("rdtime %0" : "=r"(value));
	return value;
}

void counter_relax(void);

static inline void arch_relax(void)
{
	__asm__ volatile(".insn i 0x0f, 0, x0, x0, 0x010"); // pause
	counter_relax();
}

// ---- registers of a system call. regs is the first member of struct thread.
static inline struct arch_regs *arch_regs_of(const struct thread *thread)
{
	return (struct arch_regs *)thread;
}

#define ARCH_REG(name) (__builtin_offsetof(struct arch_regs, name) / 8)

// a0 to a6, then t0.
static inline u64 *arch_syscall_word(const struct thread *thread, u32 i)
{
	return (u64 *)thread + (i < 7 ? ARCH_REG(a0) + i : ARCH_REG(t0));
}

static inline void arch_syscall_status(struct thread *thread, i64 status)
{
	arch_regs_of(thread)->a7 = (u64)status;
}

// ecall is four bytes long, and a7 still holds the number and info word.
static inline void arch_syscall_restart(struct thread *thread)
{
	arch_regs_of(thread)->pc -= 4;
}

#define ARCH_IPC_REGISTER(name, register)                                      \
	static inline u64 arch_ipc_##name(const struct thread *thread)         \
	{                                                                      \
		return arch_regs_of(thread)->register;                         \
	}
ARCH_IPC_REGISTER(info, a7)
ARCH_IPC_REGISTER(cap, a0)
ARCH_IPC_REGISTER(deadline, t2)
ARCH_IPC_REGISTER(caps, t3)

// a1 to a6, then t0 and t1.
static inline u64 *arch_ipc_word(const struct thread *thread, u32 i)
{
	i &= 7;
	return (u64 *)thread +
		(i < 6 ? ARCH_REG(a1) + i : ARCH_REG(t0) + (i - 6));
}

static inline void arch_ipc_result(struct thread *thread, i64 info, u64 badge)
{
	arch_regs_of(thread)->a7 = (u64)info;
	arch_regs_of(thread)->a0 = badge;
}

// ---- physical memory
static inline void *arch_direct(struct paddr physical)
{
	return (void *)(ARCH_DIRECT_BASE + physical.value);
}

static inline struct paddr arch_physical(const void *direct)
{
	return (struct paddr){(u64)direct - ARCH_DIRECT_BASE};
}

// ---- page-table entries: privileged specification, 4.4. Accessed and dirty are
// set by us, as implementations may trap instead of setting them.
#define PTE_VALID 0x1ull
#define PTE_READ 0x2ull
#define PTE_WRITE 0x4ull
#define PTE_EXEC 0x8ull
#define PTE_USER 0x10ull
#define PTE_GLOBAL 0x20ull
#define PTE_ACCESSED 0x40ull
#define PTE_DIRTY 0x80ull
#define PTE_FRAME 0x003ffffffffffc00ull
#define PTE_IO 0x4000000000000000ull // Svpbmt

extern u64 arch_device_bits; // PTE_IO where there is Svpbmt, else 0
extern u32 arch_exec_generation; // [a] counts executable entries made

static inline u64 arch_pte_leaf(struct paddr frame, u32 map_flags,
				u32 memory_flags)
{
	u64 entry = frame.value >> 2 | PTE_VALID | PTE_READ | PTE_USER |
		PTE_ACCESSED | PTE_DIRTY;

	if (map_flags & MAP_WRITE)
		entry |= PTE_WRITE;
	if (map_flags & MAP_EXEC) {
		entry |= PTE_EXEC;
		atomic_add_relaxed(&arch_exec_generation, 1);
	}
	if (memory_flags & MEMORY_DEVICE)
		entry |= arch_device_bits;
	return entry;
}

static inline u64 arch_pte_table(struct paddr table)
{
	return table.value >> 2 | PTE_VALID;
}

static inline bool arch_pte_present(u64 entry)
{
	return entry & PTE_VALID;
}

static inline bool arch_pte_is_table(u64 entry)
{
	return !(entry & (PTE_READ | PTE_EXEC));
}

static inline bool arch_pte_writable(u64 entry)
{
	return entry & PTE_WRITE;
}

static inline struct paddr arch_pte_frame(u64 entry)
{
	return (struct paddr){(entry & PTE_FRAME) << 2};
}

static inline void arch_flush_page(u64 address)
{
	__asm__ volatile("sfence.vma %0, zero" : : "r"(address) : "memory");
}

// Address space 0 only: entries of the kernel are global and stay.
static inline void arch_flush_all(void)
{
	__asm__ volatile("sfence.vma zero, %0" : : "r"(0ul) : "memory");
}

static inline bool arch_flush_everywhere(void)
{
	return false;
}
#endif
