// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The PCI bus service (abi/pci.idl). A client's badge says which function is its
// own: vendor << 48 | device << 32 | instance, counted from 0 in bus order.
// Drivers never see configuration space or MSI-X tables: a driver that could
// write them could make its device interrupt as another, or reach any memory.
//
// Claiming a function resets it: no bus mastering, no interrupts, the device's own
// reset, and only then the pages that its last driver had pinned are let go and
// the last driver's capabilities revoked.
#include "abi/constants.h"
#include "drivers/bus/pci/config.h"
#include "gen/abi/objects.h"
#include "gen/abi/pci.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/ipc/server.h"
#include "lib/sys/component.h"

#define VECTORS 8 // of one function
#define RESET_NS 200000000ull
#define VENDOR_VIRTIO 0x1af4
#define VIRTIO_COMMON 1 // configuration type: virtio 1.1, 4.1.4
#define VIRTIO_STATUS 20 // device_status in the common configuration
#define EXPRESS_CAN_RESET BIT(28) // device capabilities
#define EXPRESS_RESET BIT(15) // device control

// What was made for a function, in slots of ours; 0: not yet.
struct kept {
	u32 dma;
	u32 irq[VECTORS];
	u32 bar[BARS];
	volatile u8 *table; // the MSI-X table, mapped
	u32 table_entries;
};

static struct config config;
static struct kept kept[FUNCTIONS_MAX];
static struct handle system_cap, devices;
static struct server server;
static u64 badge; // of the message being served

// ---- the caller's function

static u32 index_of(const struct function *function)
{
	return (u32)(function - config.function);
}

static struct function *own(void)
{
	u32 id = (u32)(badge >> 32);
	u32 instance = (u32)badge;

	for (u32 i = 0; badge != 0 && i < config.count; i++)
		if (config.function[i].id == id && instance-- == 0)
			return &config.function[i];
	return nullptr;
}

static void command(const struct function *function, u32 set, u32 clear)
{
	u32 value = config_read(&config, function->location, CONFIG_COMMAND, 2);

	config_write(&config, function->location, CONFIG_COMMAND, 2,
		     (value & ~clear) | set);
}

static enum status bar_memory(struct function *function, u32 index,
			      struct handle *memory)
{
	const struct bar *bar = &function->bar[index];
	u32 *slot = &kept[index_of(function)].bar[index];
	u64 first = align_down(bar->address, PAGE_BYTES);
	u64 end = align_up(bar->address + bar->size_bytes, PAGE_BYTES);
	enum status status;

	if (*slot == 0) {
		u32 fresh = slot_alloc();

		status = sys_device_create(system_cap, OBJECT_MEMORY, first,
					   end - first, devices, SELF_CNODE,
					   fresh);
		if (status != STATUS_OK) {
			log_print("BAR %u of %x at %lx: %s", index,
				  function->location, bar->address,
				  status_text(status));
			slot_free(fresh);
			return ERR_NODEV;
		}
		*slot = fresh;
	}
	*memory = handle_of(*slot);
	return STATUS_OK;
}

// Map part of a BAR for ourselves. nullptr: not possible.
static volatile u8 *map_part(struct function *function, u32 index, u64 offset,
			     u64 bytes)
{
	struct handle memory;
	u64 start, end;
	void *address;

	if (index >= BARS || function->bar[index].size_bytes == 0 ||
	    !range_within(offset, bytes, function->bar[index].size_bytes) ||
	    bar_memory(function, index, &memory) != STATUS_OK)
		return nullptr;
	offset += function->bar[index].address % PAGE_BYTES;
	start = align_down(offset, PAGE_BYTES);
	end = align_up(offset + bytes, PAGE_BYTES);
	if (memory_map(memory, start, end - start, MAP_READ | MAP_WRITE,
		       &address) != STATUS_OK)
		return nullptr;
	return (volatile u8 *)address + (offset - start);
}

static void unmap_part(volatile u8 *part, u64 bytes)
{
	u64 start = align_down((u64)part, PAGE_BYTES);

	memory_unmap((void *)start,
		     align_up((u64)part + bytes, PAGE_BYTES) - start);
}

// ---- reset

static void reset_express(struct function *function)
{
	u32 at = config_capability(&config, function->location,
				   CAPABILITY_EXPRESS, 0);
	u64 until = clock_ns() + 100000000;
	u32 control;

	if (at == 0 || !(config_read(&config, function->location, at + 4, 4) &
			 EXPRESS_CAN_RESET))
		return;
	control = config_read(&config, function->location, at + 8, 2);
	config_write(&config, function->location, at + 8, 2,
		     control | EXPRESS_RESET);
	while (clock_ns() < until) {
		u64 bits;

		// The device may take 100 ms (PCIe 6.6.2): answer meanwhile.
		(void)!component_wait(BIT(55), until, &bits);
	}
}

static void reset_virtio(struct function *function)
{
	u64 until = clock_ns() + RESET_NS;
	volatile u8 *status = nullptr;

	for (u32 i = 0; i < 16 && !status; i++) {
		u32 location = function->location;
		u32 at = config_capability(&config, location, CAPABILITY_VENDOR,
					   i);

		if (at == 0)
			return;
		if (config_read(&config, location, at + 3, 1) != VIRTIO_COMMON)
			continue;
		status = map_part(function,
				  config_read(&config, location, at + 4, 1),
				  config_read(&config, location, at + 8, 4) +
					  VIRTIO_STATUS,
				  1);
	}
	if (!status)
		return;
	*status = 0;
	while (*status != 0 && clock_ns() < until)
		;
	if (*status != 0)
		log_print("%x does not finish its reset", function->location);
	unmap_part(status, 1);
}

static void drop(u32 *slot)
{
	if (*slot == 0)
		return;
	(void)!sys_cap_revoke(SELF_CNODE, *slot);
	slot_free(*slot);
	*slot = 0;
}

static void silence(const struct function *function)
{
	u32 location = function->location;
	u32 msi = config_capability(&config, location, CAPABILITY_MSI, 0);
	u32 msix = config_capability(&config, location, CAPABILITY_MSIX, 0);

	if (msi != 0)
		config_write(&config, location, msi + 2, 2,
			     config_read(&config, location, msi + 2, 2) & ~1u);
	if (msix != 0)
		config_write(&config, location, msix + 2, 2,
			     config_read(&config, location, msix + 2, 2) &
				     ~0x8000u);
}

static void reset(struct function *function)
{
	struct kept *k = &kept[index_of(function)];

	command(function, COMMAND_NO_INTX, COMMAND_MASTER);
	silence(function);
	if (!function->probed)
		config_probe(&config, function);
	command(function, COMMAND_MEMORY, 0);
	if (function->id >> 16 == VENDOR_VIRTIO)
		reset_virtio(function);
	else
		reset_express(function);
	if (k->table)
		unmap_part(k->table, k->table_entries * 16ull);
	k->table = nullptr;
	for (u32 i = 0; i < VECTORS; i++)
		drop(&k->irq[i]);
	for (u32 i = 0; i < BARS; i++)
		if (k->bar[i] != 0)
			(void)!sys_cap_revoke(SELF_CNODE, k->bar[i]);
	if (k->dma != 0) {
		enum status status =
			sys_dma_unmap(handle_of(k->dma), 0, 0);

		if (status != STATUS_OK)
			log_print("%x: pinned pages: %s", function->location,
				  status_text(status));
		(void)!sys_cap_revoke(SELF_CNODE, k->dma);
	}
}

// ---- the protocol

static enum status op_claim(void *context, struct pci_claim_result *result)
{
	struct function *function = own();
	struct kept *k;
	enum status status;

	(void)context;
	if (!function)
		return ERR_NODEV;
	k = &kept[index_of(function)];
	reset(function);
	if (k->dma == 0) {
		u32 slot = slot_alloc();

		status = sys_device_create(system_cap, OBJECT_DMA, 0, 0, devices,
					   SELF_CNODE, slot);
		if (status != STATUS_OK) {
			log_print("dma of %x: %s", function->location,
				  status_text(status));
			slot_free(slot);
			return ERR_NODEV;
		}
		k->dma = slot;
	}
	result->device_id = function->id;
	result->class_code = function->class_code;
	result->location = function->location;
	for (u32 i = 0; i < BARS; i++)
		if (function->bar[i].usable_bytes != 0)
			result->bars |= 1u << i;
	result->dma = handle_of(k->dma);
	return STATUS_OK;
}

static enum status op_bar(void *context, const struct pci_bar_args *args,
			  struct pci_bar_result *result)
{
	struct function *function = own();
	const struct bar *bar;
	struct handle memory;
	enum status status;
	u32 slot;

	(void)context;
	if (!function || !function->probed)
		return ERR_NODEV;
	if (args->index >= BARS || function->bar[args->index].usable_bytes == 0)
		return ERR_RANGE;
	bar = &function->bar[args->index];
	// A BAR smaller than a page shares it with other devices' registers.
	if (bar->usable_bytes < PAGE_BYTES && bar->usable_bytes !=
						      bar->size_bytes)
		return ERR_RANGE;
	status = bar_memory(function, args->index, &memory);
	if (status != STATUS_OK)
		return status;
	slot = slot_alloc();
	server_free_after_reply(slot);
	status = sys_cap_mint(SELF_CNODE, slot, memory,
			      RIGHT_READ | RIGHT_WRITE | RIGHT_DERIVE,
			      align_up(bar->usable_bytes, PAGE_BYTES) /
				      PAGE_BYTES);
	if (status != STATUS_OK)
		return ERR_NODEV;
	result->size = bar->usable_bytes;
	result->page_offset = (u32)(bar->address % PAGE_BYTES);
	result->memory = handle_of(slot);
	return STATUS_OK;
}

static bool open_table(struct function *function, u32 at)
{
	struct kept *k = &kept[index_of(function)];
	u32 control = config_read(&config, function->location, at + 2, 2);
	u32 place = config_read(&config, function->location, at + 4, 4);

	if (k->table)
		return true;
	k->table_entries = (control & 0x7ff) + 1;
	k->table = map_part(function, place & 7, place & ~7u,
			    k->table_entries * 16ull);
	return k->table != nullptr;
}

static enum status program_msix(struct function *function, u32 at, u32 index,
				u64 address, u64 data)
{
	volatile u32 *entry;
	u32 control;

	if (!open_table(function, at))
		return ERR_UNSUPPORTED;
	if (index >= kept[index_of(function)].table_entries)
		return ERR_RANGE;
	entry = (volatile u32 *)(kept[index_of(function)].table + index * 16);
	entry[0] = (u32)address;
	entry[1] = (u32)(address >> 32);
	entry[2] = (u32)data;
	entry[3] = 0; // not masked
	control = config_read(&config, function->location, at + 2, 2);
	config_write(&config, function->location, at + 2, 2,
		     (control & ~0x4000u) | 0x8000);
	return STATUS_OK;
}

static enum status program_msi(struct function *function, u32 at, u64 address,
			       u64 data)
{
	u32 location = function->location;
	u32 control = config_read(&config, location, at + 2, 2);
	u32 data_at = control & 0x80 ? at + 12 : at + 8;

	config_write(&config, location, at + 4, 4, (u32)address);
	if (control & 0x80)
		config_write(&config, location, at + 8, 4, (u32)(address >> 32));
	else if (address >> 32)
		return ERR_UNSUPPORTED;
	config_write(&config, location, data_at, 2, (u32)data);
	config_write(&config, location, at + 2, 2, (control & ~0x70u) | 1);
	return STATUS_OK;
}

// On a machine without messages: the line of the function's pin.
static enum status wired_interrupt(const struct function *function, u32 slot,
				   const struct pci_vector_args *args)
{
	u32 pin = config_read(&config, function->location, CONFIG_PIN, 1);
	u64 line = 0, flags = 0;
	enum status status;

	if (args->index != 0 || pin < 1 || pin > 4 ||
	    function->location >> 8 != config.first_bus ||
	    sys_system_info(system_cap, SYSTEM_INFO_PCI_IRQ,
			    (function->location >> 3 & 31) << 2 | (pin - 1),
			    &line, &flags, nullptr, nullptr) != STATUS_OK ||
	    line == 0)
		return ERR_UNSUPPORTED;
	status = sys_device_create(system_cap, OBJECT_IRQ, line,
				   flags | IRQ_SHARED, devices, SELF_CNODE,
				   slot);
	if (status == STATUS_OK)
		status = sys_irq_bind(handle_of(slot), args->notify, args->bits,
				      nullptr, nullptr);
	if (status == STATUS_OK)
		command(function, 0, COMMAND_NO_INTX);
	return status;
}

static enum status op_vector(void *context, const struct pci_vector_args *args,
			     struct pci_vector_result *result)
{
	struct function *function = own();
	u32 index = args->index;
	u64 address, data;
	u32 msi, msix, slot;
	enum status status;

	(void)context;
	if (!function || !function->probed)
		return ERR_NODEV;
	msix = config_capability(&config, function->location, CAPABILITY_MSIX, 0);
	msi = config_capability(&config, function->location, CAPABILITY_MSI, 0);
	result->wired = 0;
	if (msix == 0 && msi == 0)
		return ERR_UNSUPPORTED;
	if (index >= VECTORS || (msix == 0 && index != 0))
		return ERR_RANGE;
	drop(&kept[index_of(function)].irq[index]);
	slot = slot_alloc();
	status = sys_device_create(system_cap, OBJECT_IRQ, IRQ_MSI,
				   (u64)function->location << 32, devices,
				   SELF_CNODE, slot);
	if (status == ERR_OCCUPIED) {
		status = wired_interrupt(function, slot, args);
		result->wired = 1;
	} else if (status == STATUS_OK) {
		status = sys_irq_bind(handle_of(slot), args->notify, args->bits,
				      &address, &data);
	}
	if (result->wired)
		; // no message to program
	else if (status == STATUS_OK && msix != 0)
		status = program_msix(function, msix, index, address, data);
	else if (status == STATUS_OK)
		status = program_msi(function, msi, address, data);
	if (status != STATUS_OK) {
		log_print("vector %u of %x: %s", index, function->location,
			  status_text(status));
		slot_free(slot);
		return status == ERR_RANGE ? ERR_RANGE : ERR_UNSUPPORTED;
	}
	kept[index_of(function)].irq[index] = slot;
	// The irq object holds the notification itself.
	slot_free(args->notify.value);
	result->irq = handle_of(slot);
	return STATUS_OK;
}

static enum status op_capability(void *context,
				 const struct pci_capability_args *args,
				 struct pci_capability_result *result)
{
	struct function *function = own();
	u64 word[4] = {};
	u32 at, length = sizeof(word);

	(void)context;
	if (!function)
		return ERR_NODEV;
	at = config_capability(&config, function->location, args->id,
			       args->occurrence);
	if (at == 0)
		return ERR_NOENT;
	if (args->id == CAPABILITY_VENDOR)
		length = MIN(config_read(&config, function->location, at + 2, 1),
			     length);
	for (u32 i = 0; i < length; i++)
		word[i / 8] |= (u64)config_read(&config, function->location,
						at + i, 1)
			       << i % 8 * 8;
	*result = (struct pci_capability_result){length, word[0], word[1],
						 word[2], word[3]};
	return STATUS_OK;
}

static enum status op_enable(void *context, const struct pci_enable_args *args)
{
	struct function *function = own();

	(void)context;
	if (!function)
		return ERR_NODEV;
	command(function, args->on ? COMMAND_MASTER | COMMAND_MEMORY : 0,
		args->on ? 0 : COMMAND_MASTER);
	return STATUS_OK;
}

static enum status op_list(void *context, const struct pci_list_args *args,
			   struct pci_list_result *result)
{
	(void)context;
	if (args->from >= config.count)
		return ERR_RANGE;
	result->next = args->from + 1;
	result->location = config.function[args->from].location;
	result->id = config.function[args->from].id;
	result->class_code = config.function[args->from].class_code;
	return STATUS_OK;
}

static const struct pci_ops ops = {
	.claim = op_claim,
	.bar = op_bar,
	.vector = op_vector,
	.capability = op_capability,
	.enable = op_enable,
	.list = op_list,
};

static enum status dispatch(void *context, struct server_session *session,
			    struct message *message)
{
	struct service_session view = {};

	(void)session;
	badge = message->badge;
	return pci_dispatch(&ops, context, &view, message);
}

static void read_windows(void)
{
	u64 flags;

	for (u32 i = 0; i < WINDOWS_MAX; i++) {
		struct window *window = &config.window[i];

		if (sys_system_info(system_cap, SYSTEM_INFO_PCI_WINDOW, i,
				    &window->address, &window->pci,
				    &window->size, &flags) != STATUS_OK)
			break;
		window->wide = flags & PCI_WINDOW_WIDE;
		// Address 0 means that there is none.
		window->next = MAX(window->pci, (u64)PAGE_BYTES);
		config.nwindows = i + 1;
	}
}

int component_main(const struct startup *page)
{
	const struct startup_cap *endpoint =
		startup_need("pci", STARTUP_ENDPOINT_SERVER);
	const struct startup_cap *ecam = startup_need("ecam", STARTUP_MEMORY);
	const struct startup_cap *buses =
		startup_need("ecam-buses", STARTUP_NUMBER);
	enum status status;
	void *base;

	(void)page;
	system_cap = handle_of(startup_need("system", STARTUP_SYSTEM)->handle);
	devices = handle_of(startup_need("devices", STARTUP_POOL)->handle);
	status = memory_map(handle_of(ecam->handle), 0, ecam->a,
			    MAP_READ | MAP_WRITE, &base);
	if (status != STATUS_OK)
		component_fail("configuration space: %s", status_text(status));
	config.base = base;
	config.first_bus = (u32)buses->a & 0xff;
	config.last_bus = MIN(buses->b, 255ull);
	config.last_bus = (u32)MIN((u64)config.last_bus,
				   config.first_bus + (ecam->a >> 20) - 1);
	config_scan(&config);
	read_windows();
	config_assign(&config);
	server.dispatch = dispatch;
	status = server_init(&server, handle_of(endpoint->handle), 0, nullptr);
	if (status != STATUS_OK)
		component_fail("server: %s", status_text(status));
	log_print("%u functions", config.count);
	component_ready();
	server_run(&server);
}
