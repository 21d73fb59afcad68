// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// x86-64: the in-line half of arch.h, which includes this file.
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

#define ARCH_FRAME 0
#define KERNEL_LEVELS 4
#define ARCH_DIRECT_BASE 0xffff800000000000ull
#define PT_LEVELS 4
#define USER_END 0x0000800000000000ull
#define ARCH_IMAGE_BASE 0xffffffff80000000ull // + physical address

static inline struct cpu *cpu_self(void)
{
	struct cpu *cpu;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

static inline u64 arch_counter(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

static inline void arch_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

// ---- registers of a system call. regs is the first member of struct thread.
static inline struct arch_regs *arch_regs_of(const struct thread *thread)
{
	return (struct arch_regs *)thread;
}

#define ARCH_REG(name) (__builtin_offsetof(struct arch_regs, name) / 8)

static inline u64 *arch_syscall_word(const struct thread *thread, u32 i)
{
	static const u8 number[8] = {
		ARCH_REG(rdi), ARCH_REG(rsi), ARCH_REG(rdx), ARCH_REG(r8),
		ARCH_REG(r9),  ARCH_REG(r12), ARCH_REG(r13), ARCH_REG(r14)};

	return (u64 *)thread + number[i & 7];
}

static inline void arch_syscall_status(struct thread *thread, i64 status)
{
	arch_regs_of(thread)->rax = (u64)status;
}

// syscall is two bytes long, and rax still holds the number and info word.
static inline void arch_syscall_restart(struct thread *thread)
{
	arch_regs_of(thread)->rip -= 2;
}

#define ARCH_IPC_REGISTER(name, register)                                      \
	static inline u64 arch_ipc_##name(const struct thread *thread)         \
	{                                                                      \
		return arch_regs_of(thread)->register;                         \
	}
ARCH_IPC_REGISTER(info, rax)
ARCH_IPC_REGISTER(cap, rdi)
ARCH_IPC_REGISTER(deadline, rbx)
ARCH_IPC_REGISTER(caps, r10)

static inline u64 *arch_ipc_word(const struct thread *thread, u32 i)
{
	static const u8 number[8] = {
		ARCH_REG(r12), ARCH_REG(r13), ARCH_REG(r14), ARCH_REG(r15),
		ARCH_REG(rsi), ARCH_REG(rdx), ARCH_REG(r8),  ARCH_REG(r9)};

	return (u64 *)thread + number[i & 7];
}

static inline void arch_ipc_result(struct thread *thread, i64 info, u64 badge)
{
	arch_regs_of(thread)->rax = (u64)info;
	arch_regs_of(thread)->rdi = badge;
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

// ---- page-table entries: AMD64 manual volume 2, section 5.3
#define PTE_PRESENT 0x1ull
#define PTE_WRITE 0x2ull
#define PTE_USER 0x4ull
#define PTE_WRITE_THROUGH 0x8ull
#define PTE_UNCACHED 0x10ull
#define PTE_ACCESSED 0x20ull
#define PTE_DIRTY 0x40ull
#define PTE_LARGE 0x80ull
#define PTE_GLOBAL 0x100ull
#define PTE_NO_EXECUTE 0x8000000000000000ull
#define PTE_FRAME 0x000ffffffffff000ull

static inline u64 arch_pte_leaf(struct paddr frame, u32 map_flags,
				u32 memory_flags)
{
	u64 entry = frame.value | PTE_PRESENT | PTE_USER | PTE_ACCESSED;

	if (map_flags & MAP_WRITE)
		entry |= PTE_WRITE;
	if (!(map_flags & MAP_EXEC))
		entry |= PTE_NO_EXECUTE;
	if (memory_flags & MEMORY_DEVICE)
		entry |= PTE_UNCACHED | PTE_WRITE_THROUGH;
	return entry;
}

static inline u64 arch_pte_table(struct paddr table)
{
	return table.value | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
}

static inline bool arch_pte_present(u64 entry)
{
	return entry & PTE_PRESENT;
}

static inline bool arch_pte_is_table(u64 entry)
{
	return !(entry & PTE_LARGE);
}

static inline bool arch_pte_writable(u64 entry)
{
	return entry & PTE_WRITE;
}

static inline struct paddr arch_pte_frame(u64 entry)
{
	return (struct paddr){entry & PTE_FRAME};
}

static inline void arch_flush_page(u64 address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void arch_flush_all(void)
{
	u64 root;

	__asm__ volatile("movq %%cr3, %0; movq %0, %%cr3"
			 : "=r"(root)
			 :
			 : "memory");
}

static inline bool arch_flush_everywhere(void)
{
	return false;
}
#endif
