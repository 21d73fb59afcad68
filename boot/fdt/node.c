// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See node.h. Chapters are those of the Devicetree Specification 0.4.
#include "boot/fdt/node.h"
#include "abi/constants.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define DEPTH_MAX 16

bool cells_number(const fdt32_t *cell, int ncells, u64 *number)
{
	if (ncells < 1 || ncells > 2)
		return false;
	*number = fdt32_ld(cell);
	if (ncells == 2)
		*number = *number << 32 | fdt32_ld(cell + 1);
	return true;
}

u64 node_number(const void *tree, int node, const char *name, u64 fallback)
{
	int bytes;
	const fdt32_t *cell = fdt_getprop(tree, node, name, &bytes);
	u64 number;

	return cell && bytes % 4 == 0 && cells_number(cell, bytes / 4, &number)
		? number
		: fallback;
}

// Chapter 2.3.5. A number that cannot be becomes 0, with which nothing is read.
static int cells_of(const void *tree, int node, const char *name, u64 fallback)
{
	u64 number = node_number(tree, node, name, fallback);

	return number <= 4 ? (int)number : 0;
}

int node_address_cells(const void *tree, int node)
{
	return cells_of(tree, node, "#address-cells", 2);
}

int node_size_cells(const void *tree, int node)
{
	return cells_of(tree, node, "#size-cells", 1);
}

bool node_enabled(const void *tree, int node)
{
	const char *status = fdt_getprop(tree, node, "status", nullptr);

	return !status || string_equal(status, "okay") ||
		string_equal(status, "ok");
}

bool node_is(const void *tree, int node, const char *const *names)
{
	for (; *names; names++)
		if (fdt_node_check_compatible(tree, node, *names) == 0)
			return true;
	return false;
}

// Chapter 2.3.8: ranges is a list of {address below, address above, size}.
static bool translate_once(const void *tree, int bus, u64 *address, u64 size)
{
	int bytes, below = node_address_cells(tree, bus);
	int sizes = node_size_cells(tree, bus);
	int above = node_address_cells(tree, fdt_parent_offset(tree, bus));
	const fdt32_t *cell = fdt_getprop(tree, bus, "ranges", &bytes);
	int row = below + above + sizes;

	if (cell && bytes == 0)
		return true; // the same addresses
	if (!cell || below < 1 || above < 1 || sizes < 1)
		return false;
	for (int n = bytes / 4 / row; n > 0; n--, cell += row) {
		u64 from, to, length;

		if (cells_number(cell, below, &from) &&
		    cells_number(cell + below, above, &to) &&
		    cells_number(cell + below + above, sizes, &length) &&
		    *address >= from &&
		    range_within(*address - from, size, length))
			return add_fits(to, *address - from, address);
	}
	return false;
}

bool node_reg(const void *tree, int node, u32 index, u64 *address, u64 *size)
{
	int bus = fdt_parent_offset(tree, node), bytes;
	int address_cells = node_address_cells(tree, bus);
	int size_cells = node_size_cells(tree, bus);
	const fdt32_t *cell = fdt_getprop(tree, node, "reg", &bytes);
	u64 row = (u64)(address_cells + size_cells) * 4, end;

	if (bus < 0 || !cell || address_cells < 1 || size_cells < 1 ||
	    (index + 1) * row > (u64)bytes)
		return false;
	cell += index * row / 4;
	if (!cells_number(cell, address_cells, address) ||
	    !cells_number(cell + address_cells, size_cells, size) || *size == 0)
		return false;
	for (u32 depth = 0; bus != 0 && depth < DEPTH_MAX; depth++) {
		if (!translate_once(tree, bus, address, *size))
			return false;
		bus = fdt_parent_offset(tree, bus);
	}
	return bus == 0 && add_fits(*address, *size, &end);
}

// Flags: 1 and 2 rising and falling edge, 4 and 8 high and low level.
static u32 irq_flags(u32 cell)
{
	return (cell & 0xc ? IRQ_LEVEL : 0) | (cell & 0xa ? IRQ_ACTIVE_LOW : 0);
}

bool cells_irq(const fdt32_t *cell, int ncells, struct boot_irq *irq)
{
	switch (ncells) {
	case 1:
		*irq = (struct boot_irq){fdt32_ld(cell), IRQ_LEVEL};
		return irq->line != 0;
	case 2:
		*irq = (struct boot_irq){fdt32_ld(cell),
					 irq_flags(fdt32_ld(cell + 1))};
		return irq->line != 0;
	case 3: // shared ones begin at 32, a CPU's own at 16
		*irq = (struct boot_irq){
			fdt32_ld(cell + 1) + (fdt32_ld(cell) == 0 ? 32 : 16),
			irq_flags(fdt32_ld(cell + 2))};
		return fdt32_ld(cell) <= 1 && fdt32_ld(cell + 1) < 1020;
	default:
		return false;
	}
}

static int interrupt_parent(const void *tree, int node)
{
	for (u32 depth = 0; node >= 0 && depth < DEPTH_MAX; depth++) {
		u32 handle =
			(u32)node_number(tree, node, "interrupt-parent", 0);

		if (handle)
			return fdt_node_offset_by_phandle(tree, handle);
		node = fdt_parent_offset(tree, node);
	}
	return -1;
}

bool node_irq(const void *tree, int node, u32 index, struct boot_irq *irq)
{
	int bytes, parent = interrupt_parent(tree, node);
	const fdt32_t *cell = fdt_getprop(tree, node, "interrupts", &bytes);
	u64 ncells = parent < 0
		? 0
		: node_number(tree, parent, "#interrupt-cells", 0);

	if (!cell || ncells < 1 || ncells > 3 ||
	    (index + 1) * ncells * 4 > (u64)bytes)
		return false;
	return cells_irq(cell + index * ncells, (int)ncells, irq);
}
