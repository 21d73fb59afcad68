// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See fdt_read.h. Two passes over the nodes: CPUs first, because interrupt
// controllers refer to them. Bindings are those of Linux's
// Documentation/devicetree/bindings, named where they are used.
#include "boot/fdt/fdt_read.h"
#include "abi/constants.h"
#include "boot/fdt/node.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/string.h"

#define TREE_MAX_BYTES (2u << 20)
#define NODES_MAX 4096
#define DEPTH_MAX 16
#define SUPERVISOR_EXTERNAL 9 // interrupt of a RISC-V CPU
#define NAMES(...) ((const char *const[]){__VA_ARGS__, nullptr})

static struct {
	const void *tree;
	struct boot_info *info;
	u32 cpu_handle[BOOT_CPUS]; // phandle of the CPU's node
	u32 intc_handle[BOOT_CPUS]; // phandle of a RISC-V CPU's controller
	u32 isa_seen;
	bool has_map; // from elsewhere
} read;

static void warn(const char *what, int node)
{
	char text[96];
	const char *name = fdt_get_name(read.tree, node, nullptr);

	format_text(text, sizeof text, "device tree: %.40s: %s",
		    name ? name : "?", what);
	boot_warn(read.info, text);
}

// ---- memory
static void read_ranges(int node, enum boot_range_kind kind)
{
	u64 address, size;

	for (u32 i = 0; node_reg(read.tree, node, i, &address, &size); i++)
		if (!boot_range_add(read.info, address, size, kind))
			break;
}

static void read_reservations(void)
{
	int count = fdt_num_mem_rsv(read.tree);
	int node, parent = fdt_path_offset(read.tree, "/reserved-memory");

	for (int i = 0; i < count; i++) {
		u64 address, size;

		// U-Boot reserves the archive here, which the kernel does itself.
		if (fdt_get_mem_rsv(read.tree, i, &address, &size) == 0 &&
		    address != read.info->archive_start)
			(void)boot_range_add(read.info, address, size,
					     BOOT_RANGE_RESERVED);
	}
	if (parent < 0)
		return;
	fdt_for_each_subnode (node, read.tree, parent)
		if (node_enabled(read.tree, node))
			read_ranges(node, BOOT_RANGE_RESERVED);
}

// ---- CPUs: bindings/riscv/cpus.yaml, bindings/arm/cpus.yaml
static bool has_word(const char *text, const char *word)
{
	usize length = strlen(word);
	const char *at = text;

	while ((at = strstr(at, word))) {
		char end = at[length];

		if (at != text && at[-1] == '_' && (end == 0 || end == '_'))
			return true;
		at += length;
	}
	return false;
}

static u32 isa_of(int node)
{
	int bytes;
	const char *text = fdt_getprop(read.tree, node, "riscv,isa", &bytes);
	static const struct {
		const char *word;
		u32 bit;
	} known[] = {{"sstc", BOOT_ISA_SSTC}, {"svpbmt", BOOT_ISA_SVPBMT}};
	u32 isa = 0;

	for (u32 i = 0; i < ARRAY_COUNT(known); i++)
		if ((text && bytes > 0 && text[bytes - 1] == 0 &&
		     has_word(text, known[i].word)) ||
		    fdt_stringlist_search(read.tree, node,
					  "riscv,isa-extensions",
					  known[i].word) >= 0)
			isa |= known[i].bit;
	if (fdt_stringlist_search(read.tree, node, "mmu-type", "riscv,sv39") <
	    0)
		isa |= BOOT_ISA_SV48;
	return isa;
}

static void read_cpu(int node)
{
	struct boot_info *info = read.info;
	u64 id = node_number(read.tree, node, "reg", ~0ull);
	int child;

	if (id == ~0ull || (id & ~0xff00fffffful) ||
	    (id >> 32 && id & 0xff000000)) {
		warn("no usable number: ignored", node);
		return;
	}
	if (info->ncpus == BOOT_CPUS) {
		warn("too many CPUs: ignored", node);
		return;
	}
	info->cpu[info->ncpus] = (struct boot_cpu){
		.hardware_id = (u32)(id | id >> 32 << 24),
		.core = info->ncpus,
	};
	for (u32 i = 0; i < info->ncpus; i++)
		if (info->cpu[i].hardware_id ==
		    info->cpu[info->ncpus].hardware_id) {
			warn("the number of another CPU: ignored", node);
			return;
		}
	read.cpu_handle[info->ncpus] = fdt_get_phandle(read.tree, node);
	read.intc_handle[info->ncpus] = 0;
	fdt_for_each_subnode (child, read.tree, node)
		if (node_is(read.tree, child, NAMES("riscv,cpu-intc")))
			read.intc_handle[info->ncpus] =
				fdt_get_phandle(read.tree, child);
	read.isa_seen &= isa_of(node);
	if (!info->timebase_hz)
		info->timebase_hz =
			node_number(read.tree, node, "timebase-frequency", 0);
	info->ncpus++;
}

// The index of the CPU with this phandle in the table; BOOT_CPUS: none.
static u32 cpu_with(const u32 *table, u32 handle)
{
	for (u32 i = 0; i < read.info->ncpus; i++)
		if (handle && table[i] == handle)
			return i;
	return BOOT_CPUS;
}

// bindings/cpu/cpu-topology.txt: socketN / clusterN... / coreN / threadN
struct place {
	u32 socket, cluster, core, thread;
	bool has_socket;
};

static u32 number_behind(const char *name, const char *word)
{
	u32 number = 0;

	for (name += strlen(word); *name >= '0' && *name <= '9'; name++)
		number = number * 10 + (u32)(*name - '0');
	return number;
}

static void place_node(int node, struct place *place, u32 *ncores)
{
	const char *name = fdt_get_name(read.tree, node, nullptr);

	if (strncmp(name, "socket", 6) == 0) {
		place->socket = number_behind(name, "socket");
		place->has_socket = true;
		*ncores = 0;
	} else if (strncmp(name, "cluster", 7) == 0) {
		place->cluster = number_behind(name, "cluster");
	} else if (strncmp(name, "core", 4) == 0) {
		place->core = (*ncores)++;
		place->thread = 0;
	} else if (strncmp(name, "thread", 6) == 0) {
		place->thread = number_behind(name, "thread");
	}
}

static void read_topology(int map)
{
	struct place place = {};
	int node = map, depth = 0;
	u32 ncores = 0;

	for (u32 n = 0; n < NODES_MAX; n++) {
		u32 cpu;

		node = fdt_next_node(read.tree, node, &depth);
		if (node < 0 || depth <= 0)
			return;
		place_node(node, &place, &ncores);
		cpu = cpu_with(read.cpu_handle,
			       (u32)node_number(read.tree, node, "cpu", 0));
		if (cpu == BOOT_CPUS)
			continue;
		read.info->cpu[cpu].socket =
			place.has_socket ? place.socket : place.cluster;
		read.info->cpu[cpu].core = place.core;
		read.info->cpu[cpu].thread = place.thread;
	}
}

static bool read_cpus(void)
{
	int node, cpus = fdt_path_offset(read.tree, "/cpus"), map;

	if (cpus < 0) {
		boot_warn(read.info, "device tree: no CPUs");
		return false;
	}
	read.info->timebase_hz =
		node_number(read.tree, cpus, "timebase-frequency", 0);
	read.isa_seen = ~0u;
	fdt_for_each_subnode (node, read.tree, cpus) {
		const char *type =
			fdt_getprop(read.tree, node, "device_type", nullptr);

		if (type && string_equal(type, "cpu") &&
		    node_enabled(read.tree, node))
			read_cpu(node);
	}
	read.info->isa = read.isa_seen;
	map = fdt_subnode_offset(read.tree, cpus, "cpu-map");
	if (map >= 0)
		read_topology(map);
	if (!read.info->ncpus)
		boot_warn(read.info, "device tree: no CPUs");
	return read.info->ncpus;
}

// ---- interrupt controllers
// The n-th pair {CPU's controller, interrupt} of interrupts-extended: the CPU,
// BOOT_CPUS if it is none for the supervisor. False behind the last.
static bool extended(int node, u32 n, u32 *cpu)
{
	int bytes;
	const fdt32_t *cell =
		fdt_getprop(read.tree, node, "interrupts-extended", &bytes);

	if (!cell || (u64)(n + 1) * 8 > (u64)bytes)
		return false;
	*cpu = BOOT_CPUS;
	if (fdt32_ld(cell + n * 2 + 1) == SUPERVISOR_EXTERNAL)
		*cpu = cpu_with(read.intc_handle, fdt32_ld(cell + n * 2));
	return true;
}

// bindings/interrupt-controller/sifive,plic-1.0.0.yaml
static void read_plic(int node)
{
	struct boot_plic *plic = &read.info->plic;
	u32 cpu;

	if (plic->size ||
	    !node_reg(read.tree, node, 0, &plic->address, &plic->size))
		return;
	plic->nsources = (u32)node_number(read.tree, node, "riscv,ndev", 0);
	for (u32 i = 0; i < BOOT_CPUS; i++)
		read.info->cpu[i].plic_context = BOOT_NO_CONTEXT;
	for (u32 i = 0; extended(node, i, &cpu); i++)
		if (cpu < BOOT_CPUS &&
		    0x201000ull + i * 0x1000ull <= plic->size)
			read.info->cpu[cpu].plic_context = i;
	if (plic->nsources > 1023) {
		warn("too many sources: cut", node);
		plic->nsources = 1023;
	}
}

// bindings/interrupt-controller/riscv,imsics.yaml: the files of the harts, in the
// order of interrupts-extended, fill the ranges of reg one after the other.
static void read_imsic(int node)
{
	struct boot_imsic *imsic = &read.info->imsic;
	u64 address, size, stride;
	u32 guest_bits =
		(u32)node_number(read.tree, node, "riscv,guest-index-bits", 0);
	u32 range = 0, in_range = 0, cpu;

	if (!extended(node, 0, &cpu) || cpu == BOOT_CPUS || guest_bits > 7 ||
	    !node_reg(read.tree, node, 0, &address, &size))
		return; // for machine mode, or not understood
	imsic->address = address;
	imsic->size = size;
	imsic->guest_bits = guest_bits;
	imsic->nids = (u32)node_number(read.tree, node, "riscv,num-ids", 0);
	stride = (u64)PAGE_BYTES << guest_bits;
	for (u32 i = 0; extended(node, i, &cpu); i++) {
		if ((in_range + 1) * stride > size) {
			in_range = 0;
			if (!node_reg(read.tree, node, ++range, &address,
				      &size) ||
			    stride > size)
				break;
		}
		if (cpu < BOOT_CPUS)
			read.info->cpu[cpu].imsic_file =
				address + in_range * stride;
		in_range++;
	}
}

// bindings/interrupt-controller/riscv,aplic.yaml; the domain whose interrupts go to
// the supervisor's IMSICs, or straight to the CPUs' supervisor interrupt.
static void read_aplic(int node)
{
	u32 parent = (u32)node_number(read.tree, node, "msi-parent", 0), cpu;
	int imsic =
		parent ? fdt_node_offset_by_phandle(read.tree, parent) : node;

	if (imsic < 0 || !extended(imsic, 0, &cpu) || cpu == BOOT_CPUS)
		return;
	if (!node_reg(read.tree, node, 0, &read.info->aplic.address,
		      &read.info->aplic.size))
		return;
	read.info->aplic.nsources = (u32)MIN(
		node_number(read.tree, node, "riscv,num-sources", 0), 1023ul);
}

// bindings/interrupt-controller/arm,gic-v3.yaml, arm,gic.yaml
static void read_gic(int node, u32 version)
{
	struct boot_gic *gic = &read.info->gic;
	u64 regions = node_number(read.tree, node, "#redistributor-regions", 1);

	if (gic->version ||
	    !node_reg(read.tree, node, 0, &gic->distributor,
		      &gic->distributor_size))
		return;
	gic->version = version;
	for (u32 i = 0; i < regions && i < BOOT_REDISTRIBUTORS; i++)
		if (node_reg(read.tree, node, i + 1,
			     &gic->redistributor[i].address,
			     &gic->redistributor[i].size))
			gic->nredistributors = i + 1;
}

static void read_psci(int node)
{
	const char *method = fdt_getprop(read.tree, node, "method", nullptr);

	if (method && string_equal(method, "smc"))
		read.info->psci = BOOT_PSCI_SMC;
	if (method && string_equal(method, "hvc"))
		read.info->psci = BOOT_PSCI_HVC;
}

// bindings/timer/arm,arch_timer.yaml: secure, physical, virtual, hypervisor's
// physical, hypervisor's virtual
static void read_arm_timer(int node)
{
	(void)node_irq(read.tree, node, 2, &read.info->timer);
	(void)node_irq(read.tree, node, 4, &read.info->hypervisor_timer);
}

// ---- the serial port
static void read_serial(int node, enum boot_serial_kind kind, bool preferred)
{
	struct boot_serial *serial = &read.info->serial;
	struct boot_irq irq = {};
	u64 address, size;
	u64 shift = node_number(read.tree, node, "reg-shift", 0);

	if (serial->kind && !preferred)
		return;
	if (!node_reg(read.tree, node, 0, &address, &size) || shift > 4 ||
	    !node_irq(read.tree, node, 0, &irq)) {
		warn("serial port not understood", node);
		return;
	}
	*serial = (struct boot_serial){
		.kind = kind,
		.bytes = (u32)MIN(size, (u64)PAGE_BYTES),
		.address = address,
		.stride = 1u << shift,
		.line = irq.line,
		.flags = irq.flags,
	};
}

// ---- PCI: bindings/pci/host-generic-pci.yaml
static void read_windows(int node)
{
	struct boot_info *info = read.info;
	int bytes;
	const fdt32_t *cell = fdt_getprop(read.tree, node, "ranges", &bytes);
	int above = node_address_cells(read.tree,
				       fdt_parent_offset(read.tree, node));
	int row = 3 + above + 2;

	for (int n = cell && above > 0 ? bytes / 4 / row : 0; n > 0;
	     n--, cell += row) {
		u32 type = fdt32_ld(cell) >> 24 & 3;
		struct boot_pci_window window = {
			.wide = type == 3,
		};
		u64 end;

		(void)cells_number(cell + 1, 2, &window.pci);
		(void)cells_number(cell + 3 + above, 2, &window.size);
		if (type < 2 || info->npci_windows == BOOT_PCI_WINDOWS ||
		    !cells_number(cell + 3, above, &window.address) ||
		    !add_fits(window.address, window.size, &end) ||
		    !add_fits(window.pci, window.size, &end))
			continue;
		info->pci_window[info->npci_windows++] = window;
	}
}

// Rows of interrupt-map: {device address, pin; controller, its address cells and
// interrupt cells}, of which the bits of interrupt-map-mask count.
static void read_pci_map(int node)
{
	int bytes, mask_bytes;
	const fdt32_t *cell =
		fdt_getprop(read.tree, node, "interrupt-map", &bytes);
	const fdt32_t *mask =
		fdt_getprop(read.tree, node, "interrupt-map-mask", &mask_bytes);
	u32 device_mask, left;

	if (!cell || !mask || mask_bytes != 16)
		return;
	device_mask = fdt32_ld(mask) >> 11 & 31;
	left = (u32)bytes / 4;
	while (left > 5) {
		u32 device = fdt32_ld(cell) >> 11 & device_mask;
		u32 pin = fdt32_ld(cell + 3) & fdt32_ld(mask + 3);
		int parent = fdt_node_offset_by_phandle(read.tree,
							fdt32_ld(cell + 4));
		u64 addresses = parent < 0
			? 3
			: node_number(read.tree, parent, "#address-cells", 0);
		u64 irqs = parent < 0
			? 0
			: node_number(read.tree, parent, "#interrupt-cells", 0);
		struct boot_irq irq;

		if (addresses > 2 || irqs < 1 || irqs > 3 ||
		    5 + addresses + irqs > left) {
			warn("interrupt-map not understood", node);
			return;
		}
		if (pin >= 1 && pin <= 4 &&
		    cells_irq(cell + 5 + addresses, (int)irqs, &irq))
			for (u32 i = 0; i < 32; i++)
				if ((i & device_mask) == device)
					read.info->pci_irq[i][pin - 1] = irq;
		cell += 5 + addresses + irqs;
		left -= (u32)(5 + addresses + irqs);
	}
}

static void read_pci(int node)
{
	struct boot_info *info = read.info;
	int bytes;
	const fdt32_t *buses =
		fdt_getprop(read.tree, node, "bus-range", &bytes);
	u64 address, size, first = 0, last = 255;

	if (info->ecam || !node_reg(read.tree, node, 0, &address, &size))
		return;
	if (buses && bytes == 8) {
		first = fdt32_ld(buses);
		last = fdt32_ld(buses + 1);
	}
	if (first > last || last > 255 || size < 1 << 20) {
		warn("bad bus-range: ignored", node);
		return;
	}
	info->ecam = address;
	info->ecam_first_bus = (u8)first;
	info->ecam_last_bus = (u8)MIN(last, first + (size >> 20) - 1);
	read_windows(node);
	read_pci_map(node);
}

// ---- /chosen
static void read_chosen(int node)
{
	struct boot_info *info = read.info;
	const char *line = fdt_getprop(read.tree, node, "bootargs", nullptr);
	u64 start = node_number(read.tree, node, "linux,initrd-start", 0);
	u64 end = node_number(read.tree, node, "linux,initrd-end", 0);

	if (line && !info->command_line[0] &&
	    strlcpy(info->command_line, line, sizeof info->command_line) >=
		    sizeof info->command_line)
		boot_warn(info, "command line cut");
	if (start && end > start && !info->archive_size) {
		info->archive_start = start;
		info->archive_size = end - start;
	}
}

// The node that stdout-path means: a path or an alias, and options behind a colon.
static int console_node(int chosen)
{
	const char *path =
		fdt_getprop(read.tree, chosen, "stdout-path", nullptr);
	const char *end = path ? strchr(path, ':') : nullptr;

	if (!path)
		return -1;
	return fdt_path_offset_namelen(
		read.tree, path, end ? (int)(end - path) : (int)strlen(path));
}

// ---- all nodes
static void read_node(int node, int console)
{
	const void *tree = read.tree;
	struct boot_info *info = read.info;
	const char *type = fdt_getprop(tree, node, "device_type", nullptr);
	u64 size;

	if (type && string_equal(type, "memory")) {
		if (!read.has_map)
			read_ranges(node, BOOT_RANGE_USABLE);
	} else if (node_is(tree, node, NAMES("ns16550a", "ns16550")))
		read_serial(node, BOOT_SERIAL_16550, node == console);
	else if (node_is(tree, node, NAMES("arm,pl011")))
		read_serial(node, BOOT_SERIAL_PL011, node == console);
	else if (node_is(tree, node, NAMES("pci-host-ecam-generic")))
		read_pci(node);
	else if (node_is(tree, node, NAMES("sifive,plic-1.0.0", "riscv,plic0")))
		read_plic(node);
	else if (node_is(tree, node, NAMES("riscv,imsics")))
		read_imsic(node);
	else if (node_is(tree, node, NAMES("riscv,aplic")))
		read_aplic(node);
	else if (node_is(tree, node, NAMES("arm,gic-v3")))
		read_gic(node, 3);
	else if (node_is(tree, node,
			 NAMES("arm,cortex-a15-gic", "arm,gic-400")))
		read_gic(node, 2);
	else if (node_is(tree, node, NAMES("arm,gic-v3-its")))
		(void)node_reg(tree, node, 0, &info->gic.its,
			       &info->gic.its_size);
	else if (node_is(tree, node, NAMES("arm,armv8-timer")))
		read_arm_timer(node);
	else if (node_is(tree, node,
			 NAMES("arm,psci-1.0", "arm,psci-0.2", "arm,psci")))
		read_psci(node);
	else if (node_is(tree, node, NAMES("google,goldfish-rtc")) &&
		 node_reg(tree, node, 0, &info->rtc, &size))
		info->rtc_kind = BOOT_RTC_GOLDFISH;
	else if (node_is(tree, node, NAMES("arm,pl031")) &&
		 node_reg(tree, node, 0, &info->rtc, &size))
		info->rtc_kind = BOOT_RTC_PL031;
}

static const void *view_tree(const struct boot_memory *memory, u64 physical,
			     struct boot_info *info)
{
	const void *tree = memory->view(memory->context, physical, FDT_V1_SIZE);
	u32 bytes = 0;
	int error;

	if (tree && physical % 8 == 0 && fdt_magic(tree) == FDT_MAGIC)
		bytes = fdt_totalsize(tree);
	if (bytes < FDT_V1_SIZE || bytes > TREE_MAX_BYTES ||
	    !(tree = memory->view(memory->context, physical, bytes))) {
		boot_warn(info, "no device tree, or one of a bad size");
		return nullptr;
	}
	// Chapter 5.6 wants these alignments; libfdt reads without a look at them.
	if (fdt_off_mem_rsvmap(tree) % 8 || fdt_off_dt_struct(tree) % 4)
		error = FDT_ERR_BADOFFSET;
	else
		error = -fdt_check_full(tree, bytes);
	if (error) {
		char text[64];

		format_text(text, sizeof text,
			    "device tree: broken (libfdt error %d)", error);
		boot_warn(info, text);
		return nullptr;
	}
	info->device_tree = physical;
	info->device_tree_size = bytes;
	return tree;
}

bool fdt_read(const struct boot_memory *memory, u64 physical,
	      struct boot_info *info)
{
	int node = 0, chosen, console = -1, depth = 0;

	read.tree = view_tree(memory, physical, info);
	read.info = info;
	read.has_map = info->nranges;
	if (!read.tree || !read_cpus())
		return false;
	chosen = fdt_path_offset(read.tree, "/chosen");
	if (chosen >= 0) {
		read_chosen(chosen);
		console = console_node(chosen);
	}
	for (u32 n = 0; node >= 0 && n < NODES_MAX; n++) {
		if (depth < DEPTH_MAX && node_enabled(read.tree, node))
			read_node(node, console);
		node = fdt_next_node(read.tree, node, &depth);
	}
	if (info->nranges == 0) {
		boot_warn(info, "device tree: no memory");
		return false;
	}
	read_reservations();
	boot_ranges_finish(info);
	return true;
}
