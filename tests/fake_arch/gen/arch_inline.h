// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The fake machine: the in-line half of kernel/arch/arch.h. Which CPU we are is
// a variable; physical memory is an array.
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

extern u32 fake_cpu_number;
extern struct cpu *cpus[];
extern u64
	fake_user_end; // 2^47; a test may choose 2^38: three levels of tables
#define USER_END fake_user_end
#define PT_LEVELS (3 + (u32)(fake_user_end >> 47))
extern u8 *fake_direct; // where physical address 0 would be
extern u64 fake_counter;

void fake_relax(void);
void fake_place(void); // another CPU may make a step here (machine.h)
void fake_flush(u64 address); // ~0: all translations of this CPU
bool fake_flush_everywhere(void); // false: there is no such instruction

static inline struct cpu *cpu_self(void)
{
	return cpus[fake_cpu_number];
}

static inline u64 arch_counter(void)
{
	return fake_counter;
}

static inline void arch_relax(void)
{
	fake_relax();
}

static inline struct arch_regs *arch_regs_of(const struct thread *thread)
{
	return (struct arch_regs *)thread;
}

static inline u64 *arch_syscall_word(const struct thread *thread, u32 i)
{
	struct arch_regs *regs = arch_regs_of(thread);

	return i ? &regs->word[(i - 1) & 7] : &regs->cap;
}

static inline void arch_syscall_status(struct thread *thread, i64 status)
{
	arch_regs_of(thread)->info = (u64)status;
}

static inline void arch_syscall_restart(struct thread *thread)
{
	arch_regs_of(thread)->restarts++;
}

static inline u64 arch_ipc_info(const struct thread *thread)
{
	fake_place();
	return arch_regs_of(thread)->info;
}

static inline u64 arch_ipc_cap(const struct thread *thread)
{
	fake_place();
	return arch_regs_of(thread)->cap;
}

static inline u64 arch_ipc_deadline(const struct thread *thread)
{
	return arch_regs_of(thread)->deadline;
}

static inline u64 arch_ipc_caps(const struct thread *thread)
{
	return arch_regs_of(thread)->caps;
}

static inline u64 *arch_ipc_word(const struct thread *thread, u32 i)
{
	return &arch_regs_of(thread)->word[i & 7];
}

static inline void arch_ipc_result(struct thread *thread, i64 info, u64 badge)
{
	fake_place();
	arch_regs_of(thread)->info = (u64)info;
	arch_regs_of(thread)->cap = badge;
}

static inline void *arch_direct(struct paddr physical)
{
	return fake_direct + physical.value;
}

static inline struct paddr arch_physical(const void *direct)
{
	return (struct paddr){(u64)direct - (u64)fake_direct};
}

// ---- page-table entries
#define PTE_PRESENT 0x1ull
#define PTE_WRITE 0x2ull
#define PTE_EXEC 0x4ull
#define PTE_DIRTY 0x8ull
#define PTE_FRAME 0x000ffffffffff000ull

static inline u64 arch_pte_leaf(struct paddr frame, u32 map_flags, u32)
{
	return frame.value | PTE_PRESENT |
		(map_flags & MAP_WRITE ? PTE_WRITE : 0) |
		(map_flags & MAP_EXEC ? PTE_EXEC : 0);
}

static inline u64 arch_pte_table(struct paddr table)
{
	return table.value | PTE_PRESENT;
}

static inline bool arch_pte_present(u64 entry)
{
	return entry & PTE_PRESENT;
}

static inline bool arch_pte_writable(u64 entry)
{
	return entry & PTE_WRITE;
}

static inline bool arch_pte_dirty(u64 entry)
{
	return entry & PTE_DIRTY;
}

static inline u64 arch_pte_readonly(u64 entry)
{
	return entry & ~(PTE_WRITE | PTE_DIRTY);
}

static inline struct paddr arch_pte_frame(u64 entry)
{
	return (struct paddr){entry & PTE_FRAME};
}

static inline void arch_flush_page(u64 address)
{
	fake_flush(address);
}

static inline bool arch_flush_everywhere(void)
{
	return fake_flush_everywhere();
}

static inline void arch_flush_all(void)
{
	fake_flush(~0ull);
}
#endif
