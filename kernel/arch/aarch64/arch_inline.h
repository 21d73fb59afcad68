// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AArch64: the in-line half of arch.h, which includes this file.
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

#define ARCH_FRAME 0
#define KERNEL_LEVELS 4
#define ARCH_DIRECT_BASE 0xffff800000000000ull
#define PT_LEVELS 4
#define USER_END 0x0000800000000000ull
#define ARCH_IMAGE_BASE 0xffffffff80000000ull // where the image is linked

static inline struct cpu *cpu_self(void)
{
	struct cpu *cpu;

	__asm__("mrs %0, tpidr_el1" : "=r"(cpu));
	return cpu;
}

static inline u64 arch_counter(void)
{
	u64 value;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
	return value;
}

static inline void arch_relax(void)
{
	__asm__ volatile("yield" : : : "memory");
}

// ---- registers of a system call: x8 is the number and info word, afterwards the
// status; x0 the capability, x1 to x7 the arguments, x0 to x5 the results.
static inline struct arch_regs *arch_regs_of(const struct thread *thread)
{
	return (struct arch_regs *)thread; // its first member
}

static inline u64 *arch_syscall_word(const struct thread *thread, u32 i)
{
	return &arch_regs_of(thread)->x[i & 7];
}

static inline void arch_syscall_status(struct thread *thread, i64 status)
{
	arch_regs_of(thread)->x[8] = (u64)status;
}

// svc is four bytes long, and x8 still holds the number and info word.
static inline void arch_syscall_restart(struct thread *thread)
{
	arch_regs_of(thread)->pc -= 4;
}

// ---- registers of a message: words in x1 to x7 and x9
#define ARCH_IPC_REGISTER(name, number)                                        \
	static inline u64 arch_ipc_##name(const struct thread *thread)         \
	{                                                                      \
		return arch_regs_of(thread)->x[number];                        \
	}
ARCH_IPC_REGISTER(info, 8)
ARCH_IPC_REGISTER(cap, 0)
ARCH_IPC_REGISTER(deadline, 10)
ARCH_IPC_REGISTER(caps, 11)

static inline u64 *arch_ipc_word(const struct thread *thread, u32 i)
{
	i = i & 7;
	return &arch_regs_of(thread)->x[i == 7 ? 9 : i + 1];
}

static inline void arch_ipc_result(struct thread *thread, i64 info, u64 badge)
{
	arch_regs_of(thread)->x[8] = (u64)info;
	arch_regs_of(thread)->x[0] = badge;
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

// ---- page-table entries: Arm ARM (DDI 0487), D8.3
#define PTE_VALID 0x1ull
#define PTE_TABLE 0x2ull // a table, or at level 0 a page; else a block
#define PTE_DEVICE 0x4ull // attribute 1 of MAIR; 0 is normal memory
#define PTE_USER 0x40ull
#define PTE_READ_ONLY 0x80ull
#define PTE_SHARED 0x300ull // inner shareable
#define PTE_ACCESSED 0x400ull
#define PTE_NOT_GLOBAL 0x800ull
#define PTE_GUARDED (1ull << 50) // indirect branches need landing pads
#define PTE_NO_KERNEL_EXECUTE (1ull << 53)
#define PTE_NO_USER_EXECUTE (1ull << 54)
#define PTE_FRAME 0x0000fffffffff000ull

void arch_code_ready(struct paddr frame); // paging.c

static inline u64 arch_pte_leaf(struct paddr frame, u32 map_flags,
				u32 memory_flags)
{
	u64 entry = frame.value | PTE_VALID | PTE_TABLE | PTE_USER |
		PTE_SHARED | PTE_ACCESSED | PTE_NOT_GLOBAL |
		PTE_NO_KERNEL_EXECUTE;

	if (!(map_flags & MAP_WRITE))
		entry |= PTE_READ_ONLY;
	if (!(map_flags & MAP_EXEC))
		entry |= PTE_NO_USER_EXECUTE;
	else
		arch_code_ready(frame);
	if (memory_flags & MEMORY_DEVICE)
		entry |= PTE_DEVICE;
	return entry;
}

static inline u64 arch_pte_table(struct paddr table)
{
	return table.value | PTE_VALID | PTE_TABLE;
}

static inline bool arch_pte_present(u64 entry)
{
	return entry & PTE_VALID;
}

static inline bool arch_pte_is_table(u64 entry)
{
	return entry & PTE_TABLE;
}

static inline bool arch_pte_writable(u64 entry)
{
	return !(entry & PTE_READ_ONLY);
}

static inline struct paddr arch_pte_frame(u64 entry)
{
	return (struct paddr){entry & PTE_FRAME};
}

// The entries were written before: by this CPU, or by one that asked for it.
static inline void arch_flush_page(u64 address)
{
	__asm__ volatile("dsb ishst; tlbi vaae1, %0; dsb nsh; isb"
			 :
			 : "r"(address >> 12 & 0xfffffffffff)
			 : "memory");
}

// All user entries: numbers 0 and that of guests (paging.c).
static inline void arch_flush_all(void)
{
	__asm__ volatile(
		"dsb ishst; tlbi aside1, xzr; tlbi aside1, %0; dsb nsh; isb"
		:
		: "r"(1ull << 48)
		: "memory");
}

// So an entry is gone before another takes its place, as the architecture asks
// (ARM DDI 0487, "Using break-before-make when updating translation table entries").
static inline bool arch_flush_everywhere(void)
{
	__asm__ volatile(
		"dsb ishst; tlbi aside1is, xzr; tlbi aside1is, %0; dsb ish; isb"
		:
		: "r"(1ull << 48)
		: "memory");
	return true;
}
#endif
