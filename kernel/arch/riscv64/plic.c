// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The platform-level interrupt controller (RISC-V PLIC specification 1.0.0). A line
// is enabled for one CPU only. Between its claim and its completion a line cannot
// interrupt again, so a masked line is one whose completion waits: the driver's
// irq_ack completes it. Lines never bound have priority 0.
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/panic.h"

#define LINES 1024
#define ENABLE(context) (0x2000 + (context) * 0x80ul)
#define CONTEXT(context) (0x200000 + (context) * 0x1000ul)

static volatile u32 *plic; // NULL: there is none
static const struct boot_info *facts;
static struct lock plic_lock; // enable bits
static struct {
	u8 used, level;
	u8 held; // [a] claimed, and not completed
	u8 cpu;
} lines[LINES];

static volatile u32 *reg(u64 offset)
{
	return plic + offset / 4;
}

static u32 context_of(u32 cpu)
{
	return facts->cpu[cpu].plic_context;
}

void plic_init(const struct boot_info *info)
{
	facts = info;
	lock_init(&plic_lock, LOCK_IRQ);
	if (facts->plic.size < CONTEXT(1))
		return;
	frame_keep_device(facts->plic.address, facts->plic.size);
	plic = space_map_device(facts->plic.address, facts->plic.size);
	for (u32 i = 1; i <= facts->plic.nsources; i++)
		*reg(i * 4) = 0;
}

void plic_init_cpu(void)
{
	u32 context =
		plic ? context_of(cpu_self()->number) : BOOT_NO_CONTEXT;

	if (context == BOOT_NO_CONTEXT)
		return;
	for (u32 i = 0; i <= facts->plic.nsources / 32; i++)
		*reg(ENABLE(context) + i * 4) = 0;
	*reg(CONTEXT(context)) = 0; // all priorities above 0
}

static void complete(u32 line)
{
	if (__atomic_exchange_n(&lines[line].held, 0, __ATOMIC_ACQ_REL))
		*reg(CONTEXT(context_of(lines[line].cpu)) + 4) = line;
}

static void enable_locked(u32 line, bool on)
{
	volatile u32 *word =
		reg(ENABLE(context_of(lines[line].cpu)) + line / 32 * 4);

	*word = on ? *word | 1u << line % 32 : *word & ~(1u << line % 32);
}

void plic_external(void)
{
	u32 context = context_of(cpu_self()->number);
	u32 line = *reg(CONTEXT(context) + 4);

	if (line == 0 || line >= LINES)
		return;
	__atomic_store_n(&lines[line].held, 1, __ATOMIC_RELEASE);
	kernel_interrupt_device(line);
	if (!lines[line].level)
		complete(line);
}

bool plic_claim(u32 line, u32 flags, u32 cpu)
{
	if (!plic || line == 0 || line > facts->plic.nsources)
		return false;
	// A CPU whose interrupts the PLIC cannot reach leaves them to the first.
	if (context_of(cpu) == BOOT_NO_CONTEXT)
		cpu = 0;
	if (context_of(cpu) == BOOT_NO_CONTEXT ||
	    __atomic_exchange_n(&lines[line].used, 1, __ATOMIC_ACQ_REL))
		return false;
	lines[line].level = flags & IRQ_LEVEL;
	lines[line].cpu = (u8)cpu;
	*reg(line * 4) = 0;
	lock_take(&plic_lock);
	enable_locked(line, true);
	lock_drop(&plic_lock);
	return true;
}

void plic_release(u32 line)
{
	lock_take(&plic_lock);
	*reg(line * 4) = 0;
	complete(line);
	enable_locked(line, false);
	lock_drop(&plic_lock);
	__atomic_store_n(&lines[line].used, 0, __ATOMIC_RELEASE);
}

void plic_mask(u32 line, bool masked)
{
	if (masked)
		return; // by not being completed
	lock_take(&plic_lock);
	*reg(line * 4) = 1;
	complete(line);
	lock_drop(&plic_lock);
}

// A line whose completion waits is completed, and masked by its priority instead.
void plic_take(u64 cpus_left)
{
	u32 self = cpu_self()->number;

	if (!plic || context_of(self) == BOOT_NO_CONTEXT)
		return;
	lock_take(&plic_lock);
	for (u32 i = 1; i <= facts->plic.nsources; i++) {
		if (!lines[i].used || lines[i].cpu == self ||
		    !(cpus_left >> lines[i].cpu & 1))
			continue;
		if (lines[i].held)
			*reg(i * 4) = 0;
		complete(i);
		enable_locked(i, false);
		lines[i].cpu = (u8)self;
		enable_locked(i, true);
	}
	lock_drop(&plic_lock);
}
