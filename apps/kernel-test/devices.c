// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Interrupts, ports, device memory, pins for devices, the system object. The
// interrupt comes from a device that differs (arch/<arch>/source.c).
#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"
#include "lib/base/parse.h"

#define PAGE (u64) PAGE_BYTES
#define COM2_SCRATCH 0x2ff

static enum status device(u32 type, u64 a, u64 b, u32 slot)
{
	return sys_device_create(SYSTEM, type, a, b, CASE_POOL, SELF_CNODE,
				 slot);
}

static struct handle device_new(u32 type, u64 a, u64 b)
{
	struct handle made = handle_of(slot_new());

	OK(device(type, a, b, made.value));
	return made;
}

static void test_create(void)
{
	struct handle tiny = make(OBJECT_POOL, 1, 0), line;
	u32 slot = slot_new();
	enum status status = STATUS_OK;
	struct irq_source source;

	source_open(&source);
	line = device_new(OBJECT_IRQ, source.line, source.flags);
	SAME(device(OBJECT_IRQ, source.line, source.flags, slot), ERR_OCCUPIED);
	OK(slot_delete(line));
	line = device_new(OBJECT_IRQ, source.line, source.flags); // free again
	SAME(device(OBJECT_IRQ, 5000, 0, slot), ERR_ARGUMENT);
	SAME(device(OBJECT_IRQ, ~0ull, 0, slot), ERR_ARGUMENT);
	SAME(device(OBJECT_IRQ, 3, 0x100, slot), ERR_ARGUMENT);
	SAME(device(OBJECT_IOPORT, 65535, 2, slot), ERR_RANGE);
	SAME(device(OBJECT_IOPORT, 65536, 1, slot), ERR_RANGE);
	SAME(device(OBJECT_IOPORT, 0, 0, slot), ERR_RANGE);
	SAME(device(OBJECT_IOPORT, 1, ~0ull, slot), ERR_RANGE);
	// Memory of the machine is not a device.
	SAME(device(OBJECT_MEMORY, MACHINE_MEMORY, PAGE, slot), ERR_ARGUMENT);
	SAME(device(OBJECT_MEMORY, MACHINE_MEMORY + 0xf00000, PAGE, slot),
	     ERR_ARGUMENT);
	SAME(device(OBJECT_MEMORY, MACHINE_DEVICE + 1, PAGE, slot),
	     ERR_ARGUMENT);
	SAME(device(OBJECT_MEMORY, MACHINE_DEVICE, 0, slot), ERR_ARGUMENT);
	SAME(device(OBJECT_MEMORY, ~0xfffull, 2 * PAGE, slot), ERR_ARGUMENT);
	SAME(device(OBJECT_MEMORY, 0x80000000, ~0xfffull, slot), ERR_ARGUMENT);
	SAME(device(OBJECT_ENDPOINT, 0, 0, slot), ERR_ARGUMENT);
	SAME(device(OBJECT_SYSTEM, 0, 0, slot), ERR_ARGUMENT);
	SAME(device(77, 0, 0, slot), ERR_ARGUMENT);
	SAME(device(OBJECT_DMA, 0, 0, 256), ERR_RANGE);
	SAME(device(OBJECT_DMA, 0, 0, line.value), ERR_OCCUPIED);
	CHECK(!slot_full(handle_of(slot)));
	for (u32 i = 0; i < 100 && status == STATUS_OK; i++)
		status = sys_device_create(SYSTEM, OBJECT_IOPORT, 0x2ff, 1,
					   tiny, SELF_CNODE, slot_new());
	SAME(status, ERR_QUOTA);
}

static enum status port_out(struct handle cap, u32 port, u32 value)
{
	return sys_ioport_access(cap, port, 1, true, value, nullptr);
}

static u32 port_in(struct handle cap, u32 port)
{
	u32 value = 0;

	OK(sys_ioport_access(cap, port, 1, false, 0, &value));
	return value;
}

static void test_port(void)
{
	if (!MACHINE_PORTS)
		test_skip("this machine has no I/O ports");
	struct handle port = device_new(OBJECT_IOPORT, COM2_SCRATCH, 1);
	struct handle pair = device_new(OBJECT_IOPORT, COM2_SCRATCH - 1, 2);
	u32 value = 0;

	for (u32 i = 0; i < 256; i += 51) {
		OK(port_out(port, COM2_SCRATCH, i));
		SAME(port_in(port, COM2_SCRATCH), i);
	}
	SAME(sys_ioport_access(port, COM2_SCRATCH + 1, 1, false, 0, &value),
	     ERR_RANGE);
	SAME(sys_ioport_access(port, COM2_SCRATCH - 1, 1, false, 0, &value),
	     ERR_RANGE);
	SAME(sys_ioport_access(port, COM2_SCRATCH, 2, false, 0, &value),
	     ERR_RANGE);
	SAME(sys_ioport_access(pair, COM2_SCRATCH - 1, 4, false, 0, &value),
	     ERR_RANGE);
	SAME(sys_ioport_access(port, 0xffffffff, 1, false, 0, &value),
	     ERR_RANGE);
	SAME(sys_ioport_access(port, COM2_SCRATCH, 3, false, 0, &value),
	     ERR_ARGUMENT);
	SAME(sys_ioport_access(port, COM2_SCRATCH, 0, false, 0, &value),
	     ERR_ARGUMENT);
	SAME(sys_ioport_access(port, COM2_SCRATCH, 8, false, 0, &value),
	     ERR_ARGUMENT);
	OK(sys_ioport_access(pair, COM2_SCRATCH - 1, 2, false, 0, &value));
}

// An interrupt controller may remember what was before the line was bound.
static void drain(struct handle bell, struct handle irq)
{
	pause_ns(MS);
	if (sys_poll(bell, ~0ull, nullptr) == STATUS_OK)
		OK(sys_irq_ack(irq));
}

// Raise the port's interrupt and count the signals.
static void test_irq(void)
{
	struct handle bell = notification(), irq;
	u64 bits, address = 0, data = 0;
	struct irq_source source;

	source_open(&source);
	irq = device_new(OBJECT_IRQ, source.line, source.flags);
	OK(sys_irq_bind(irq, bell, 0x40, &address, &data));
	drain(bell, irq);
	for (u32 i = 0; i < 20; i++) {
		SAME(sys_poll(bell, ~0ull, nullptr), ERR_AGAIN);
		source_raise();
		OK(sys_wait(bell, ~0ull, clock_ns() + SECOND, &bits));
		SAME(bits, 0x40);
		source_quiet(true);
		OK(sys_irq_ack(irq));
	}
	// Bound anew, other bits; then the notification goes, then the irq.
	OK(sys_irq_bind(irq, bell, 3, nullptr, nullptr));
	source_raise();
	OK(sys_wait(bell, ~0ull, clock_ns() + SECOND, &bits));
	SAME(bits, 3);
	source_quiet(false);
	OK(slot_delete(bell));
	source_raise();
	pause_ns(3 * MS);
	source_quiet(false);
	OK(slot_delete(irq));
	source_raise();
	pause_ns(3 * MS);
	source_quiet(false);
}

// Two irqs of one line: both are told, and the line waits for both, or for none
// whose holder is gone.
static void test_irq_shared(void)
{
	struct handle bell[2] = {notification(), notification()}, irq[2];
	struct irq_source source;
	u32 slot = slot_new();
	u64 bits;

	source_open(&source);
	if (!(source.flags & IRQ_LEVEL))
		test_skip("the line of the source is not one of levels");
	for (u32 i = 0; i < 2; i++) {
		irq[i] = device_new(OBJECT_IRQ, source.line,
				    source.flags | IRQ_SHARED);
		OK(sys_irq_bind(irq[i], bell[i], 1 + i, nullptr, nullptr));
	}
	SAME(device(OBJECT_IRQ, source.line, source.flags, slot), ERR_OCCUPIED);
	for (u32 i = 0; i < 2; i++)
		drain(bell[i], irq[i]);
	for (u32 i = 0; i < 10; i++) {
		source_raise();
		for (u32 k = 0; k < 2; k++) {
			OK(sys_wait(bell[k], ~0ull, clock_ns() + SECOND, &bits));
			SAME(bits, 1 + k);
		}
		// Raised again, one has acknowledged: it stays masked.
		OK(sys_irq_ack(irq[i % 2]));
		source_quiet(false);
		source_raise();
		pause_ns(2 * MS);
		SAME(sys_poll(bell[0], ~0ull, nullptr), ERR_AGAIN);
		SAME(sys_poll(bell[1], ~0ull, nullptr), ERR_AGAIN);
		source_quiet(false);
		OK(sys_irq_ack(irq[1 - i % 2]));
		for (u32 k = 0; k < 2; k++)
			drain(bell[k], irq[k]);
	}
	// The second's notification goes before it acknowledges; then it goes.
	source_raise();
	OK(sys_wait(bell[0], ~0ull, clock_ns() + SECOND, &bits));
	OK(slot_revoke(bell[1]));
	for (u32 i = 0; i < 3; i++) {
		source_quiet(false);
		OK(sys_irq_ack(irq[0]));
		source_raise();
		OK(sys_wait(bell[0], ~0ull, clock_ns() + SECOND, &bits));
		if (i == 1)
			OK(slot_delete(irq[1]));
	}
	source_quiet(false);
}

// So many share a line, and no more.
static void test_irq_sharers(void)
{
	u32 flags = IRQ_LEVEL | IRQ_SHARED;
	struct irq_source source;

	source_open(&source);
	for (u32 i = 0; i < 32; i++)
		(void)device_new(OBJECT_IRQ, source.line, flags);
	SAME(device(OBJECT_IRQ, source.line, flags, slot_new()), ERR_DEPTH);
}

static void test_msi(void)
{
	struct handle bell = notification(), one, two;
	u64 address = 0, data = 0, address_2 = 0, data_2 = 0;

	if (irq_of_machine(&data) != IRQ_MSI)
		test_skip("this machine has no messages");
	one = device_new(OBJECT_IRQ, IRQ_MSI, 0);
	two = device_new(OBJECT_IRQ, IRQ_MSI, 0);
	OK(sys_irq_bind(one, bell, 1, &address, &data));
	OK(sys_irq_bind(two, bell, 2, &address_2, &data_2));
	CHECK(address);
	CHECK(address != address_2 || data != data_2);
	OK(sys_irq_ack(one));
}

static void test_dma(void)
{
	struct handle dma = device_new(OBJECT_DMA, 0, 0);
	struct handle memory = memory_of(8 * PAGE), other = memory_of(PAGE);
	struct handle blind = with_rights(memory, RIGHT_WRITE | RIGHT_DERIVE);
	u64 bus[8], again = 0;

	map_at(memory, AREA, 8 * PAGE, MAP_READ | MAP_WRITE);
	for (u64 i = 0; i < 8; i++) {
		OK(sys_dma_map(dma, memory, i * PAGE, PAGE, &bus[i]));
		CHECK(bus[i] && bus[i] % PAGE == 0);
		for (u64 j = 0; j < i; j++)
			CHECK(bus[i] != bus[j]);
	}
	// The page under a pin stays where it is.
	*word_at(AREA) = 6;
	OK(sys_dma_unmap(dma, bus[0], PAGE));
	OK(sys_dma_map(dma, memory, 0, PAGE, &again));
	SAME(again, bus[0]);
	SAME(sys_dma_map(dma, memory, 8 * PAGE, PAGE, &again), ERR_RANGE);
	SAME(sys_dma_map(dma, memory, ~0xfffull, PAGE, &again), ERR_RANGE);
	SAME(sys_dma_map(dma, memory, 0, 2 * PAGE, &again), ERR_ARGUMENT);
	SAME(sys_dma_map(dma, memory, 0, 0, &again), ERR_ARGUMENT);
	SAME(sys_dma_map(dma, blind, 0, PAGE, &again), ERR_RIGHTS);
	SAME(sys_dma_unmap(dma, 0x123000, PAGE), ERR_RANGE);
	OK(sys_dma_unmap(dma, bus[3], PAGE));
	SAME(sys_dma_unmap(dma, bus[3], PAGE), ERR_RANGE);
	// The memory goes first: its pinned pages wait for the device.
	OK(slot_revoke(memory));
	OK(slot_delete(memory));
	OK(sys_dma_unmap(dma, bus[1], PAGE));
	OK(sys_dma_unmap(dma, 0, 0)); // all that is left
	SAME(sys_dma_unmap(dma, bus[2], PAGE), ERR_RANGE);
	OK(sys_dma_map(dma, other, 0, PAGE, &again));
	OK(slot_delete(other));
	OK(slot_delete(dma)); // with a page in quarantine
}

static void test_dma_quota(void)
{
	struct handle tiny = make(OBJECT_POOL, 2, 0);
	struct handle dma = handle_of(slot_new());
	struct handle memory = memory_of(2000 * PAGE);
	enum status status = STATUS_OK;
	u64 bus, i;

	OK(sys_device_create(SYSTEM, OBJECT_DMA, 0, 0, tiny, SELF_CNODE,
			     dma.value));
	for (i = 0; i < 2000 && status == STATUS_OK; i++)
		status = sys_dma_map(dma, memory, i * PAGE, PAGE, &bus);
	SAME(status, ERR_QUOTA);
	OK(sys_dma_unmap(dma, 0, 0));
	OK(sys_dma_map(dma, memory, 0, PAGE, &bus));
}

static void test_device_memory(void)
{
	// Above all memory and devices of this machine: reads give anything.
	struct handle memory = device_new(OBJECT_MEMORY, MACHINE_DEVICE, PAGE);
	struct handle dma = device_new(OBJECT_DMA, 0, 0);
	u64 kernels[] = {MACHINE_KERNEL_DEVICES};
	u64 size, flags, physical, bus;
	u32 slot = slot_new();
	char other[32];

	// A board with other interrupt controllers says where one is.
	if (startup_word("kernel-device", other, sizeof(other))) {
		OK(parse_u64(other, strlen(other), ~0ull, &kernels[0]));
		kernels[1] = kernels[0];
	}
	for (u32 i = 0; i < sizeof(kernels) / sizeof(*kernels); i++) {
		SAME(device(OBJECT_MEMORY, kernels[i], PAGE, slot),
		     ERR_ARGUMENT);
		SAME(device(OBJECT_MEMORY, kernels[i] - PAGE, 2 * PAGE, slot),
		     ERR_ARGUMENT);
	}
	OK(sys_memory_info(memory, &size, nullptr, &flags, &physical));
	SAME(size, PAGE);
	SAME(flags, MEMORY_DEVICE);
	SAME(physical, MACHINE_DEVICE);
	map_at(memory, AREA, PAGE, MAP_READ);
	(void)*word_at(AREA);
	SAME(sys_memory_decommit(memory, 0, PAGE) == STATUS_OK, false);
	SAME(sys_memory_clone(memory, CASE_POOL, SELF_CNODE, slot_new()) ==
		     STATUS_OK,
	     false);
	(void)!sys_dma_map(dma, memory, 0, PAGE, &bus);
}

static void test_log(void)
{
	static char buffer[4096];
	u64 position = 0, next = 0;
	bool found = false;
	u32 done = 0;

	OK(sys_system_log(SYSTEM, (struct uaddr){(u64) "zebra stripes\n"}, 14));
	OK(sys_system_log(SYSTEM, (struct uaddr){0x1000}, 0));
	SAME(sys_system_log(SYSTEM, (struct uaddr){(u64)buffer}, 257),
	     ERR_ARGUMENT);
	SAME(sys_system_log(SYSTEM, (struct uaddr){0x1000}, 5), ERR_ADDRESS);
	SAME(sys_system_log(SYSTEM, (struct uaddr){USER_END - 2}, 5),
	     ERR_ADDRESS);
	SAME(sys_system_log(SYSTEM, (struct uaddr){~0ull}, 5), ERR_ADDRESS);
	for (u32 i = 0; i < 1000; i++) {
		OK(sys_system_log_read(SYSTEM, (struct uaddr){(u64)buffer},
				       sizeof(buffer) - 1, position, &done,
				       &next));
		if (!done)
			break;
		CHECK(next > position);
		buffer[done] = 0;
		found = found || strstr(buffer, "zebra stripes");
		// Read on a little before the end, should a line be cut.
		position = done > 100 && !found ? next - 20 : next;
	}
	CHECK(found);
	SAME(sys_system_log_read(SYSTEM, (struct uaddr){0x1000}, 10, 0, &done,
				 &next),
	     ERR_ADDRESS);
	SAME(sys_system_log_read(SYSTEM, (struct uaddr){(u64)test_log}, 10, 0,
				 &done, &next),
	     ERR_ADDRESS);
	(void)!sys_system_log_read(SYSTEM, (struct uaddr){(u64)buffer}, 10,
				   ~0ull, &done, &next);
}

static void test_system(void)
{
	u64 a = 0, b = 0, c = 0, d = 0, total;

	OK(sys_system_info(SYSTEM, SYSTEM_INFO_CPUS, 0, &a, &b, &c, &d));
	CHECK(a >= b && b >= 1 && c < a);
	OK(sys_system_info(SYSTEM, SYSTEM_INFO_MEMORY, 0, &total, &b, &c, &d));
	CHECK(total > b && b > 1000);
	OK(sys_system_info(SYSTEM, SYSTEM_INFO_FRAMES, 0, &a, &b, &c, &d));
	CHECK(a && b && a + b <= c);
	OK(sys_system_info(SYSTEM, SYSTEM_INFO_RSDP, 0, &a, &b, &c, &d));
	OK(sys_system_info(SYSTEM, SYSTEM_INFO_ECAM, 0, &a, &b, &c, &d));
	OK(sys_system_info(SYSTEM, SYSTEM_INFO_RANGE, 0, &a, &b, &c, &d));
	CHECK(b);
	SAME(sys_system_info(SYSTEM, SYSTEM_INFO_RANGE, ~0ull, &a, &b, &c, &d),
	     ERR_RANGE);
	SAME(sys_system_info(SYSTEM, SYSTEM_INFO_ISA_IRQ, 16, &a, &b, &c, &d),
	     ERR_RANGE);
	SAME(sys_system_info(SYSTEM, SYSTEM_INFO_COUNTER, 5000, &a, &b, &c, &d),
	     ERR_RANGE);
	SAME(sys_system_info(SYSTEM, 99, 0, &a, &b, &c, &d), ERR_RANGE);
	SAME(sys_system_info(SYSTEM, 0, 0, &a, &b, &c, &d), ERR_RANGE);
	SAME(sys_system_control(SYSTEM, 0, 0), ERR_ARGUMENT);
	SAME(sys_system_control(SYSTEM, 99, 0), ERR_ARGUMENT);
	SAME(sys_system_control(with_rights(SYSTEM, RIGHT_READ), SYSTEM_OFF, 0),
	     ERR_RIGHTS);
}

const struct test_case suite_devices[] = {
	{"devices.create", test_create,
	 "device_create ok;device_create error QUOTA;"
	 "device_create error OCCUPIED;device_create error RANGE;"
	 "device_create error ARGUMENT",
	 0},
	{"devices.port", test_port,
	 "ioport_access ok;ioport_access error RANGE;"
	 "ioport_access error ARGUMENT",
	 0},
	{"devices.irq", test_irq, "irq_bind ok;irq_ack ok", 0},
	{"devices.irq-shared", test_irq_shared, nullptr, 0},
	{"devices.irq-sharers", test_irq_sharers, "device_create error DEPTH", 0},
	{"devices.msi", test_msi, nullptr, 0},
	{"devices.dma", test_dma,
	 "dma_map ok;dma_map error RANGE;dma_map error ARGUMENT;dma_unmap ok;"
	 "dma_unmap error RANGE",
	 0},
	{"devices.dma-quota", test_dma_quota, "dma_map error QUOTA", 0},
	{"devices.memory", test_device_memory, nullptr, 0},
	{"devices.log", test_log,
	 "system_log ok;system_log error ADDRESS;system_log error ARGUMENT;"
	 "system_log_read ok;system_log_read error ADDRESS",
	 0},
	{"devices.system", test_system,
	 "system_info ok;system_info error RANGE;"
	 "system_control error ARGUMENT",
	 0},
	{}};
