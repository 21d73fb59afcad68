// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Interrupts by message: the translation service (ITS) turns what a device writes
// into an interrupt of one CPU. It knows who writes: a device can bring in only
// the interrupts that were made for it. GIC Architecture Specification (ARM IHI
// 0069), chapter 5 and 12.12.
//
// Each of DEVICES devices may have EVENTS messages; their interrupts are numbered in
// that order from INTERRUPT_MESSAGE_FIRST on. The CPU that a message goes to is the
// one it was mapped for; there is a collection for each CPU.
#include "kernel/arch/aarch64/aarch64.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define GITS_CTLR 0x0
#define GITS_TYPER 0x8
#define GITS_CBASER 0x80
#define GITS_CWRITER 0x88
#define GITS_CREADR 0x90
#define GITS_BASER 0x100
#define GITS_TRANSLATER 0x10040
#define CTLR_ENABLED BIT(0)
#define TYPER_ADDRESSES BIT(19) // redistributors are named by their address
#define BASER_VALID BIT(63)
#define BASER_DEVICES 1
#define BASER_COLLECTIONS 4
// Inner shareable, write-back cacheable
#define BASER_MEMORY (7ull << 59 | 1ull << 10)

#define COMMAND_SYNC 0x05
#define COMMAND_MAPD 0x08
#define COMMAND_MAPC 0x09
#define COMMAND_MAPTI 0x0a
#define COMMAND_INV 0x0c
#define COMMAND_DISCARD 0x0f
#define QUEUE_BYTES 4096

#define GICR_CTLR 0x0
#define GICR_PROPBASER 0x70
#define GICR_PENDBASER 0x78
#define WAITING_ORDER 4 // what waits at a CPU: 64 KiB, for the alignment

#define DEVICES 32
#define EVENTS (MESSAGES / DEVICES)
#define EVENT_BITS 3
#define ENTRY_BYTES_MAX 16
#define TRANSLATION_BYTES 256 // of a device, aligned so
#define PROPERTY (0xa0 | 3) // priority, enabled

static volatile u8 *registers; // NULL: no messages
static u64 device_limit;
static u64 translater; // physical
static u32 queue_at;
// Its memory
alignas(PAGE_BYTES) static u8 queue[QUEUE_BYTES];
alignas(PAGE_BYTES) static u8 device_table[0x10000];
alignas(PAGE_BYTES) static u8 collection_table[PAGE_BYTES];
alignas(PAGE_BYTES) static u8 properties[0x2000]; // a byte of each message

static struct device {
	u32 id;
	u32 events; // that are mapped: bits
	bool known;
	u8 cpu[EVENTS];
} devices[DEVICES];
alignas(TRANSLATION_BYTES) static u8 translations[DEVICES][TRANSLATION_BYTES];

static_assert(EVENTS == 1 << EVENT_BITS &&
	      EVENTS * ENTRY_BYTES_MAX <= TRANSLATION_BYTES);

// Do one command, and wait for it.
static bool command(u64 a, u64 b, u64 c)
{
	u64 words[4] = {a, b, c, 0};

	memcpy(queue + queue_at, words, sizeof words);
	queue_at = (queue_at + sizeof words) % QUEUE_BYTES;
	barrier_data(ishst);
	reg64(registers, GITS_CWRITER) = queue_at;
	for (u32 tries = 0; tries < 1000000; tries++)
		if ((reg64(registers, GITS_CREADR) & ~1ull) == queue_at)
			return !(reg64(registers, GITS_CREADR) & 1);
	return false;
}

// How a command names a CPU's redistributor.
static u64 target_of(u32 cpu)
{
	const struct arch_cpu *arch = &cpus[cpu]->arch;

	if (reg64(registers, GITS_TYPER) & TYPER_ADDRESSES)
		return arch->redistributor_physical;
	return (reg64(arch->redistributor, 8) >> 8 & 0xffff) << 16;
}

static bool give_tables(void)
{
	for (u32 i = 0; i < 8; i++) {
		u64 base = reg64(registers, GITS_BASER + 8 * i), table;

		switch (base >> 56 & 7) {
		case BASER_DEVICES:
			device_limit = sizeof device_table /
				((base >> 48 & 31) + 1);
			table = image_physical(device_table) |
				(sizeof device_table / PAGE_BYTES - 1);
			break;
		case BASER_COLLECTIONS:
			table = image_physical(collection_table);
			break;
		default:
			continue;
		}
		reg64(registers, GITS_BASER + 8 * i) =
			table | BASER_VALID | BASER_MEMORY;
		if (reg64(registers, GITS_BASER + 8 * i) >> 8 & 3)
			return false; // wants larger pages
	}
	return (reg64(registers, GITS_TYPER) >> 4 & 15) < ENTRY_BYTES_MAX;
}

static void check(bool works)
{
	if (works)
		return;
	registers = nullptr;
	klog("its: cannot be used: no interrupts by message");
}

void its_init(const struct boot_gic *gic)
{
	if (!gic->its_size)
		return;
	translater = gic->its + GITS_TRANSLATER;
	frame_keep_device(gic->its, gic->its_size);
	registers = space_map_device(gic->its, 0x10000);
	reg32(registers, GITS_CTLR) = 0;
	reg64(registers, GITS_CBASER) =
		image_physical(queue) | BASER_VALID | BASER_MEMORY;
	reg64(registers, GITS_CWRITER) = 0;
	check(give_tables());
	if (registers)
		reg32(registers, GITS_CTLR) = CTLR_ENABLED;
}

// This CPU finds what messages are enabled, and notes those that wait.
static bool begin(struct arch_cpu *cpu)
{
	struct paddr waiting;

	if (frame_alloc(WAITING_ORDER, &waiting) != STATUS_OK)
		return false;
	memset(arch_direct(waiting), 0, (usize)PAGE_BYTES << WAITING_ORDER);
	// Inner shareable, write-back; 14 bits of interrupt numbers; PTZ: the
	// table of what waits is zero.
	reg64(cpu->redistributor, GICR_PROPBASER) =
		image_physical(properties) | 1ull << 10 | 7ull << 7 | 13;
	reg64(cpu->redistributor, GICR_PENDBASER) =
		waiting.value | 1ull << 62 | 1ull << 10 | 7ull << 7;
	reg32(cpu->redistributor, GICR_CTLR) |= 1;
	barrier_data(sy);
	cpu->takes_messages = true;
	return true;
}

void its_take(u64 cpus_left)
{
	struct cpu *self = cpu_self();
	bool works = true;

	if (!registers)
		return;
	if (!self->arch.takes_messages) // one that was off still does
		works = begin(&self->arch);
	lock_take(&irq_lock);
	for (; works && cpus_left; cpus_left &= cpus_left - 1)
		works = command(COMMAND_MAPC, 0,
				BASER_VALID | target_of(self->number) |
					lowest_bit(cpus_left));
	works = works && command(COMMAND_SYNC, 0, target_of(self->number));
	lock_drop(&irq_lock);
	check(works);
}

static struct device *device_of(u32 id)
{
	struct device *free = nullptr;

	for (u32 i = 0; i < DEVICES; i++) {
		if (devices[i].known && devices[i].id == id)
			return &devices[i];
		if (!devices[i].events && !free)
			free = &devices[i];
	}
	if (!free)
		return nullptr;
	if (free->known)
		(void)command(COMMAND_MAPD | (u64)free->id << 32, 0, 0);
	free->known = command(
		COMMAND_MAPD | (u64)id << 32, EVENT_BITS - 1,
		BASER_VALID |
			image_physical(translations[free - devices]));
	free->id = id;
	return free->known ? free : nullptr;
}

bool its_map(u32 id, u32 cpu, u32 *vector, u64 *address, u64 *data)
{
	struct device *device;
	u32 event, message;

	device = registers && id < device_limit ? device_of(id) : nullptr;
	if (!device || device->events == (1u << EVENTS) - 1)
		return false;
	event = lowest_bit(~(u64)device->events);
	message = (u32)(device - devices) * EVENTS + event;
	properties[message] = PROPERTY;
	barrier_data(ishst);
	if (!command(COMMAND_MAPTI | (u64)id << 32,
		     event | (u64)(INTERRUPT_MESSAGE_FIRST + message) << 32,
		     cpu) ||
	    !command(COMMAND_INV | (u64)id << 32, event, 0) ||
	    !command(COMMAND_SYNC, 0, target_of(cpu)))
		return false;
	device->events |= 1u << event;
	device->cpu[event] = (u8)cpu;
	*vector = VECTOR_MESSAGE_FIRST + message;
	*address = translater;
	*data = event;
	return true;
}

void its_unmap(u32 vector)
{
	u32 message = vector - VECTOR_MESSAGE_FIRST, event = message % EVENTS;
	struct device *device = &devices[message / EVENTS];

	(void)command(COMMAND_DISCARD | (u64)device->id << 32, event, 0);
	(void)command(COMMAND_SYNC, 0, target_of(device->cpu[event]));
	properties[message] = 0;
	device->events &= ~(1u << event);
}
