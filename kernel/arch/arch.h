// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What generic kernel code may ask of the machine. Each architecture supplies
// kernel/arch/<arch>/arch_types.h (struct arch_regs, arch_cpu, arch_roots) and
// the functions below, in-line ones in arch_inline.h. The host build for tests
// has its own set (tests/fake_arch/).
#ifndef KERNEL_ARCH_ARCH_H
#define KERNEL_ARCH_ARCH_H
#include "gen/arch_types.h" // the build copies the architecture's arch_types.h here
#include "abi/constants.h"
#include "lib/base/atomic.h"
#include "lib/base/types.h"

struct cpu;
struct fpu_area;
struct thread;
struct boot_cpu;
struct boot_info;
struct thread_registers;

// ---- in arch_inline.h, included at the end of this file
static inline struct cpu *cpu_self(void);
static inline u64 arch_counter(void); // CPU counter, constant rate
static inline void arch_relax(void); // in spin loops
// Where register i of a system call is: 0 the capability, 1.. the arguments; of its
// results, 0.. all.
static inline u64 *arch_syscall_word(const struct thread *thread, u32 i);
static inline void arch_syscall_status(struct thread *thread, i64 status);
// IPC registers in the saved frame.
static inline u64 arch_ipc_info(const struct thread *thread);
static inline u64 arch_ipc_cap(const struct thread *thread);
static inline u64 arch_ipc_deadline(const struct thread *thread);
static inline u64 arch_ipc_caps(const struct thread *thread);
static inline u64 *arch_ipc_word(const struct thread *thread, u32 i); // where it is
// status < 0: error; else info bits (words, caps) and the badge
static inline void arch_ipc_result(struct thread *thread, i64 info, u64 badge);
// Run the system-call instruction again when the thread next runs.
static inline void arch_syscall_restart(struct thread *thread);
// Kernel address of physical memory (direct map).
static inline void *arch_direct(struct paddr physical);
static inline struct paddr arch_physical(const void *direct);

// ---- time and interrupts between CPUs
u64 arch_now_ns(void); // monotonic: time/clock.c, from arch_counter()
void arch_timer_at(u64 counter); // interrupt then, or at once if it is past; this CPU
void arch_ipi(u32 cpu); // makes it call cpu_serve()
[[noreturn]] void arch_idle(void); // interrupts on, wait; entered via kernel_leave
[[noreturn]] void arch_leave(struct thread *thread); // to user mode

// ---- threads
void arch_thread_start(struct thread *thread, u64 pc, u64 sp, u64 argument,
		       u64 thread_pointer);
// Load the address space, bases and FPU access of the next thread (from may be
// NULL). Publishes the address space in cpu->published before loading it.
void arch_switch(struct cpu *cpu, struct thread *from, struct thread *to);
void arch_registers_read(const struct thread *t, struct thread_registers *out);
bool arch_registers_write(struct thread *t, const struct thread_registers *in);
// Words 2 (pc) and 4 (sp) of a fault message.
void arch_fault_words(const struct thread *thread, u64 words[5]);
void arch_set_fault_entry(struct thread *thread, u64 vector, u64 address);

// ---- floating point of this CPU, for sched/fpu.c. A save area has
// ARCH_FPU_BYTES (arch_types.h).
void arch_fpu_access(bool allowed); // to users, and to the next two
void arch_fpu_write(struct fpu_area *area);
void arch_fpu_read(const struct fpu_area *area);
void arch_fpu_init(struct fpu_area *area); // zeroes become a new thread's state

// ---- page tables: a generic walker (mm/pagetable.c) on these, and on PT_LEVELS and
// USER_END, constants or variables of arch_inline.h; and KERNEL_LEVELS
#define PT_ENTRIES 512
#define GUEST_END GUEST_PART(USER_END)
static inline u64 arch_pte_leaf(struct paddr frame, u32 map_flags, u32 memory_flags);
static inline u64 arch_pte_table(struct paddr table);
static inline bool arch_pte_present(u64 entry);
static inline bool arch_pte_writable(u64 entry);
static inline struct paddr arch_pte_frame(u64 entry);
void arch_root_init(struct paddr root); // fill in the kernel's upper half
// Leaf entries of that half (start/space.h), of 2^(12 + 9 * level) bytes; 0: there are
// no pages of this size.
enum kernel_page : u32 { PAGE_DATA, PAGE_CONST, PAGE_TEXT, PAGE_DEVICE };
u64 arch_pte_kernel(u64 physical, enum kernel_page page, u32 level);
static inline bool arch_pte_is_table(u64 entry);
static inline void arch_flush_page(u64 address); // this CPU
static inline void arch_flush_all(void); // this CPU, user entries
// All CPUs' at once, where the hardware can; false: each has to be asked.
static inline bool arch_flush_everywhere(void);

// ---- interrupts
// Lines and vectors are below ARCH_IRQ_LINES.
// line IRQ_MSI: a message vector, for the device that is known by this number
// where who writes the message counts (PCI: its requester id).
bool arch_irq_claim(u32 line, u32 flags, u32 device, u32 cpu, u32 *vector,
		    u64 *msi_address, u64 *msi_data);
void arch_irq_release(u32 line, u32 vector);
void arch_irq_mask(u32 line, bool masked);
// Device interrupts that were for any of these CPUs (bits) are for this CPU.
void arch_irq_take(u64 cpus);
bool arch_irq_pending(void); // does any interrupt wait for this CPU?

// ---- machine (and in arch_types.h: ARCH_ELF_MACHINE, the e_machine of its programs)
void arch_port_read(u16 port, u32 width, u32 *value);
void arch_port_write(u16 port, u32 width, u32 value);
void arch_console_write(const char *text, usize length); // log port, polled
int arch_console_read(void); // a character that came in there, -1: none
[[noreturn]] void arch_power(u32 action);
[[noreturn]] void arch_panic_stop(void);
void arch_panic_report(void); // registers of the trap, if any, by console_print()
void arch_identity(u64 identity[4]); // of the CPU, as the time page wants it

// ---- other CPUs. smp.c; memory of a CPU begins with its struct cpu.
extern const usize arch_cpu_bytes;
// Make it come in, to call cpu_arrived() and, if that is true, kernel_start_cpu().
bool arch_cpu_start(struct cpu *cpu);
bool arch_cpu_insert(struct boot_cpu *cpu); // one that boot_info did not name
[[noreturn]] void arch_cpu_off(void); // this CPU, until it is started again

// ---- what the architecture calls in generic code
void kernel_start(const struct boot_info *info); // boot CPU, on its stack
// Before that: which of the CPUs this is. It gets number 0.
void cpus_boot(struct boot_info *info, u32 hardware_id);
bool cpu_arrived(struct cpu *cpu); // is it still waited for?
[[noreturn]] void kernel_start_cpu(struct cpu *cpu); // others
void kernel_syscall(struct thread *thread, u64 info); // all registers saved
void kernel_interrupt_device(u32 vector); // then kernel_leave
void kernel_page_fault(struct thread *thread, u64 address, u32 code);
void kernel_exception(struct thread *thread, u32 kind, u64 trap, u64 code,
		      u64 address);

// offsets.c says with this what assembly knows of structures: the build makes
// gen/offsets.h of it.
#define ARCH_NUMBER(name, number)                                              \
	__asm__ volatile(".ascii \"->" #name " %c0\"" : : "i"(number))
#define ARCH_OFFSET(name, type, member)                                        \
	ARCH_NUMBER(name, __builtin_offsetof(struct type, member))

#include "gen/arch_inline.h"

// May be in a register that is used as an address: canonical, in user space.
static inline bool arch_address_ok(u64 address)
{
	return address < USER_END;
}
#endif
