// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The BIOS first stage's C, in long mode with the first 4 GiB where they are: asks
// the BIOS for the memory map, reads kernel, archive and command line from the
// disk it came from, checks and unpacks the kernel, starts it. What is wrong is
// said on the screen and on COM1, and the machine stops.
#include "boot/bios/bios.h"
#include "boot/compressed/compressed.h"
#include "boot/handoff/handoff.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define SECTOR 512
#define CARRY 1u
#define LIMIT 0x100000000ull // of what is mapped
#define LOW 0x100000
#define TRIES 3
#define COM1 0x3f8

static struct boot_handoff *const handoff = (void *)HANDOFF;
static u32 drive;
static u64 top = LIMIT; // memory from here on is given away

static void out8(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static u8 in8(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void say(const char *text)
{
	for (; *text; text++) {
		struct bios_registers r = {.eax = 0xe00 | (u8)*text, .ebx = 7};

		bios_call(&r, 0x10);
		out8(COM1, (u8)*text);
	}
}

[[noreturn]] static void fail(const char *text)
{
	say("kochab: ");
	say(text);
	say("\r\n");
	for (;;)
		__asm__ volatile("hlt");
}

// The A20 gate: the BIOS knows how, else the chipset's fast way.
static void open_a20(void)
{
	struct bios_registers r = {.eax = 0x2401};

	bios_call(&r, 0x15);
	out8(0x92, (in8(0x92) | 2) & 0xfe);
}

// INT 15h, E820h (ACPI 6.5, 15.1)
static void read_map(void)
{
	struct bios_registers r = {};
	const u8 *entry = (const u8 *)BUFFER - 32; // in reach of segment 0

	do {
		u32 type;

		r = (struct bios_registers){.eax = 0xe820,
					    .ebx = r.ebx,
					    .ecx = 20,
					    .edx = 0x534d4150,
					    .edi = BUFFER - 32};
		bios_call(&r, 0x15);
		if (r.flags & CARRY || r.eax != 0x534d4150)
			break;
		type = load_le32(entry + 16);
		handoff->range[handoff->nranges++] = (struct boot_range){
			load_le64(entry), load_le64(entry + 8),
			type == 1			 ? BOOT_RANGE_USABLE
				: type == 3 || type == 4 ? BOOT_RANGE_ACPI
							 : BOOT_RANGE_RESERVED};
	} while (r.ebx && handoff->nranges < BOOT_RANGES);
}

// Is all of this usable memory?
static bool usable(u64 start, u64 bytes)
{
	for (u32 i = 0; i < handoff->nranges; i++) {
		const struct boot_range *range = &handoff->range[i];

		if (range->kind == BOOT_RANGE_USABLE && range->start <= start &&
		    range_within(start - range->start, bytes, range->size))
			return true;
	}
	return false;
}

static bool read_sectors(u64 sector, u32 count)
{
	struct {
		u8 bytes, zero;
		u16 count, offset, segment;
		u64 sector;
	} packet = {16, 0, (u16)count, 0, BUFFER >> 4, sector};

	for (u32 i = 0; i < TRIES; i++) {
		struct bios_registers r = {
			.eax = 0x4200, .edx = drive, .esi = (u32)(u64)&packet};

		bios_call(&r, 0x13);
		if (!(r.flags & CARRY))
			return true;
	}
	return false;
}

static void read_file(const struct disk_file *file, u8 *to)
{
	for (u64 done = 0; done < file->bytes;) {
		u64 bytes = MIN(file->bytes - done, (u64)BUFFER_BYTES);

		if (!read_sectors(file->sector + done / SECTOR,
				  (u32)((bytes + SECTOR - 1) / SECTOR)))
			fail("the disk cannot be read");
		memcpy(to + done, (const void *)BUFFER, bytes);
		done += bytes;
	}
}

// A file as high in memory as it fits, below those before it
static u8 *load(const struct disk_file *file)
{
	u64 bytes = align_up(file->bytes, 4096), best = 0;

	for (u32 i = 0; i < handoff->nranges; i++) {
		const struct boot_range *range = &handoff->range[i];
		u64 end = MIN(range->start + range->size, top);

		if (range->kind == BOOT_RANGE_USABLE && range->start < end &&
		    bytes <= end - range->start)
			best = MAX(best, align_down(end - bytes, 4096));
	}
	if (!usable(best, bytes) || best < LOW)
		fail("too little memory");
	top = best;
	read_file(file, (u8 *)best);
	return (u8 *)best;
}

void bios_main(u32 disk)
{
	const struct disk_table *table = &disk_table;
	const struct compressed *kernel;

	drive = disk;
	memset(handoff, 0, sizeof *handoff);
	handoff->magic = HANDOFF_MAGIC;
	handoff->bytes = sizeof *handoff;
	handoff->way = BOOT_WAY_BIOS;
	open_a20();
	read_map();
	if (!table->kernel.bytes ||
	    table->command_line.bytes >= sizeof handoff->command_line)
		fail("there is no kernel on this disk");
	if (table->archive.bytes) {
		handoff->archive_start = (u64)load(&table->archive);
		handoff->archive_size = table->archive.bytes;
	}
	read_file(&table->command_line, (u8 *)handoff->command_line);
	kernel = (const void *)load(&table->kernel);
	if (!compressed_check(kernel, table->kernel.bytes))
		fail("the kernel on this disk is damaged; not started");
	if (kernel->address < LOW ||
	    kernel->address + kernel->memory_bytes > top ||
	    !usable(kernel->address, kernel->memory_bytes))
		fail("too little memory for the kernel");
	if (!compressed_unpack(kernel, (u8 *)kernel->address))
		fail("the kernel cannot be unpacked; not started");
	enter_kernel(HANDOFF, kernel->address + kernel->entry);
}
