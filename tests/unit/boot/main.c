// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// boot/: a good set of ACPI tables gives what it says; damaged ones, and random
// PVH start info, give neither a crash nor an access outside memory (the
// sanitizers watch: memory is one block of the exact size); the memory map comes
// out sorted, disjoint and right at every point; the battery clock in all its
// formats.
#include <stdio.h>
#include <stdlib.h>

#include "boot/acpi/acpi.h"
#include "boot/calendar.h"
#include "boot/cmos.h"
#include "boot/pvh/pvh.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                               \
		}                                                              \
	} while (0)

#define MEMORY_BYTES 0x110000
#define ROOT 0xe0010
#define TABLE(n) (0xf0000 + (n) * 0x1000)
enum { XSDT = 1, MADT, FADT, MCFG, HPET, DSDT };

static u8 *memory;
static struct boot_info info;
static u32 seed = 1;

static const u8 *view(void *, u64 physical, u64 length)
{
	if (length > MEMORY_BYTES || physical > MEMORY_BYTES - length)
		return nullptr;
	return memory + physical;
}

static const struct boot_memory all = { view, nullptr };

static u32 random_below(u32 limit)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % limit;
}

static void fix_sum(u64 at, u32 bytes, u32 sum_at)
{
	u8 sum = 0;

	memory[at + sum_at] = 0;
	for (u32 i = 0; i < bytes; i++)
		sum += memory[at + i];
	memory[at + sum_at] = (u8)-sum;
}

static void fix_table(u32 n)
{
	u32 bytes = load_le32(memory + TABLE(n) + 4);

	if (bytes > 9 && bytes <= 0x1000)
		fix_sum(TABLE(n), bytes, 9);
}

static u8 *table(u32 n, const char *signature, u32 bytes)
{
	u8 *t = memory + TABLE(n);

	memcpy(t, signature, 4);
	store_le32(t + 4, bytes);
	return t;
}

// Two CPUs of three entries, one I/O APIC, line 0 is 2, line 9 level and low.
static void make_tables(void)
{
	static const u8 madt[] = {
		0, 8, 0, 0, 1, 0, 0, 0, // CPU 0
		0, 8, 1, 1, 0, 0, 0, 0, // not enabled
		9, 16, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, // x2APIC 7
		1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,
		2, 10, 0, 0, 2, 0, 0, 0, 0, 0,
		2, 10, 0, 9, 9, 0, 0, 0, 15, 0,
	};
	static const u8 s5[] = { 8, '_', 'S', '5', '_', 0x12, 6, 4,
				 0x0a, 5, 0x0a, 5, 0, 0 };
	u8 *t;

	memset(memory + 0xe0000, 0, 0x30000);
	memcpy(memory + ROOT, "RSD PTR ", 8);
	memory[ROOT + 15] = 2;
	store_le32(memory + ROOT + 16, TABLE(0));
	store_le32(memory + ROOT + 20, 36);
	store_le64(memory + ROOT + 24, TABLE(XSDT));
	fix_sum(ROOT, 20, 8);
	fix_sum(ROOT, 36, 32);
	t = table(XSDT, "XSDT", 36 + 4 * 8);
	for (u32 i = 0; i < 4; i++)
		store_le64(t + 36 + 8 * i, TABLE(MADT + i));
	t = table(MADT, "APIC", 44 + sizeof(madt));
	store_le32(t + 36, 0xfee00000);
	memcpy(t + 44, madt, sizeof(madt));
	t = table(FADT, "FACP", 244);
	store_le32(t + 40, TABLE(DSDT));
	store_le32(t + 64, 0x604);
	store_le32(t + 112, 1u << 10);
	t[116] = 1;
	store_le64(t + 120, 0xcf9);
	t[128] = 6;
	t = table(MCFG, "MCFG", 60);
	store_le64(t + 44, 0xb0000000);
	t[55] = 255;
	t = table(HPET, "HPET", 56);
	store_le64(t + 44, 0xfed00000);
	t = table(DSDT, "DSDT", 100);
	memcpy(t + 50, s5, sizeof(s5));
	for (u32 i = XSDT; i <= DSDT; i++)
		fix_table(i);
}

static void test_good_tables(void)
{
	make_tables();
	memset(&info, 0, sizeof(info));
	info.acpi_rsdp = acpi_find_root(&all);
	CHECK(info.acpi_rsdp == ROOT);
	CHECK(acpi_parse(&all, &info));
	CHECK(info.warnings[0] == 0);
	CHECK(info.ncpus == 2 && info.cpu[0].hardware_id == 0 &&
	      info.cpu[1].hardware_id == 7);
	CHECK(info.nioapics == 1 && info.ioapic[0].address == 0xfec00000);
	CHECK(info.isa_irq[0].line == 2 && info.isa_irq[0].flags == 0);
	CHECK(info.isa_irq[9].line == 9 && info.isa_irq[9].flags == 3);
	CHECK(info.isa_irq[4].line == 4);
	CHECK(info.hpet == 0xfed00000 && info.ecam == 0xb0000000 &&
	      info.ecam_last_bus == 255);
	CHECK(info.pm1a_control == 0x604 && info.sleep_type_off == 5);
	CHECK(info.reset_register == 0xcf9 && info.reset_value == 6);
	memory[TABLE(HPET) + 44]++; // a bad checksum: said, and skipped
	memset(&info, 0, sizeof(info));
	info.acpi_rsdp = ROOT;
	CHECK(acpi_parse(&all, &info));
	CHECK(info.hpet == 0 && strstr(info.warnings, "HPET: bad checksum"));
}

static void test_damaged_tables(void)
{
	for (u32 round = 0; round < 60000; round++) {
		make_tables();
		for (u32 i = random_below(6); i; i--) {
			u32 n = random_below(7);

			memory[(n ? TABLE(n) : ROOT) + random_below(110)] =
				(u8)random_below(256);
		}
		if (random_below(4) == 0)
			store_le32(memory + TABLE(1 + random_below(6)) + 4,
				   random_below(1 << 20));
		for (u32 i = XSDT; i <= DSDT; i++)
			if (random_below(4))
				fix_table(i);
		memset(&info, 0, sizeof(info));
		info.acpi_rsdp = random_below(8) ? ROOT :
						   random_below(1 << 22);
		(void)acpi_parse(&all, &info);
		CHECK(strnlen(info.warnings, sizeof(info.warnings)) <
		      sizeof(info.warnings));
		CHECK(info.ncpus <= BOOT_CPUS && info.nioapics <= 8);
	}
}

static u32 kind_in(const struct boot_range *range, u32 n, u64 at)
{
	u32 kind = 0;

	for (u32 i = 0; i < n; i++)
		if (range[i].start <= at && at - range[i].start < range[i].size)
			kind = range[i].kind == BOOT_RANGE_RESERVED ||
					       kind == BOOT_RANGE_RESERVED ?
				       BOOT_RANGE_RESERVED :
				       MAX(kind, (u32)range[i].kind);
	return kind;
}

static void check_ranges(const struct boot_range *raw, u32 nraw)
{
	for (u32 i = 0; i < info.nranges; i++) {
		const struct boot_range *r = &info.range[i];

		CHECK(r->size != 0);
		CHECK(i == 0 || r[-1].start + r[-1].size <= r->start);
		CHECK(r->kind != BOOT_RANGE_USABLE ||
		      is_aligned(r->start | r->size, 4096));
	}
	for (u32 i = 0; i < 50; i++) {
		u64 at = random_below(300) * 0x400;
		u32 want = kind_in(raw, nraw, at);
		u32 got = kind_in(info.range, info.nranges, at);

		// The rest of a partly usable page may be left out.
		CHECK(got == want || (want == BOOT_RANGE_USABLE && got == 0));
	}
}

static void test_pvh(void)
{
	static struct boot_range raw[BOOT_RANGES];
	u8 *start = memory + 0x1000;
	u32 parsed = 0;

	memset(memory + MEMORY_BYTES - 3, 'a', 3); // no terminator
	memcpy(memory + 0x2000, "mode=test", 10);
	for (u32 round = 0; round < 20000; round++) {
		u32 nentries = random_below(40), nraw;

		memset(&info, 0, sizeof(info));
		memset(start, 0, 64);
		store_le32(start, 0x336ec578);
		store_le32(start + 4, random_below(5));
		store_le32(start + 12, random_below(2));
		store_le64(start + 16, random_below(4) ? 0x3000 : ~0ull - 5);
		store_le64(start + 24, random_below(2) ? 0x2000 :
							 MEMORY_BYTES - 3);
		store_le64(start + 40, random_below(9) ? 0x4000 :
							 MEMORY_BYTES - 50);
		store_le32(start + 48, nentries);
		for (u32 i = 0; i < nentries; i++) {
			u8 *entry = memory + 0x4000 + 24 * i;

			store_le64(entry, random_below(100) * 0x800);
			store_le64(entry + 8,
				   random_below(50) ? random_below(60) * 0x800 :
						      ~0ull - random_below(9));
			store_le32(entry + 16, random_below(6));
		}
		if (!pvh_parse(&all, random_below(30) ? 0x1000 : ~0ull, &info))
			continue;
		parsed++;
		nraw = info.nranges;
		memcpy(raw, info.range, sizeof(raw));
		boot_ranges_finish(&info);
		check_ranges(raw, nraw);
	}
	CHECK(parsed > 10000);
}

static u8 clock_registers[12];

static u8 clock_read(u8 index)
{
	return clock_registers[index];
}

static void set_clock(u8 s, u8 m, u8 h, u8 day, u8 month, u8 year, u8 format)
{
	const u8 values[12] = { s, 0, m, 0, h, 0, 0, day, month, year, 0,
				format };

	memcpy(clock_registers, values, 12);
}

static void test_clock(void)
{
	set_clock(0x56, 0x34, 0x12, 0x29, 0x02, 0x24, 2); // BCD, 24 hours
	CHECK(cmos_seconds(clock_read) == 1709210096);
	set_clock(56, 34, 12, 29, 2, 24, 6); // binary
	CHECK(cmos_seconds(clock_read) == 1709210096);
	set_clock(0, 0, 0x12, 1, 1, 0, 0); // 12 o'clock at night
	CHECK(cmos_seconds(clock_read) == 946684800);
	set_clock(0, 0, 0x81, 1, 1, 0, 0); // 1 in the afternoon
	CHECK(cmos_seconds(clock_read) == 946684800 + 13 * 3600);
	set_clock(0, 0, 0, 1, 13, 24, 6);
	CHECK(cmos_seconds(clock_read) == 0);
	CHECK(calendar_seconds(&(struct calendar_time){
		      59, 59, 23, 31, 12, 2099}) == 4102444799);
	CHECK(!calendar_seconds(
		&(struct calendar_time){0, 0, 0, 31, 12, 1999}));
}

int main(void)
{
	memory = malloc(MEMORY_BYTES);
	memset(memory, 0, MEMORY_BYTES);
	test_good_tables();
	test_damaged_tables();
	test_pvh();
	test_clock();
	free(memory);
	return 0;
}
