// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The fake machine for the whole kernel: steps, and what the kernel asks of an
// architecture.
#include "tests/fake_arch/own.h"
#include "tests/fake_arch/machine.h"
#include "tests/fake_arch/fake.h"
#include "abi/registers.h"
#include "abi/time_page.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/arch/arch.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "kernel/sched/sched.h"
#include "kernel/start/cpus.h"
#include <setjmp.h>

#define SPINNING 4000 // places that no step passes

// A step in progress: where it ends, and the one it interrupts.
struct run {
	jmp_buf end;
	struct run *outer;
	u32 cpu;
};

const struct fake_hooks *fake_hooks;
static struct run *running;
static jmp_buf impossible;
static u32 places, wanted_place;
static u32 passed, idle_rounds; // places, and looks for others in vain
static bool was_reached;
static u32 other_cpu;
static void (*other_entry)(void *data);
static void *other_data;

u32 fake_places(void)
{
	return places;
}

static void run_step(u32 cpu, void (*entry)(void *data), void *data)
{
	struct run run = {.outer = running, .cpu = cpu};
	u32 before = fake_cpu_number;

	running = &run;
	fake_cpu_number = cpu;
	if (!setjmp(run.end)) {
		entry(data);
		kernel_leave();
	}
	lock_check_none();
	running = run.outer;
	fake_cpu_number = before;
}

// A CPU that goes round and round in the kernel, as one does that has something to
// destroy which another still uses, passes places but never relaxes: let others go
// on, as long as it holds no lock.
static void look_for_spinning(void)
{
	if (++passed < SPINNING || cpu_self()->nheld)
		return;
	passed = 0;
	fake_relax();
}

void fake_place(void)
{
	if (fake_hooks)
		fake_hooks->place();
	if (!running)
		return;
	look_for_spinning();
	if (running->outer || ++places != wanted_place)
		return;
	was_reached = true;
	run_step(other_cpu, other_entry, other_data);
}

bool fake_run(u32 cpu, void (*entry)(void *data), void *data)
{
	bool reached;

	return fake_run_two(cpu, entry, data, 0, 0, nullptr, nullptr, &reached);
}

bool fake_run_two(u32 cpu, void (*entry)(void *data), void *data, u32 place,
		  u32 other, void (*entry_of_other)(void *data),
		  void *data_of_other, bool *reached)
{
	u32 before = fake_cpu_number;

	places = passed = idle_rounds = 0;
	wanted_place = place;
	other_cpu = other;
	other_entry = entry_of_other;
	other_data = data_of_other;
	was_reached = false;
	if (setjmp(impossible)) {
		running = nullptr;
		fake_cpu_number = before;
		*reached = was_reached;
		return false;
	}
	run_step(cpu, entry, data);
	*reached = was_reached;
	return true;
}

static bool is_inside(u32 cpu)
{
	for (struct run *run = running; run; run = run->outer)
		if (run->cpu == cpu)
			return true;
	return false;
}

// This CPU waits for another: let those that can go on, go on.
void fake_relax(void)
{
	if (fake_hooks) {
		fake_hooks->relax();
		return;
	}
	for (u32 i = 0; i < cpu_count; i++)
		if (!is_inside(i) && cpus[i]->arch.ipis) {
			run_step(i, fake_interrupt, nullptr);
			idle_rounds = 0;
			return;
		}
	if (running && running->outer) {
		idle_rounds = 0;
		longjmp(impossible, 1); // it waits for the one it interrupted
	}
	// The loops look at what they wait for before they relax again.
	if (++idle_rounds > 1000)
		panic("a CPU waits for ever");
}

// ---- entries

void fake_interrupt(void *)
{
	cpu_self()->arch.ipis = 0;
}

void fake_timer(void *)
{
	sched_timer();
}

void fake_syscall(void *data)
{
	struct thread *thread = data;

	kernel_syscall(thread, thread->regs.info);
}

void arch_leave(struct thread *thread)
{
	kassert(cpu_self()->current == thread);
	kassert(thread->state == THREAD_RUNNING);
	if (fake_hooks)
		fake_hooks->leave();
	longjmp(running->end, 1);
}

void arch_idle(void)
{
	if (fake_hooks)
		fake_hooks->leave();
	longjmp(running->end, 1);
}

// ---- the rest of an architecture

void arch_timer_at(u64)
{
}

void arch_switch(struct cpu *cpu, struct thread *, struct thread *to)
{
	if (fake_hooks) {
		fake_hooks->load_root(cpu, to);
		return;
	}
	fake_place();
	cpu->published = to ? to->aspace : nullptr;
	fake_place();
}

void fake_flush(u64 address)
{
	if (fake_hooks)
		fake_hooks->flush(address);
}

bool fake_flush_everywhere(void)
{
	return fake_hooks && fake_hooks->flush_everywhere();
}

void arch_thread_start(struct thread *thread, u64 pc, u64 sp, u64 argument, u64)
{
	thread->regs = (struct arch_regs){.pc = pc, .sp = sp, .cap = argument};
}

void arch_fpu_access(bool)
{
}
void arch_fpu_write(struct fpu_area *)
{
}
void arch_fpu_read(const struct fpu_area *)
{
}
void arch_fpu_init(struct fpu_area *)
{
}
void arch_root_init(struct paddr)
{
}
void arch_irq_release(u32, u32)
{
}
void arch_irq_mask(u32, bool)
{
}
void arch_guest_begin(struct thread *)
{
}
void arch_guest_end(struct thread *)
{
}

// There is one line: 1.
bool arch_irq_claim(u32 line, u32, u32, u32, u32 *vector, u64 *, u64 *)
{
	*vector = line;
	return line == 1;
}

void arch_fault_words(const struct thread *thread, u64 words[5])
{
	words[2] = thread->regs.pc;
	words[4] = thread->regs.sp;
}

void arch_set_fault_entry(struct thread *thread, u64 vector, u64)
{
	thread->regs.pc = vector;
}

void arch_registers_read(const struct thread *thread,
			 struct thread_registers *out)
{
	*out = (struct thread_registers){.rip = thread->regs.pc,
					 .rsp = thread->regs.sp};
}

bool arch_registers_write(struct thread *thread,
			  const struct thread_registers *in)
{
	thread->regs.pc = in->rip;
	thread->regs.sp = in->rsp;
	return arch_address_ok(in->rip);
}

void arch_identity(u64[4])
{
}

void arch_panic_stop(void)
{
	panic("stopped");
}

#define NEVER(call)                                                            \
	{                                                                      \
		panic("%s: not on this machine", #call);                       \
	}
void cpus_serve_changed(void) NEVER(CPU_ONLINE)
void cpu_leave_step(struct cpu *) NEVER(CPU_OFFLINE)
void arch_port_read(u16, u32, u32 *)
	NEVER(arch_port_read) void arch_port_write(u16, u32, u32)
		NEVER(arch_port_write) enum status
	sysk_system_control(struct thread *, struct cap_ref *, u32, u64)
		NEVER(system_control) enum status
	sysk_system_info(struct thread *, struct cap_ref *, u32, u64,
			 struct system_info_result *)
		NEVER(system_info) enum status
	sysk_system_log(struct thread *, struct cap_ref *, struct uaddr, u32)
		NEVER(system_log) enum status
	sysk_system_log_read(struct thread *, struct cap_ref *, struct uaddr,
			     u32, u64, struct system_log_read_result *)
		NEVER(system_log_read)
