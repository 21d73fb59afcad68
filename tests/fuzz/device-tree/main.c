// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Device trees from a hostile hand. Half of the inputs are trees as they are; the
// others are programs that make a well-formed tree of known nodes and properties
// with any contents, of which a few bytes may be changed at the end. Whatever it
// says: no access outside the tree (the sanitizers watch: it is of the exact size),
// and what comes out is within its bounds.
#include "abi/constants.h"
#include "boot/fdt/fdt_read.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include <libfdt.h>

// <stdlib.h> is the one that libfdt is given in the kernel.
void *malloc(usize bytes);
void free(void *at);
[[noreturn]] void abort(void);

#define BASE 0x40000000
#define TREE_MAX 8192
#define STRINGS_MAX 2048
#define DEPTH_MAX 40

static struct {
	u8 *at;
	u64 bytes;
} memory;

static const u8 *view(void *, u64 physical, u64 length)
{
	return physical >= BASE &&
			range_within(physical - BASE, length, memory.bytes)
		? memory.at + (physical - BASE)
		: nullptr;
}

static const char *const names[] = {
	"",	   "cpus",   "cpu@0",	 "cpu@1",	    "cpu-map",
	"socket0", "core0",  "thread1",	 "memory@0",	    "chosen",
	"soc",	   "pci@0",  "serial@0", "reserved-memory", "x@0",
	"intc",	   "plic@0", "cluster0", "timer",	    "psci",
};
static const char *const properties[] = {
	"reg",
	"#address-cells",
	"#size-cells",
	"#interrupt-cells",
	"device_type",
	"compatible",
	"status",
	"ranges",
	"phandle",
	"interrupt-parent",
	"interrupts",
	"interrupts-extended",
	"interrupt-map",
	"interrupt-map-mask",
	"bus-range",
	"bootargs",
	"stdout-path",
	"linux,initrd-start",
	"linux,initrd-end",
	"riscv,isa",
	"mmu-type",
	"timebase-frequency",
	"riscv,ndev",
	"riscv,num-ids",
	"riscv,guest-index-bits",
	"msi-parent",
	"riscv,num-sources",
	"#redistributor-regions",
	"method",
	"cpu",
	"reg-shift",
};
static const char *const texts[] = {
	"riscv,sv39",
	"cpu",
	"memory",
	"ns16550a",
	"arm,pl011",
	"pci-host-ecam-generic",
	"sifive,plic-1.0.0",
	"riscv,imsics",
	"riscv,aplic",
	"riscv,cpu-intc",
	"arm,gic-v3",
	"arm,gic-v3-its",
	"arm,armv8-timer",
	"arm,psci-1.0",
	"google,goldfish-rtc",
	"okay",
	"hvc",
	"/soc/serial@0:115200",
	"rv64imafdc_sstc_svpbmt",
	"mode=run",
};

// ---- the maker
struct maker {
	const u8 *in, *end;
	u8 tree[TREE_MAX];
	u32 at; // in tree
	char strings[STRINGS_MAX];
	u32 nstrings;
	u32 offset[ARRAY_COUNT(properties)]; // of a name, and 1
};

static u8 take(struct maker *maker)
{
	return maker->in < maker->end ? *maker->in++ : 0;
}

static void put32(struct maker *maker, u32 value)
{
	if (maker->at + 4 > TREE_MAX)
		return;
	for (u32 i = 0; i < 4; i++)
		maker->tree[maker->at++] = (u8)(value >> (24 - 8 * i));
}

static void put_bytes(struct maker *maker, const void *from, u32 bytes)
{
	u32 padded = (bytes + 3) & ~3u;

	if (maker->at + padded > TREE_MAX)
		return;
	memset(maker->tree + maker->at, 0, padded);
	memcpy(maker->tree + maker->at, from, bytes);
	maker->at += padded;
}

static u32 string_offset(struct maker *maker, u32 name)
{
	u32 bytes = (u32)strlen(properties[name]) + 1;

	if (!maker->offset[name]) {
		if (maker->nstrings + bytes > STRINGS_MAX)
			return 0;
		memcpy(maker->strings + maker->nstrings, properties[name],
		       bytes);
		maker->offset[name] = maker->nstrings + 1;
		maker->nstrings += bytes;
	}
	return maker->offset[name] - 1;
}

// Contents: a known text, or cells of which most are small
static void make_property(struct maker *maker)
{
	u32 name = take(maker) % ARRAY_COUNT(properties);
	u8 kind = take(maker), value[128];
	u32 bytes = 0, offset = string_offset(maker, name);

	if (maker->at + 16 + sizeof value > TREE_MAX - 512)
		return;
	if (kind & 1) {
		const char *text = texts[(kind >> 1) % ARRAY_COUNT(texts)];

		bytes = (u32)strlen(text) + 1;
		memcpy(value, text, bytes);
	} else {
		for (u32 n = kind >> 3 & 31; n; n--) {
			u8 cell = take(maker);

			value[bytes++] = cell & 128 ? take(maker) : 0;
			value[bytes++] = cell & 64 ? take(maker) : 0;
			value[bytes++] = cell & 32 ? take(maker) : 0;
			value[bytes++] = cell & 31;
		}
		bytes -= bytes ? kind >> 1 & 3 : 0;
	}
	put32(maker, FDT_PROP);
	put32(maker, bytes);
	put32(maker, offset);
	put_bytes(maker, value, bytes);
}

static void begin_node(struct maker *maker, const char *name)
{
	put32(maker, FDT_BEGIN_NODE);
	put_bytes(maker, name, (u32)strlen(name) + 1);
}

static u32 name_of(const char *property)
{
	u32 i = 0;

	while (!string_equal(properties[i], property))
		i++;
	return i;
}

static void put_property(struct maker *maker, const char *name,
			 const void *value, u32 bytes)
{
	put32(maker, FDT_PROP);
	put32(maker, bytes);
	put32(maker, string_offset(maker, name_of(name)));
	put_bytes(maker, value, bytes);
}

static void put_text(struct maker *maker, const char *name, const char *text)
{
	put_property(maker, name, text, (u32)strlen(text) + 1);
}

static void put_cells(struct maker *maker, const char *name, u32 a, u32 b,
		      u32 c, u32 d, u32 ncells)
{
	const u32 cells[] = {a, b, c, d};
	u8 value[16];

	for (u32 i = 0; i < 4; i++)
		store_le32(value + 4 * i, __builtin_bswap32(cells[i]));
	put_property(maker, name, value, ncells * 4);
}

// What every tree has, without which nothing else is looked at.
static void make_base(struct maker *maker)
{
	put_cells(maker, "#address-cells", 2, 0, 0, 0, 1);
	put_cells(maker, "#size-cells", 2, 0, 0, 0, 1);
	put_cells(maker, "interrupt-parent", 1, 0, 0, 0, 1);
	begin_node(maker, "cpus");
	put_cells(maker, "#address-cells", 1, 0, 0, 0, 1);
	put_cells(maker, "#size-cells", 0, 0, 0, 0, 1);
	for (u32 i = 0; i < 2; i++) {
		begin_node(maker, i ? "cpu@1" : "cpu@0");
		put_text(maker, "device_type", "cpu");
		put_cells(maker, "reg", i, 0, 0, 0, 1);
		put_cells(maker, "phandle", 2 + i, 0, 0, 0, 1);
		begin_node(maker, "intc");
		put_text(maker, "compatible", "riscv,cpu-intc");
		put_cells(maker, "phandle", 4 + i, 0, 0, 0, 1);
		put32(maker, FDT_END_NODE);
		put32(maker, FDT_END_NODE);
	}
	put32(maker, FDT_END_NODE);
	begin_node(maker, "memory@0");
	put_text(maker, "device_type", "memory");
	put_cells(maker, "reg", 0, BASE, 0, 0x8000000, 4);
	put32(maker, FDT_END_NODE);
	begin_node(maker, "intc");
	put_cells(maker, "phandle", 1, 0, 0, 0, 1);
	put_cells(maker, "#address-cells", 0, 0, 0, 0, 1);
	put_cells(maker, "#interrupt-cells", 1 + take(maker) % 3, 0, 0, 0, 1);
	put32(maker, FDT_END_NODE);
}

// A node that some driver would know, open for more
static void begin_device(struct maker *maker)
{
	begin_node(maker, "x@0");
	put_text(maker, "compatible", texts[take(maker) % ARRAY_COUNT(texts)]);
	put_cells(maker, "reg", 0, (u32)take(maker) << 24, 0,
		  (u32)take(maker) << 16, 4);
	put_cells(maker, "interrupts", 0, take(maker), 4, 0, 3);
	put_cells(maker, "interrupts-extended", 4, 9, 5, take(maker), 4);
}

static void make_nodes(struct maker *maker)
{
	u32 depth = 1;
	bool open = false; // properties may come: no child has yet

	begin_node(maker, "");
	make_base(maker);
	while (maker->in < maker->end && maker->at < TREE_MAX - 1024) {
		u8 what = take(maker);

		if (what < 140 && open) {
			make_property(maker);
		} else if (what < 180 && depth < DEPTH_MAX) {
			begin_device(maker);
			depth++;
			open = true;
		} else if (what < 210 && depth < DEPTH_MAX) {
			open = true;
			begin_node(
				maker,
				names[1 +
				      take(maker) % (ARRAY_COUNT(names) - 1)]);
			depth++;
		} else if (depth > 1) {
			put32(maker, FDT_END_NODE);
			depth--;
			open = false;
		}
	}
	while (depth--)
		put32(maker, FDT_END_NODE);
	put32(maker, FDT_END);
}

// Header, one reservation, structure, strings
static void make_tree(const u8 *data, usize bytes)
{
	static struct maker maker;
	u32 structure = sizeof(struct fdt_header) + 32, strings, total;
	u8 changes;

	memset(&maker, 0, sizeof maker);
	maker.in = data;
	maker.end = data + bytes;
	changes = take(&maker);
	maker.at = structure;
	make_nodes(&maker);
	strings = maker.at;
	total = strings + maker.nstrings;
	memory.at = malloc(total);
	memory.bytes = total;
	memcpy(memory.at, maker.tree, strings);
	memcpy(memory.at + strings, maker.strings, maker.nstrings);
	maker.at = 0;
	put32(&maker, FDT_MAGIC);
	put32(&maker, total);
	put32(&maker, structure);
	put32(&maker, strings);
	put32(&maker, sizeof(struct fdt_header));
	put32(&maker, 17);
	put32(&maker, 16);
	put32(&maker, 0);
	put32(&maker, maker.nstrings);
	put32(&maker, strings - structure);
	memcpy(memory.at, maker.tree, maker.at);
	if (changes & 1)
		memory.at[(changes >> 1) * 61u % total] ^= 0x11;
}

// ---- the judge
static void check(const struct boot_info *info, bool usable)
{
	u64 end = 0;

	if (strnlen(info->warnings, sizeof info->warnings) ==
		    sizeof info->warnings ||
	    strnlen(info->command_line, sizeof info->command_line) ==
		    sizeof info->command_line ||
	    info->ncpus > BOOT_CPUS || info->npci_windows > BOOT_PCI_WINDOWS ||
	    info->gic.nredistributors > BOOT_REDISTRIBUTORS ||
	    info->plic.nsources > 1023 || info->aplic.nsources > 1023 ||
	    info->ecam_first_bus > info->ecam_last_bus)
		abort();
	if (!usable)
		return;
	if (!info->ncpus || info->nranges > BOOT_RANGES)
		abort();
	for (u32 i = 0; i < info->nranges; i++) {
		if (info->range[i].start < end ||
		    !add_fits(info->range[i].start, info->range[i].size, &end))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, usize bytes)
{
	static struct boot_info info;
	const struct boot_memory seen = {view, nullptr};

	if (bytes < 8)
		return 0;
	if (data[0] & 1) {
		make_tree(data + 1, bytes - 1);
	} else {
		memory.bytes = bytes - 1;
		memory.at = malloc(memory.bytes);
		memcpy(memory.at, data + 1, memory.bytes);
	}
	memset(&info, 0, sizeof info);
	check(&info, fdt_read(&seen, BASE, &info));
	free(memory.at);
	return 0;
}
