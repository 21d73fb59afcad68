// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The interrupt controller: GICv3 or later. GIC Architecture Specification (ARM
// IHI 0069), chapters 4, 12. All interrupts are of group 1, of one priority.
//
// Vectors: a line's is its number; a message's is VECTOR_MESSAGE_FIRST and up
// (its.c). Level-triggered lines are masked by the irq object when they arrive
// and unmasked by arch_irq_mask(); edges and messages are only acknowledged.
#include "kernel/arch/aarch64/aarch64.h"
#include "kernel/lock.h"
#include "kernel/mm/frame.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"

// ---- distributor
#define GICD_CTLR 0x0
#define GICD_TYPER 0x4
#define GICD_IGROUPR 0x80
#define GICD_ISENABLER 0x100
#define GICD_ICENABLER 0x180
#define GICD_ICPENDR 0x280
#define GICD_IPRIORITYR 0x400
#define GICD_ICFGR 0xc00
#define GICD_IROUTER 0x6000
#define CTLR_ENABLE (BIT(1) | BIT(4)) // group 1, affinity routing
#define CTLR_PENDING BIT(31)
#define PRIORITY 0xa0a0a0a0u

// ---- redistributor of one CPU
#define GICR_TYPER 0x8
#define GICR_WAKER 0x14
#define GICR_SGI 0x10000 // frame of the CPU's own interrupts, laid out as GICD
#define WAKER_SLEEP BIT(1)
#define WAKER_ASLEEP BIT(2)
#define TYPER_LAST BIT(4)
#define TYPER_VIRTUAL BIT(1) // two frames more

// ---- CPU interface: system registers
#define ICC_SRE_EL1 S3_0_C12_C12_5
#define ICC_CTLR_EL1 S3_0_C12_C12_4
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define ICC_BPR1_EL1 S3_0_C12_C12_3
#define ICC_PMR_EL1 S3_0_C4_C6_0
#define ICC_IAR1_EL1 S3_0_C12_C12_0
#define ICC_EOIR1_EL1 S3_0_C12_C12_1
#define ICC_SGI1R_EL1 S3_0_C12_C11_5

#define WAIT_TRIES 1000000

static volatile u8 *distributor;
static const struct boot_gic *gic;
static volatile u8 *redistributors[BOOT_REDISTRIBUTORS]; // groups of them

struct lock irq_lock; // guards the tables below, and what its.c has
static u8 line_cpu[INTERRUPT_LINE_END]; // that it goes to, plus 1; 0: not used
static u32 nlines;

static void wait_clear(volatile u8 *at, u32 offset, u64 bits)
{
	for (u32 tries = 0; tries < WAIT_TRIES; tries++)
		if (!(reg32(at, offset) & bits))
			return;
	panic("the interrupt controller does not answer");
}

// Registers with a bit for each interrupt.
static void write_bit(volatile u8 *at, u32 offset, u32 interrupt)
{
	reg32(at, offset + interrupt / 32 * 4) = 1u << interrupt % 32;
}

// All off, of group 1, of one priority.
static void init_interrupts(volatile u8 *at, u32 first, u32 end)
{
	for (u32 i = first; i < end; i += 32) {
		reg32(at, GICD_ICENABLER + i / 8) = ~0u;
		reg32(at, GICD_IGROUPR + i / 8) = ~0u;
	}
	for (u32 i = first; i < end; i += 4)
		reg32(at, GICD_IPRIORITYR + i) = PRIORITY;
}

void gic_init(const struct boot_info *info)
{
	lock_init(&irq_lock, LOCK_IRQ);
	if (info->gic.version < 3 || !info->gic.nredistributors)
		panic("no GICv3 found: Kochab needs one");
	frame_keep_device(info->gic.distributor, 0x10000);
	distributor = space_map_device(info->gic.distributor, 0x10000);
	gic = &info->gic;
	for (u32 i = 0; i < gic->nredistributors; i++) {
		u64 address = gic->redistributor[i].address;

		frame_keep_device(address, gic->redistributor[i].size);
		redistributors[i] = space_map_device(
			address, gic->redistributor[i].size);
	}
	reg32(distributor, GICD_CTLR) = 0;
	wait_clear(distributor, GICD_CTLR, CTLR_PENDING);
	nlines = 32 * ((reg32(distributor, GICD_TYPER) & 31) + 1);
	nlines = MIN(nlines, INTERRUPT_LINE_END);
	init_interrupts(distributor, INTERRUPT_LINE_FIRST, nlines);
	wait_clear(distributor, GICD_CTLR, CTLR_PENDING);
	reg32(distributor, GICD_CTLR) = CTLR_ENABLE;
	wait_clear(distributor, GICD_CTLR, CTLR_PENDING);
	its_init(gic);
}

// This CPU's redistributor is the one with its affinity.
static void find_redistributor(struct arch_cpu *cpu)
{
	u32 affinity = cpu_self()->hardware_id;

	for (u32 i = 0; i < gic->nredistributors; i++) {
		u64 at = 0;

		while (at + 0x20000 <= gic->redistributor[i].size) {
			u64 type = reg64(redistributors[i] + at, GICR_TYPER);

			if (type >> 32 == affinity) {
				cpu->redistributor = redistributors[i] + at;
				cpu->redistributor_physical =
					gic->redistributor[i].address + at;
				return;
			}
			at += type & TYPER_VIRTUAL ? 0x40000 : 0x20000;
			if (type & TYPER_LAST)
				break;
		}
	}
	panic("no redistributor for the CPU with affinity %x", affinity);
}

void gic_init_cpu(void)
{
	struct arch_cpu *cpu = &cpu_self()->arch;
	volatile u8 *own;

	find_redistributor(cpu);
	reg32(cpu->redistributor, GICR_WAKER) &= ~(u32)WAKER_SLEEP;
	wait_clear(cpu->redistributor, GICR_WAKER, WAKER_ASLEEP);
	own = cpu->redistributor + GICR_SGI;
	init_interrupts(own, 0, INTERRUPT_LINE_FIRST);
	write_bit(own, GICD_ISENABLER, INTERRUPT_IPI);
	write_bit(own, GICD_ISENABLER, TIMER_INTERRUPT);
	write_system(ICC_SRE_EL1, 1);
	barrier_instructions();
	write_system(ICC_PMR_EL1, 0xff);
	write_system(ICC_BPR1_EL1, 0);
	write_system(ICC_CTLR_EL1, 0); // one write ends an interrupt
	write_system(ICC_IGRPEN1_EL1, 1);
	barrier_instructions();
}

u32 gic_accept(void)
{
	u32 interrupt = (u32)read_system(ICC_IAR1_EL1) & 0xffffff;

	barrier_data(sy);
	if (interrupt < INTERRUPT_LINE_END ||
	    interrupt >= INTERRUPT_MESSAGE_FIRST)
		write_system(ICC_EOIR1_EL1, interrupt);
	barrier_instructions();
	return interrupt;
}

void arch_ipi(u32 cpu)
{
	u64 id = cpus[cpu]->hardware_id;
	u64 target = 1ull << (id & 15) | (id >> 8 & 0xff) << 16 |
		(id >> 16 & 0xff) << 32 | (id >> 4 & 15) << 44 |
		(id >> 24) << 48;

	barrier_data(ishst); // what it is to find was written before
	write_system(ICC_SGI1R_EL1, target | (u64)INTERRUPT_IPI << 24);
	barrier_instructions();
}

// ---- what irq objects ask for
static bool is_line(u32 line)
{
	return line >= INTERRUPT_LINE_FIRST && line < nlines;
}

void arch_irq_mask(u32 line, bool masked)
{
	if (!is_line(line))
		return;
	write_bit(distributor, masked ? GICD_ICENABLER : GICD_ISENABLER, line);
}

static bool claim_line_locked(u32 line, u32 flags, u32 cpu)
{
	u32 shift = line % 16 * 2, value;

	if (!is_line(line) || line_cpu[line])
		return false;
	line_cpu[line] = (u8)(cpu + 1);
	arch_irq_mask(line, true);
	wait_clear(distributor, GICD_CTLR, CTLR_PENDING);
	value = reg32(distributor, GICD_ICFGR + line / 16 * 4);
	value &= ~(3u << shift);
	if (!(flags & IRQ_LEVEL))
		value |= 2u << shift;
	reg32(distributor, GICD_ICFGR + line / 16 * 4) = value;
	reg64(distributor, GICD_IROUTER + line * 8) =
		mpidr_of(cpus[cpu]->hardware_id);
	write_bit(distributor, GICD_ICPENDR, line);
	return true;
}

bool arch_irq_claim(u32 line, u32 flags, u32 device, u32 cpu, u32 *vector,
		    u64 *msi_address, u64 *msi_data)
{
	bool done;

	*msi_address = *msi_data = 0;
	*vector = line;
	lock_take(&irq_lock);
	if (line == IRQ_MSI)
		done = its_map(device, cpu, vector, msi_address, msi_data);
	else
		done = claim_line_locked(line, flags, cpu);
	lock_drop(&irq_lock);
	return done;
}

void arch_irq_release(u32 line, u32 vector)
{
	lock_take(&irq_lock);
	if (is_line(line)) {
		arch_irq_mask(line, true);
		line_cpu[line] = 0;
	} else if (vector >= VECTOR_MESSAGE_FIRST) {
		its_unmap(vector);
	}
	lock_drop(&irq_lock);
}

// Only where it goes changes: what waits goes along.
void arch_irq_take(u64 cpus_left)
{
	struct cpu *self = cpu_self();

	lock_take(&irq_lock);
	for (u32 i = INTERRUPT_LINE_FIRST; i < nlines; i++)
		if (line_cpu[i] && cpus_left >> (line_cpu[i] - 1) & 1) {
			line_cpu[i] = (u8)(self->number + 1);
			reg64(distributor, GICD_IROUTER + i * 8) =
				mpidr_of(self->hardware_id);
		}
	lock_drop(&irq_lock);
	its_take(cpus_left);
}

bool arch_irq_pending(void)
{
	return read_system(isr_el1) & BIT(7);
}
