// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See config.h. What a device says about itself is checked like any other input:
// lists are bounded, offsets stay in the function's 4 KiB.
#include "drivers/bus/pci/config.h"

#include "lib/base/bits.h"

#define CAPABILITIES_MAX 48
#define BRIDGE 1

u32 config_read(const struct config *config, u32 location, u32 offset, u32 width)
{
	u64 bus = location >> 8;
	volatile u8 *at;

	if (bus < config->first_bus || bus > config->last_bus ||
	    offset + width > CONFIG_BYTES)
		return 0xffffffff;
	at = config->base + ((bus - config->first_bus) << 20) +
	     ((u64)(location & 0xff) << 12) + offset;
	switch (width) {
	case 1:
		return *at;
	case 2:
		return *(volatile u16 *)at;
	default:
		return *(volatile u32 *)at;
	}
}

void config_write(const struct config *config, u32 location, u32 offset,
		  u32 width, u32 value)
{
	u64 bus = location >> 8;
	volatile u8 *at;

	if (bus < config->first_bus || bus > config->last_bus ||
	    offset + width > CONFIG_BYTES)
		return;
	at = config->base + ((bus - config->first_bus) << 20) +
	     ((u64)(location & 0xff) << 12) + offset;
	if (width == 1)
		*at = (u8)value;
	else if (width == 2)
		*(volatile u16 *)at = (u16)value;
	else
		*(volatile u32 *)at = value;
}

static bool add(struct config *config, u32 location)
{
	u32 id = config_read(config, location, CONFIG_ID, 4);
	struct function *function;

	if ((id & 0xffff) == 0xffff || config->count == FUNCTIONS_MAX)
		return false;
	function = &config->function[config->count++];
	*function = (struct function){
		.location = location,
		.id = id << 16 | id >> 16,
		.class_code = config_read(config, location, CONFIG_CLASS, 4) >> 8,
		.header = (u8)config_read(config, location, CONFIG_HEADER, 1),
	};
	return true;
}

static void scan_bus(struct config *config, u32 bus)
{
	for (u32 device = 0; device < 32; device++) {
		u32 location = bus << 8 | device << 3;

		if (!add(config, location))
			continue;
		if (!(config->function[config->count - 1].header & HEADER_MULTI))
			continue;
		for (u32 i = 1; i < 8; i++)
			add(config, location | i);
	}
}

void config_scan(struct config *config)
{
	u32 seen[256 / 32] = {};

	config->count = 0;
	seen[config->first_bus / 32] |= 1u << config->first_bus % 32;
	scan_bus(config, config->first_bus);
	// Functions behind bridges are added at the end, and looked at in turn.
	for (u32 i = 0; i < config->count; i++) {
		u32 location = config->function[i].location;
		u32 bus;

		if ((config->function[i].header & 0x7f) != BRIDGE)
			continue;
		bus = config_read(config, location, CONFIG_BUSES, 4) >> 8 & 0xff;
		if (bus <= config->first_bus || bus > config->last_bus ||
		    (seen[bus / 32] & 1u << bus % 32))
			continue;
		seen[bus / 32] |= 1u << bus % 32;
		scan_bus(config, bus);
	}
}

u32 config_capability(const struct config *config, u32 location, u32 id,
		      u32 occurrence)
{
	u32 at;

	if (!(config_read(config, location, CONFIG_STATUS, 2) &
	      STATUS_CAPABILITIES))
		return 0;
	at = config_read(config, location, CONFIG_CAPABILITIES, 1) & 0xfc;
	for (u32 i = 0; i < CAPABILITIES_MAX && at >= 0x40; i++) {
		u32 head = config_read(config, location, at, 2);

		if ((head & 0xff) == id && occurrence-- == 0)
			return at;
		at = head >> 8 & 0xfc;
	}
	return 0;
}

// Write ones, read back which bits hold.
static u32 size_mask(const struct config *config, u32 location, u32 offset,
		     u32 *value)
{
	u32 mask;

	*value = config_read(config, location, offset, 4);
	config_write(config, location, offset, 4, 0xffffffff);
	mask = config_read(config, location, offset, 4);
	config_write(config, location, offset, 4, *value);
	return mask;
}

static void cut_table(const struct config *config, struct function *function)
{
	u32 at = config_capability(config, function->location, CAPABILITY_MSIX,
				   0);

	if (at == 0)
		return;
	// The table, and the pending bits, which lie in words 1 and 2.
	for (u32 word = 4; word <= 8; word += 4) {
		u32 value = config_read(config, function->location, at + word, 4);
		u64 page = align_down(value & ~7u, 4096);

		if ((value & 7) < BARS) {
			struct bar *bar = &function->bar[value & 7];

			bar->usable_bytes = MIN(bar->usable_bytes, page);
		}
	}
}

// The processor's address of a BAR; 0: out of its reach.
static u64 reachable(const struct config *config, u64 pci, u64 bytes)
{
	if (config->nwindows == 0)
		return pci;
	for (u32 i = 0; i < config->nwindows; i++) {
		const struct window *window = &config->window[i];

		if (pci >= window->pci &&
		    range_within(pci - window->pci, bytes, window->size))
			return window->address + (pci - window->pci);
	}
	return 0;
}

// A 64-bit BAR goes into a wide window if there is one, others into another.
static u64 take_address(struct config *config, u64 bytes, bool wide)
{
	struct window *best = nullptr;

	for (u32 i = 0; i < config->nwindows; i++) {
		struct window *window = &config->window[i];
		u64 at = align_up(window->next, bytes);

		if (window->wide && !wide)
			continue;
		if (at >= window->pci &&
		    range_within(at - window->pci, bytes, window->size) &&
		    (!best || window->wide))
			best = window;
	}
	if (!best)
		return 0;
	best->next = align_up(best->next, bytes) + bytes;
	return best->next - bytes;
}

static void assign_function(struct config *config, u32 location)
{
	u32 header = config_read(config, location, CONFIG_HEADER, 1) & 0x7f;
	u32 bars = header == BRIDGE ? 2 : BARS;

	for (u32 i = 0; i < bars; i++) {
		u32 offset = CONFIG_BAR + i * 4, low, high;
		u64 mask = size_mask(config, location, offset, &low), at;
		bool wide = (low & 6) == 4 && i + 1 < bars;

		if ((low & 1) || mask == 0)
			continue;
		if (wide)
			mask |= (u64)size_mask(config, location, offset + 4,
					       &high) << 32;
		else
			mask |= 0xffffffff00000000;
		at = take_address(config, ~(mask & ~15ull) + 1, wide);
		config_write(config, location, offset, 4, (u32)at);
		if (wide) {
			config_write(config, location, offset + 4, 4,
				     (u32)(at >> 32));
			i++;
		}
	}
}

void config_assign(struct config *config)
{
	if (config->nwindows == 0)
		return;
	for (u32 i = 0; i < config->count; i++)
		if (config_read(config, config->function[i].location,
				CONFIG_COMMAND, 2) & COMMAND_MEMORY)
			return;
	for (u32 i = 0; i < config->count; i++)
		assign_function(config, config->function[i].location);
}

void config_probe(const struct config *config, struct function *function)
{
	u32 location = function->location;
	u32 bars = (function->header & 0x7f) == BRIDGE ? 2 : BARS;
	u32 command = config_read(config, location, CONFIG_COMMAND, 2);

	config_write(config, location, CONFIG_COMMAND, 2,
		     command & ~(u32)COMMAND_MEMORY);
	for (u32 i = 0; i < bars; i++) {
		u32 offset = CONFIG_BAR + i * 4;
		u32 low, high = 0;
		u64 mask = size_mask(config, location, offset, &low);
		struct bar *bar = &function->bar[i];

		*bar = (struct bar){};
		if ((low & 1) || mask == 0)
			continue; // ports, or nothing
		if ((low & 6) == 4 && i + 1 < bars)
			mask |= (u64)size_mask(config, location, offset + 4,
					       &high)
				<< 32;
		else
			mask |= 0xffffffff00000000;
		mask &= ~15ull;
		bar->address = ((u64)high << 32 | low) & ~15ull;
		bar->size_bytes = ~mask + 1;
		if ((low & 6) == 4)
			i++;
		if (bar->address == 0 || !is_power_of_two(bar->size_bytes) ||
		    !is_aligned(bar->address, bar->size_bytes))
			*bar = (struct bar){};
		bar->address = reachable(config, bar->address, bar->size_bytes);
		if (bar->address == 0)
			*bar = (struct bar){};
		bar->usable_bytes = bar->size_bytes;
	}
	config_write(config, location, CONFIG_COMMAND, 2, command);
	cut_table(config, function);
	function->probed = true;
}
