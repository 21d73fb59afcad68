// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Device trees to boot_info: what a right tree says, and trees that are cut, lie, or
// have any byte changed.
#include "boot/fdt/fdt_read.h"
#include "tests/unit/fdt/tree_writer.h"

#include <stdio.h>

#define TREE_AT 0x1000

static struct tree_writer w;
static u64 visible;
static struct boot_info info;

static const u8 *view(void *, u64 physical, u64 length)
{
	if (physical < TREE_AT ||
	    !range_within(physical - TREE_AT, length, visible))
		return nullptr;
	return w.bytes + (physical - TREE_AT);
}

static bool read_tree(u64 bytes)
{
	const struct boot_memory memory = {view, nullptr};

	memset(&info, 0, sizeof(info));
	visible = bytes;
	return fdt_read(&memory, TREE_AT, &info);
}

static u32 failures;
#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			failures++;                                            \
		}                                                              \
	} while (0)

static const char *mmu_type; // of the last hart

static void cpu(u32 hart, bool enabled)
{
	tree_open(&w, "cpu");
	tree_text(&w, "device_type", "cpu");
	TREE_CELLS(&w, "reg", hart);
	TREE_CELLS(&w, "phandle", 0x10 + hart);
	tree_text(&w, "status", enabled ? "okay" : "disabled");
	tree_text(&w, "riscv,isa",
		  hart ? "rv64imac_svpbmt_sstc" : "rv64imac_sstc_zicsr");
	if (hart == 2 && mmu_type)
		tree_text(&w, "mmu-type", mmu_type);
	tree_open(&w, "interrupt-controller");
	tree_text(&w, "compatible", "riscv,cpu-intc");
	TREE_CELLS(&w, "phandle", 0x20 + hart);
	tree_close(&w);
	tree_close(&w);
}

static void write_cpus(void)
{
	tree_open(&w, "cpus");
	TREE_CELLS(&w, "#address-cells", 1);
	TREE_CELLS(&w, "#size-cells", 0);
	TREE_CELLS(&w, "timebase-frequency", 10000000);
	cpu(0, true);
	cpu(1, false);
	cpu(2, true);
	cpu(2, true); // twice: the second is ignored
	tree_open(&w, "cpu-map");
	tree_open(&w, "socket1");
	tree_open(&w, "cluster0");
	tree_open(&w, "core0");
	tree_open(&w, "thread0");
	TREE_CELLS(&w, "cpu", 0x10);
	tree_close(&w);
	tree_open(&w, "thread1");
	TREE_CELLS(&w, "cpu", 0x12);
	for (u32 i = 0; i < 6; i++)
		tree_close(&w);
}

static void write_soc(void)
{
	tree_open(&w, "soc");
	TREE_CELLS(&w, "#address-cells", 1);
	TREE_CELLS(&w, "#size-cells", 1);
	TREE_CELLS(&w, "ranges", 0, 1, 0, 0x80000000); // 4 GiB up
	tree_open(&w, "plic");
	tree_text(&w, "compatible", "sifive,plic-1.0.0");
	TREE_CELLS(&w, "phandle", 5);
	TREE_CELLS(&w, "#interrupt-cells", 1);
	TREE_CELLS(&w, "#address-cells", 0);
	TREE_CELLS(&w, "reg", 0xc000000, 0x600000);
	TREE_CELLS(&w, "riscv,ndev", 95);
	TREE_CELLS(&w, "interrupts-extended", 0x20, 11, 0x20, 9, 0x22,
		   0xffffffff, 0x22, 9);
	tree_close(&w);
	tree_open(&w, "serial");
	tree_text(&w, "compatible", "ns16550a");
	TREE_CELLS(&w, "reg", 0x10000000, 0x100);
	TREE_CELLS(&w, "reg-shift", 2);
	TREE_CELLS(&w, "interrupts", 10);
	TREE_CELLS(&w, "interrupt-parent", 5);
	tree_close(&w);
	tree_open(&w, "pci");
	tree_text(&w, "compatible", "pci-host-ecam-generic");
	TREE_CELLS(&w, "#address-cells", 3);
	TREE_CELLS(&w, "#size-cells", 2);
	TREE_CELLS(&w, "#interrupt-cells", 1);
	TREE_CELLS(&w, "reg", 0x30000000, 0x200000);
	TREE_CELLS(&w, "bus-range", 0, 255);
	TREE_CELLS(&w, "ranges", 0x2000000, 0, 0x40000000, 0x41000000, 0,
		   0x1000);
	TREE_CELLS(&w, "interrupt-map-mask", 0x1800, 0, 0, 7);
	TREE_CELLS(&w, "interrupt-map", 0, 0, 0, 1, 5, 32, 0x800, 0, 0, 1, 5,
		   33);
	tree_close(&w);
	tree_close(&w);
}

static void write_tree(bool with_memory)
{
	tree_begin(&w);
	tree_reserve(&w, 0x80000000, 0x80000);
	tree_open(&w, "");
	TREE_CELLS(&w, "#address-cells", 2);
	TREE_CELLS(&w, "#size-cells", 2);
	tree_open(&w, "chosen");
	tree_text(&w, "bootargs", "log=uart root=a");
	tree_text(&w, "stdout-path", "/soc/serial:115200");
	TREE_CELLS(&w, "linux,initrd-start", 0, 0x88000000);
	TREE_CELLS(&w, "linux,initrd-end", 0, 0x88001234);
	tree_close(&w);
	if (with_memory) {
		tree_open(&w, "memory");
		tree_text(&w, "device_type", "memory");
		TREE_CELLS(&w, "reg", 0, 0x80000000, 0, 0x10000000, 0xffffffff,
			   0xfffff000, 0, 0x2000); // the second wraps around
		tree_close(&w);
	}
	tree_open(&w, "reserved-memory");
	TREE_CELLS(&w, "#address-cells", 2);
	TREE_CELLS(&w, "#size-cells", 2);
	TREE_CELLS(&w, "ranges", 0); // not empty, but no whole row: unreachable
	tree_close(&w);
	write_cpus();
	write_soc();
	tree_end(&w);
}

static void test_right_tree(void)
{
	write_tree(true);
	CHECK(read_tree(TREE_BYTES));
	CHECK(info.ncpus == 2 && info.cpu[0].hardware_id == 0 &&
	      info.cpu[1].hardware_id == 2);
	CHECK(info.cpu[0].socket == 1 && info.cpu[0].thread == 0);
	CHECK(info.cpu[1].socket == 1 && info.cpu[1].thread == 1);
	CHECK(info.isa == (BOOT_ISA_SSTC | BOOT_ISA_SV48) &&
	      info.timebase_hz == 10000000);
	CHECK(info.nranges == 2 && info.range[0].kind == BOOT_RANGE_RESERVED &&
	      info.range[0].start == 0x80000000 &&
	      info.range[0].size == 0x80000);
	CHECK(info.range[1].kind == BOOT_RANGE_USABLE &&
	      info.range[1].start == 0x80080000 &&
	      info.range[1].size == 0xff80000);
	CHECK(info.archive_start == 0x88000000 && info.archive_size == 0x1234);
	CHECK(string_equal(info.command_line, "log=uart root=a"));
	CHECK(info.serial.kind == BOOT_SERIAL_16550 &&
	      info.serial.stride == 4 && info.serial.address == 0x110000000 &&
	      info.serial.line == 10);
	CHECK(info.plic.address == 0x10c000000 && info.plic.nsources == 95 &&
	      info.cpu[0].plic_context == 1 && info.cpu[1].plic_context == 3);
	CHECK(info.ecam == 0x130000000 && info.ecam_last_bus == 1);
	CHECK(info.npci_windows == 1 &&
	      info.pci_window[0].address == 0x41000000 &&
	      info.pci_window[0].pci == 0x40000000 &&
	      info.pci_window[0].size == 0x1000 && !info.pci_window[0].wide);
	CHECK(info.pci_irq[0][0].line == 32 && info.pci_irq[1][0].line == 33 &&
	      info.pci_irq[5][0].line == 33 && info.pci_irq[2][0].line == 0);
}

// One hart without Sv48 is enough; what is unknown, or not said, is tried.
static void test_mmu_types(void)
{
	static const struct {
		const char *type;
		u32 isa;
	} known[] = {{"riscv,sv39", BOOT_ISA_SSTC},
		     {"riscv,sv48", BOOT_ISA_SSTC | BOOT_ISA_SV48},
		     {"riscv,sv57", BOOT_ISA_SSTC | BOOT_ISA_SV48},
		     {"riscv,sv391", BOOT_ISA_SSTC | BOOT_ISA_SV48},
		     {"", BOOT_ISA_SSTC | BOOT_ISA_SV48}};

	for (u32 i = 0; i < ARRAY_COUNT(known); i++) {
		mmu_type = known[i].type;
		write_tree(true);
		CHECK(read_tree(TREE_BYTES) && info.isa == known[i].isa);
	}
	mmu_type = nullptr;
}

static void test_nothing_there(void)
{
	write_tree(false);
	CHECK(!read_tree(TREE_BYTES) && strstr(info.warnings, "no memory"));
	write_tree(true);
	w.bytes[0] ^= 1;
	CHECK(!read_tree(TREE_BYTES) && info.warnings[0]);
	tree_begin(&w);
	tree_open(&w, "");
	tree_end(&w);
	CHECK(!read_tree(TREE_BYTES) && strstr(info.warnings, "no CPUs"));
}

// Bytes that cannot be seen, and a total size that lies.
static void test_cut(void)
{
	write_tree(true);
	for (u64 bytes = 0; bytes < TREE_STRINGS + w.strings; bytes += 3)
		CHECK(!read_tree(bytes) && info.warnings[0]);
	for (u32 total = 0; total < TREE_STRINGS + w.strings; total += 97) {
		tree_be32(w.bytes + 4, total);
		CHECK(!read_tree(TREE_BYTES) && info.warnings[0]);
	}
}

// No byte that is changed leads outside what can be seen (the sanitizer watches),
// nor to what the kernel cannot bear.
static void test_changed(void)
{
	static const u8 change[] = {0x01, 0x80, 0xff, 0x7f};

	for (u32 at = 0; at < w.at; at++)
		for (u32 i = 0; i < sizeof(change); i++) {
			write_tree(true);
			w.bytes[at] ^= change[i];
			if (!read_tree(TREE_BYTES))
				continue;
			CHECK(info.ncpus && info.ncpus <= BOOT_CPUS &&
			      info.nranges && info.nranges <= BOOT_RANGES);
			for (u32 k = 1; k < info.nranges; k++)
				CHECK(info.range[k].start >=
				      info.range[k - 1].start +
					      info.range[k - 1].size);
		}
}

int main(void)
{
	test_right_tree();
	test_mmu_types();
	test_nothing_there();
	test_cut();
	write_tree(true);
	test_changed();
	if (failures)
		printf("%u failures\n", failures);
	return failures != 0;
}
