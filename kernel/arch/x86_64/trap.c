// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Interrupts and exceptions after entry.S has saved the registers, and the end
// of slow system calls. Exceptions of user code go to the generic kernel; one of
// the kernel itself is a panic.
#include "kernel/arch/x86_64/x86.h"
#include "kernel/object/guest.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "kernel/sched/sched.h"

static_assert(IMAGE_BASE == ARCH_IMAGE_BASE && DIRECT_BASE == ARCH_DIRECT_BASE);

// Exceptions, AMD64 manual volume 2, section 8.2
enum {
	TRAP_DIVIDE = 0,
	TRAP_DEBUG = 1,
	TRAP_NMI = 2,
	TRAP_BREAKPOINT = 3,
	TRAP_INVALID = 6,
	TRAP_NO_FPU = 7,
	TRAP_DOUBLE = 8,
	TRAP_PROTECTION = 13,
	TRAP_PAGE_FAULT = 14,
	TRAP_X87 = 16,
	TRAP_ALIGNMENT = 17,
	TRAP_MACHINE_CHECK = 18,
	TRAP_SIMD = 19,
	TRAPS = 32,
};

// Interrupt gate: AMD64 manual volume 2, section 4.8.4
struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};
static struct gate idt[256];

void trap_init(void)
{
	for (u32 i = 0; i < 256; i++) {
		u64 entry = (u64)trap_stubs[i];
		u8 ist = i == TRAP_NMI		  ? 1
			: i == TRAP_DOUBLE	  ? 2
			: i == TRAP_MACHINE_CHECK ? 3
						  : 0;

		idt[i] = (struct gate){
			.offset_low = (u16)entry,
			.selector = SELECTOR_KERNEL_CODE,
			.ist = ist,
			// int3 only may be executed by users
			.type = i == TRAP_BREAKPOINT ? 0xee : 0x8e,
			.offset_middle = (u16)(entry >> 16),
			.offset_high = (u32)(entry >> 32),
		};
	}
}

void trap_load(void)
{
	struct table_pointer pointer = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

static void interrupt(u32 vector)
{
	if (vector == VECTOR_TIMER) {
		apic_end_interrupt();
		sched_timer();
	} else if (vector == VECTOR_IPI) {
		apic_end_interrupt();
		cpu_serve();
	} else if (vector >= VECTOR_DEVICE_FIRST &&
		   vector <= VECTOR_DEVICE_LAST) {
		apic_device_interrupt(vector);
		kernel_interrupt_device(vector);
	}
	// others are spurious: the interrupt controllers send nothing else
}

static u32 fault_kind(u64 vector)
{
	static const u8 kind[TRAPS] = {
		[TRAP_DIVIDE] = FAULT_ARITHMETIC,
		[TRAP_DEBUG] = FAULT_DEBUG,
		[TRAP_BREAKPOINT] = FAULT_BREAKPOINT,
		[TRAP_INVALID] = FAULT_INSTRUCTION,
		[TRAP_PROTECTION] = FAULT_INSTRUCTION,
		[TRAP_X87] = FAULT_ARITHMETIC,
		[TRAP_ALIGNMENT] = FAULT_ALIGNMENT,
		[TRAP_SIMD] = FAULT_ARITHMETIC,
	};

	return kind[vector] ? kind[vector] : FAULT_OTHER;
}

static void page_fault(struct thread *thread, u64 error)
{
	u32 code = (error & 1 ? FAULT_CODE_PRESENT : 0) |
		(error & 2 ? FAULT_CODE_WRITE : 0) |
		(error & 16 ? FAULT_CODE_EXEC : 0);
	u64 address = read_cr(2);

	if (error & 8)
		panic("page-table entry with reserved bits for %#lx", address);
	kernel_page_fault(thread, address, code);
}

// A trap of user code or of a guest; regs is where entry.S saved the registers.
[[noreturn, gnu::used]] void trap_user(u64 vector, u64 error,
				       struct arch_regs *regs)
{
	struct cpu *cpu = cpu_self();
	struct thread *thread = cpu->current;

	if (cpu->in_guest) {
		cpu->in_guest = 0;
		regs->fs_base = read_fs_base();
		regs->gs_base = read_user_gs_base();
	} else {
		thread->resume_syscall = false;
	}
	if (vector >= TRAPS)
		interrupt((u32)vector);
	else if (vector == TRAP_PAGE_FAULT)
		page_fault(thread, error);
	else if (vector != TRAP_NO_FPU || !fpu_take(thread))
		kernel_exception(thread, fault_kind(vector), vector, error,
				 regs->rip);
	kernel_leave();
}

// An interrupt of the idle loop.
[[noreturn, gnu::used]] void trap_idle(u64 vector)
{
	interrupt((u32)vector);
	kernel_leave();
}

[[noreturn, gnu::always_inline]] inline void arch_leave(struct thread *thread)
{
	if (thread->running_guest)
		arch_guest_continue(thread);
	if (thread->resume_syscall)
		leave_sysret(&thread->regs);
	leave_iret(&thread->regs);
}

// As pushed by trap_fatal.
struct fatal_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

static const struct fatal_frame *fatal;

[[noreturn, gnu::used]] void trap_fatal_c(const struct fatal_frame *f)
{
	if (f->vector == TRAP_NMI && machine_stopping)
		arch_panic_stop();
	fatal = f;
	if (f->vector == TRAP_NMI)
		panic("non-maskable interrupt at %#lx", f->rip);
	if (f->vector == TRAP_MACHINE_CHECK)
		panic("machine check at %#lx", f->rip);
	panic("exception %lu in the kernel at %#lx, address %#lx", f->vector,
	      f->rip, read_cr(2));
}

void arch_panic_report(void)
{
	const struct fatal_frame *f = fatal;

	if (f)
		console_print("trap %lu code %#lx rip %#lx cs %#lx flags %#lx\n"
			      "rsp %#lx rbp %#lx cr2 %#lx cr3 %#lx\n"
			      "rax %#lx rbx %#lx rcx %#lx rdx %#lx\n"
			      "rsi %#lx rdi %#lx r8 %#lx r9 %#lx\n"
			      "r10 %#lx r11 %#lx r12 %#lx r13 %#lx\n"
			      "r14 %#lx r15 %#lx\n",
			      f->vector, f->error, f->rip, f->cs, f->rflags,
			      f->rsp, f->rbp, read_cr(2), read_cr(3), f->rax,
			      f->rbx, f->rcx, f->rdx, f->rsi, f->rdi, f->r8,
			      f->r9, f->r10, f->r11, f->r12, f->r13, f->r14,
			      f->r15);
}
