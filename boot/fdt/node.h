// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Questions to one node of a device tree whose structure was checked.
#ifndef BOOT_FDT_NODE_H
#define BOOT_FDT_NODE_H
#include "boot/boot_info.h"
#include "libfdt.h"

// The number in a property of one or two cells; fallback if there is none.
u64 node_number(const void *tree, int node, const char *name, u64 fallback);

// A number of so many cells, 1 or 2; false for other sizes.
bool cells_number(const fdt32_t *cell, int ncells, u64 *number);

// #address-cells and #size-cells, which hold for the node's children.
int node_address_cells(const void *tree, int node);
int node_size_cells(const void *tree, int node);

// Not switched off by its status property.
bool node_enabled(const void *tree, int node);

// The index-th pair of the reg property, as addresses of the processor. False
// when there is none, or it cannot be reached, or wraps around.
bool node_reg(const void *tree, int node, u32 index, u64 *address, u64 *size);

// The index-th interrupt. False when there is none that can be understood.
bool node_irq(const void *tree, int node, u32 index, struct boot_irq *irq);

// An interrupt given by the cells of its controller: one (a RISC-V PLIC), two (an
// APLIC), three (a GIC).
bool cells_irq(const fdt32_t *cell, int ncells, struct boot_irq *irq);

// Is one of the words of its compatible property among these? NULL ends the list.
bool node_is(const void *tree, int node, const char *const *names);
#endif
