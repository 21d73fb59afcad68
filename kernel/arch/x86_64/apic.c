// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Local APICs (memory-mapped or x2APIC), I/O APICs, vectors. AMD64 manual volume
// 2, chapter 16; Intel 82093AA data sheet.
//
// A vector belongs to one device interrupt on all CPUs. Level-triggered lines
// are masked when they arrive and unmasked by arch_irq_mask(); edges and
// messages are only acknowledged.
#include "kernel/arch/x86_64/x86.h"
#include "kernel/lock.h"
#include "kernel/mm/frame.h"
#include "lib/base/bits.h"

// ---- local APIC
#define APIC_ID 0x20
#define APIC_TASK_PRIORITY 0x80
#define APIC_END 0xb0
#define APIC_LOGICAL 0xd0
#define APIC_SPURIOUS 0xf0
#define APIC_REQUESTS 0x200 // eight words, 16 bytes apart
#define APIC_COMMAND 0x300
#define APIC_COMMAND_HIGH 0x310
#define APIC_TIMER 0x320
#define APIC_THERMAL 0x330
#define APIC_PERFORMANCE 0x340
#define APIC_LINT0 0x350
#define APIC_LINT1 0x360
#define APIC_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define MSR_APIC_BASE 0x1b
#define MSR_X2APIC 0x800

#define LVT_MASKED BIT(16)
#define LVT_NMI 0x400
#define LVT_TSC_DEADLINE BIT(18)
#define COMMAND_PENDING BIT(12)
#define COMMAND_NMI 0x4400
#define COMMAND_INIT 0x4500
#define COMMAND_START 0x4600
#define COMMAND_FIXED 0x4000

static volatile u8 *registers; // NULL with x2APIC

static u32 apic_read(u32 offset)
{
	if (cpu_features.x2apic)
		return (u32)read_msr(MSR_X2APIC + (offset >> 4));
	return *(volatile u32 *)(registers + offset);
}

static void apic_write(u32 offset, u32 value)
{
	if (cpu_features.x2apic)
		write_msr(MSR_X2APIC + (offset >> 4), value);
	else
		*(volatile u32 *)(registers + offset) = value;
}

static void apic_command(u32 destination, u32 command)
{
	if (cpu_features.x2apic) {
		// Unlike a store to the page this orders nothing by itself.
		__asm__ volatile("mfence; lfence" : : : "memory");
		write_msr(MSR_X2APIC + (APIC_COMMAND >> 4),
			  (u64)destination << 32 | command);
		return;
	}
	apic_write(APIC_COMMAND_HIGH, destination << 24);
	apic_write(APIC_COMMAND, command);
	while (apic_read(APIC_COMMAND) & COMMAND_PENDING)
		arch_relax();
}

u32 apic_id(void)
{
	u32 id = apic_read(APIC_ID);

	return cpu_features.x2apic ? id : id >> 24;
}

void apic_init_cpu(void)
{
	u64 base = read_msr(MSR_APIC_BASE) | BIT(11);

	write_msr(MSR_APIC_BASE, base);
	if (cpu_features.x2apic)
		write_msr(MSR_APIC_BASE, base | BIT(10));
	apic_write(APIC_TASK_PRIORITY, 0);
	apic_write(APIC_THERMAL, LVT_MASKED);
	apic_write(APIC_PERFORMANCE, LVT_MASKED);
	apic_write(APIC_LINT0, LVT_MASKED);
	apic_write(APIC_LINT1, LVT_NMI);
	apic_write(APIC_ERROR, LVT_MASKED);
	apic_write(APIC_TIMER_DIVIDE, 3); // by 16
	apic_write(APIC_TIMER,
		   VECTOR_TIMER |
			   (cpu_features.tsc_deadline ? LVT_TSC_DEADLINE : 0));
	apic_write(APIC_SPURIOUS, VECTOR_SPURIOUS | BIT(8));
}

void apic_end_interrupt(void)
{
	apic_write(APIC_END, 0);
}

void apic_timer_start(u32 count)
{
	apic_write(APIC_TIMER_INITIAL, count);
}

u32 apic_timer_count(void)
{
	return apic_read(APIC_TIMER_CURRENT);
}

// MultiProcessor specification 1.4, B.4; the 10 ms that it leaves between the
// first two are for CPUs much older than what cpu_check_features() asks for.
void apic_start_cpu(u32 id)
{
	apic_command(id, COMMAND_INIT);
	for (u32 i = 0; i < 2; i++) {
		clock_delay_us(200);
		apic_command(id, COMMAND_START | TRAMPOLINE >> 12);
	}
}

void apic_stop_others(void)
{
	for (u32 i = 0; i < cpu_count; i++)
		if (cpus_online >> i & 1 && cpus[i] != cpu_self())
			apic_command(cpus[i]->hardware_id, COMMAND_NMI);
}

void arch_ipi(u32 cpu)
{
	apic_command(cpus[cpu]->hardware_id, COMMAND_FIXED | VECTOR_IPI);
}

// ---- whose device interrupts
// They go to logical destinations, a bit for every eighth CPU, which another CPU
// can take over; no device has to know. Logical destinations of x2APICs are fixed:
// there all go to CPU 0, which stays.
void arch_irq_take(u64 cpus)
{
	if (!cpu_features.x2apic)
		apic_write(APIC_LOGICAL, (u32)cpus << 24);
}

static u32 logical(u32 bit)
{
	return cpu_features.x2apic ? 0 : bit;
}

static u32 destination_of(u32 cpu)
{
	return cpu_features.x2apic ? cpus[0]->hardware_id : 1u << cpu % 8;
}

bool arch_irq_pending(void)
{
	u32 pending = 0;

	for (u32 i = 1; i < 8; i++)
		pending |= apic_read(APIC_REQUESTS + 16 * i);
	return pending;
}

// ---- I/O APICs
#define IOAPIC_VERSION 1
#define IOAPIC_ENTRY 0x10
#define ENTRY_MASKED BIT(16)
#define ENTRY_LEVEL BIT(15)
#define ENTRY_LOW BIT(13)
#define ENTRY_LOGICAL BIT(11)
#define MSI_LOGICAL BIT(2)

static struct ioapic {
	volatile u32 *registers; // [0] selects what [4] shows
	u32 first_line, nlines;
} ioapics[8];
static u32 nioapics;

static struct lock irq_lock; // guards the select registers and the tables below

static struct vector {
	u32 line; // IRQ_MSI: a message
	bool used, level;
} vectors[256];
static u8 vector_of_line[ARCH_IRQ_LINES];

static u32 ioapic_read(const struct ioapic *ioapic, u32 index)
{
	ioapic->registers[0] = index;
	return ioapic->registers[4];
}

static void ioapic_write(const struct ioapic *ioapic, u32 index, u32 value)
{
	ioapic->registers[0] = index;
	ioapic->registers[4] = value;
}

// The I/O APIC of a line and the index of the line's entry in it, or NULL.
static const struct ioapic *ioapic_for(u32 line, u32 *entry)
{
	for (u32 i = 0; i < nioapics && line < ARCH_IRQ_LINES; i++)
		if (line >= ioapics[i].first_line &&
		    line - ioapics[i].first_line < ioapics[i].nlines) {
			*entry = IOAPIC_ENTRY +
				2 * (line - ioapics[i].first_line);
			return &ioapics[i];
		}
	return nullptr;
}

// The two old controllers are of no use: out of the way of the exceptions, and
// masked. 8259A data sheet, initialization command words.
static void disable_8259(void)
{
	static const u8 program[][2] = {
		{0x20, 0x11}, {0xa0, 0x11}, {0x21, 32}, {0xa1, 40},
		{0x21, 4},    {0xa1, 2},    {0x21, 1},	{0xa1, 1},
		{0x21, 0xff}, {0xa1, 0xff}};

	for (u32 i = 0; i < ARRAY_COUNT(program); i++)
		out8(program[i][0], program[i][1]);
}

void apic_init(const struct boot_info *info)
{
	disable_8259();
	lock_init(&irq_lock, LOCK_IRQ);
	frame_keep_device(info->lapic, PAGE_BYTES);
	if (!cpu_features.x2apic)
		registers = space_map_device(info->lapic, PAGE_BYTES);
	for (u32 i = 0; i < info->nioapics; i++) {
		struct ioapic *ioapic = &ioapics[nioapics++];

		frame_keep_device(info->ioapic[i].address, PAGE_BYTES);
		ioapic->registers =
			space_map_device(info->ioapic[i].address, PAGE_BYTES);
		ioapic->first_line = info->ioapic[i].first_line;
		ioapic->nlines =
			(ioapic_read(ioapic, IOAPIC_VERSION) >> 16 & 0xff) + 1;
		for (u32 n = 0; n < ioapic->nlines; n++)
			ioapic_write(ioapic, IOAPIC_ENTRY + 2 * n,
				     ENTRY_MASKED);
	}
}

static u32 vector_alloc_locked(u32 line, bool level)
{
	for (u32 i = VECTOR_DEVICE_FIRST; i <= VECTOR_DEVICE_LAST; i++)
		if (!vectors[i].used) {
			vectors[i] = (struct vector){line, true, level};
			return i;
		}
	return 0;
}

static bool claim_line_locked(u32 line, u32 flags, u32 destination, u32 *vector)
{
	u32 entry;
	const struct ioapic *ioapic = ioapic_for(line, &entry);

	if (!ioapic || vector_of_line[line])
		return false;
	*vector = vector_alloc_locked(line, flags & IRQ_LEVEL);
	if (!*vector)
		return false;
	vector_of_line[line] = (u8)*vector;
	ioapic_write(ioapic, entry + 1, destination << 24);
	ioapic_write(ioapic, entry,
		     *vector | ENTRY_MASKED | logical(ENTRY_LOGICAL) |
			     (flags & IRQ_LEVEL ? ENTRY_LEVEL : 0) |
			     (flags & IRQ_ACTIVE_LOW ? ENTRY_LOW : 0));
	return true;
}

bool arch_irq_claim(u32 line, u32 flags, u32, u32 cpu, u32 *vector,
		    u64 *msi_address, u64 *msi_data)
{
	u32 destination = destination_of(cpu);
	bool done;

	*msi_address = *msi_data = 0;
	if (destination > 0xff)
		return false; // would need interrupt remapping
	lock_take(&irq_lock);
	if (line == IRQ_MSI) {
		*vector = vector_alloc_locked(line, false);
		*msi_address = 0xfee00000 | destination << 12 |
			logical(MSI_LOGICAL);
		*msi_data = *vector;
		done = *vector != 0;
	} else {
		done = claim_line_locked(line, flags, destination, vector);
	}
	lock_drop(&irq_lock);
	return done;
}

void arch_irq_mask(u32 line, bool masked)
{
	u32 entry, value;
	const struct ioapic *ioapic = ioapic_for(line, &entry);

	if (!ioapic)
		return;
	lock_take(&irq_lock);
	value = ioapic_read(ioapic, entry);
	value = masked ? value | ENTRY_MASKED : value & ~ENTRY_MASKED;
	ioapic_write(ioapic, entry, value);
	lock_drop(&irq_lock);
}

void arch_irq_release(u32 line, u32 vector)
{
	arch_irq_mask(line, true);
	lock_take(&irq_lock);
	if (line < ARCH_IRQ_LINES)
		vector_of_line[line] = 0;
	vectors[vector & 255].used = false;
	lock_drop(&irq_lock);
}

void apic_device_interrupt(u32 vector)
{
	if (vectors[vector].used && vectors[vector].level)
		arch_irq_mask(vectors[vector].line, true);
	apic_end_interrupt();
}
