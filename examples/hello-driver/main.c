// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// hello-driver: a driver for QEMU's teaching device `edu` (PCI 1234:11e8, see
// docs/specs/edu.rst in QEMU's source), small enough to be copied. It shows all
// that a driver needs: claiming the function, registers, an interrupt, DMA, and
// what outlives its death. docs/book/write-a-driver.md goes through it.
//
// It computes factorials with the device, one after the other, each announced by
// an interrupt; before each it sends a page through the device by DMA and
// compares what comes back. The next number to compute is kept in the stash.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/pci.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"

#define NOTIFY_IRQ BIT(32)
#define LAST 12 // 12! is the largest that fits in 32 bits
#define WAIT_NS 1000000000ull

// Registers, by offset in BAR 0.
#define EDU_IDENTITY 0x00
#define EDU_LIVENESS 0x04 // reads back inverted
#define EDU_FACTORIAL 0x08
#define EDU_STATUS 0x20
#define EDU_INTERRUPT_STATUS 0x24
#define EDU_INTERRUPT_ACK 0x64
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_TARGET 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_BUFFER 0x40000 // the device's own memory, 4 KiB
#define STATUS_BUSY 0x01
#define STATUS_INTERRUPT 0x80 // interrupt when a factorial is done
#define DMA_START 0x01
#define DMA_TO_MEMORY 0x02

struct device {
	struct session pci;
	struct handle dma, irq;
	volatile u8 *registers;
	u8 *page; // memory that the device may reach
	u64 page_bus; // its address on the bus
};

static struct device device;

static u32 get(u32 offset)
{
	return *(volatile u32 *)(device.registers + offset);
}

static void put(u32 offset, u32 value)
{
	*(volatile u32 *)(device.registers + offset) = value;
}

static void put_wide(u32 offset, u64 value)
{
	*(volatile u64 *)(device.registers + offset) = value;
}

static void need(enum status status, const char *what)
{
	if (status != STATUS_OK)
		component_fail("%s: %s", what, status_text(status));
}

// 1. The bus service resets the function and gives it to us.
static void claim(void)
{
	const struct startup_cap *pci =
		startup_need("pci", STARTUP_ENDPOINT_CLIENT);
	u32 dma = slot_alloc();
	u32 id, location;

	need(session_open(&device.pci, handle_of(pci->handle), 0, 0,
			  PCI_VERSION), "pci");
	need(pci_claim(&device.pci, handle_of(dma), &id, nullptr, nullptr,
		       &location), "claim");
	device.dma = handle_of(dma);
	log_print("claimed %x:%x", id >> 16, id & 0xffff);
}

// 2. Its registers, as memory of ours.
static void map_registers(void)
{
	u32 slot = slot_alloc();
	u32 page_offset;
	u64 bytes;
	void *memory;

	need(pci_bar(&device.pci, 0, handle_of(slot), &bytes, &page_offset),
	     "BAR 0");
	need(memory_map(handle_of(slot), 0,
			align_up(page_offset + bytes, PAGE_BYTES),
			MAP_READ | MAP_WRITE, &memory), "registers");
	device.registers = (u8 *)memory + page_offset;
	put(EDU_LIVENESS, 0x12345678);
	if (get(EDU_LIVENESS) != ~0x12345678u)
		component_fail("the device does not answer");
}

// 3. A page that it may read and write. (By default the device reaches only the
// first 256 MiB: see dma_mask in the script "run".) Where there is no IOMMU the
// device could reach others as well: CAVEATS says so.
static void share_page(void)
{
	u32 slot = slot_alloc();
	void *memory;

	need(sys_object_create(SELF_POOL, OBJECT_MEMORY, PAGE_BYTES,
			       MEMORY_COMMITTED, handle_of(0), SELF_CNODE, slot),
	     "page");
	need(memory_map(handle_of(slot), 0, PAGE_BYTES, MAP_READ | MAP_WRITE,
			&memory), "page");
	need(sys_dma_map(device.dma, handle_of(slot), 0, PAGE_BYTES,
			 &device.page_bus), "pinning");
	device.page = memory;
}

// 4. Its interrupt, as a bit of our notification.
static void open_interrupt(void)
{
	u32 slot = slot_alloc();

	need(pci_vector(&device.pci, 0, NOTIFY_IRQ,
			handle_of(SLOT_NOTIFICATION), handle_of(slot), nullptr),
	     "interrupt");
	device.irq = handle_of(slot);
	put(EDU_STATUS, STATUS_INTERRUPT);
	need(pci_enable(&device.pci, true), "bus mastering");
}

static bool transfer(u64 from, u64 to, u32 command)
{
	u64 until = clock_ns() + WAIT_NS;

	put_wide(EDU_DMA_SOURCE, from);
	put_wide(EDU_DMA_TARGET, to);
	put_wide(EDU_DMA_COUNT, 512);
	put_wide(EDU_DMA_COMMAND, command);
	while (*(volatile u64 *)(device.registers + EDU_DMA_COMMAND) &
	       DMA_START) {
		u64 bits;

		if (clock_ns() > until)
			return false;
		// Also answers the engine's heartbeats.
		(void)!component_wait(BIT(33), clock_ns() + 1000000, &bits);
	}
	return true;
}

static void check_dma(u32 pattern)
{
	memset(device.page, (int)pattern, 512);
	memset(device.page + 1024, 0, 512);
	if (!transfer(device.page_bus, EDU_BUFFER, DMA_START) ||
	    !transfer(EDU_BUFFER, device.page_bus + 1024,
		      DMA_START | DMA_TO_MEMORY))
		component_fail("DMA does not end");
	if (memcmp(device.page, device.page + 1024, 512) != 0)
		component_fail("DMA brought back something else");
}

static u32 factorial(u32 number)
{
	u64 bits;

	put(EDU_FACTORIAL, number);
	while (get(EDU_STATUS) & STATUS_BUSY) {
		enum status status = component_wait(
			NOTIFY_IRQ, clock_ns() + WAIT_NS, &bits);

		if (status == ERR_TIMEOUT)
			component_fail("no interrupt within a second");
		// First the device is told, then the next may come.
		put(EDU_INTERRUPT_ACK, get(EDU_INTERRUPT_STATUS));
		need(sys_irq_ack(device.irq), "acknowledge");
	}
	return get(EDU_FACTORIAL);
}

int component_main(const struct startup *page)
{
	u32 *next = (u32 *)page->stash;

	if (page->stash_bytes < sizeof(*next))
		component_fail("the manifest gives no stash");
	claim();
	map_registers();
	share_page();
	open_interrupt();
	log_print("instance %u, identity %x", page->generation,
		  get(EDU_IDENTITY));
	component_ready();
	for (;;) {
		u32 number = *next; // what we find is input
		u64 bits;

		if (number < 1 || number > LAST)
			number = 1;
		check_dma(number);
		log_print("%u! = %u", number, factorial(number));
		*next = number + 1;
		if (component_wait(NOTIFY_STOP, clock_ns() + 2 * WAIT_NS,
				   &bits) == STATUS_OK)
			return 0;
	}
}
