// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Numbers that cross the boundary between kernel and user space and are not
// calls: flags, kinds, states. Usable from C and assembly.
#ifndef KOCHAB_ABI_CONSTANTS_H
#define KOCHAB_ABI_CONSTANTS_H

#define PAGE_BITS 12
#define PAGE_BYTES 4096

// User space is 0 to USER_END (exclusive), which the MMU decides: the kernel asks
// its architecture (arch.h), a process its startup page. Of it a container's guests
// have all below GUEST_END; its personality lives above: the last 8 of the 256
// entries of the root table that lead to user space.
#define USER_END_LEAST 0x0000004000000000 // of any machine
#define GUEST_PART(whole) ((whole) - (whole) / 32)

// The info word of the IPC calls (rax on x86-64): bits 0-7 the call number,
// 8-15 number of message words (0-8), 16-19 number of capabilities, then flags.
#define INFO_WORDS_SHIFT 8
#define INFO_CAPS_SHIFT 16
#define INFO_DEADLINE (1 << 20) // the deadline register is meaningful
#define INFO_CAPS (1 << 21) // the capability register is meaningful
#define INFO_NONBLOCK (1 << 22) // AGAIN instead of waiting for the peer
#define MESSAGE_WORDS 8 // in registers
// More words lie in the message pages of both threads (thread_message): word i of
// the message at word i of the page, for i from MESSAGE_WORDS on.
#define MESSAGE_PAGE_WORDS 128
#define MESSAGE_CAPS 4

// aspace_map and aspace_protect
#define MAP_READ 1
#define MAP_WRITE 2
#define MAP_EXEC 4
#define MAP_KEEP 8 // survives revocation of the memory, reading as zero
#define MAP_EAGER 16 // fill the page tables now with what is present

// object_create: kind of address space
#define ASPACE_PLAIN 0
#define ASPACE_CONTAINER 1 // a personality: code from GUEST_END on
#define ASPACE_FOREIGN 2 // a guest process of a container

// object_create and memory_info: kind of memory
#define MEMORY_ANON 0 // zero-filled on demand
#define MEMORY_PAGED 1 // filled by a pager
#define MEMORY_DEVICE 2 // physical addresses, not cached
#define MEMORY_PHYSICAL 4 // physical addresses, cached (boot archive, time page)
#define MEMORY_COMMITTED 8 // all pages allocated at creation

// device_create: irq
#define IRQ_MSI 0xffffffff
#define IRQ_LEVEL 1
#define IRQ_ACTIVE_LOW 2
#define IRQ_SHARED 4 // others may hold the same level line

// thread_info: states
#define THREAD_STOPPED 0
#define THREAD_READY 1
#define THREAD_RUNNING 2
#define THREAD_SENDING 3
#define THREAD_RECEIVING 4
#define THREAD_REPLY 5
#define THREAD_WAITING 6 // notification
#define THREAD_PAGING 7
#define THREAD_RESTING 8 // until its sched may be used again
#define THREAD_FAULTED 9

// object_create: word a of a sched. No more than budget in each period on all
// its CPUs together; SCHED_LIMITS(ceiling, 0, 0): no limit.
#define SCHED_BUDGET_SHIFT 8
#define SCHED_PERIOD_SHIFT 36
#define SCHED_TIME_BITS 28
#define SCHED_PERIOD_MIN_US 100
#define SCHED_CEILING(limits) ((limits) & ((1u << SCHED_BUDGET_SHIFT) - 1))
#define SCHED_LIMITS(ceiling, budget_us, period_us)                            \
	((ceiling) | (u64)(budget_us) << SCHED_BUDGET_SHIFT |                  \
	 (u64)(period_us) << SCHED_PERIOD_SHIFT)

// Kinds of fault, word 0 of the message to the fault endpoint. Words: kind,
// address, pc, code, sp. The reply's word 0 is a FAULT_REPLY number.
#define FAULT_ACCESS 1 // no mapping, or not this access
#define FAULT_INSTRUCTION 2 // illegal or privileged instruction
#define FAULT_ARITHMETIC 3
#define FAULT_BREAKPOINT 4
#define FAULT_DEBUG 5
#define FAULT_ALIGNMENT 6
#define FAULT_PAGER 7 // the pager failed the page
#define FAULT_NOSYS 8 // system call instruction with a number out of range
#define FAULT_OTHER 9
#define FAULT_CODE_WRITE 1
#define FAULT_CODE_EXEC 2
#define FAULT_CODE_PRESENT 4
#define FAULT_REPLY_RETRY 0
#define FAULT_REPLY_STOP 1

#define SYSTEM_OFF 1
#define SYSTEM_REBOOT 2
#define SYSTEM_PANIC 3
// The next two take a CPU's number and only begin it: system_info tells the state.
#define CPU_OFFLINE 4 // also gives up one that is starting
#define CPU_ONLINE 5
#define CPU_INSERT 6 // value: the hardware id of one more; it gets the next number

#define CPU_STATE_OFF 0
#define CPU_STATE_STARTING 1
#define CPU_STATE_ARRIVED 2 // starting, past the point where it can be given up
#define CPU_STATE_ON 3
#define CPU_STATE_LEAVING 4
#define CPU_STATE_LEFT 5 // leaving, without device interrupts

// system_info
#define SYSTEM_INFO_CPUS 1 // a = present, b = online, c = this CPU
#define SYSTEM_INFO_MEMORY 2 // a = total frames, b = free, c = reserved
#define SYSTEM_INFO_RSDP 3 // a = physical address of the ACPI root pointer
#define SYSTEM_INFO_ECAM 4 // a = physical, b = first bus, c = last bus
#define SYSTEM_INFO_ISA_IRQ 5 // index = ISA line; a = GSI, b = IRQ flags
#define SYSTEM_INFO_RANGE 6 // index-th firmware range; a, b = start, size, c = kind
#define SYSTEM_INFO_COUNTER 7 // index = COUNTER number; a = value
#define SYSTEM_INFO_TOPOLOGY 8 // index = CPU; a = socket, b = core, c = thread, d = hardware id | CPU_STATE << 32
#define SYSTEM_INFO_FRAMES 9 // a = frame table walk: free, b = used, c = total
// The console's port: a = address, b = SERIAL kind | stride of its registers << 8 |
// their bytes << 16, c = interrupt line, d = IRQ flags
#define SYSTEM_INFO_SERIAL 10
#define SYSTEM_INFO_PCI_WINDOW 11 // index; a = address, b = PCI address, c = size, d = PCI_WINDOW_WIDE or 0
#define SYSTEM_INFO_PCI_IRQ 12 // index = device << 2 | pin - 1; a = line (0: none), b = IRQ flags
#define SERIAL_16550_PORTS 1
#define SERIAL_16550 2
#define SERIAL_PL011 3
#define PCI_WINDOW_WIDE 1 // for 64-bit BARs

// Well-known slots of a new process's cspace (its root cnode)
#define SLOT_CNODE 1 // its own cnode
#define SLOT_ASPACE 2
#define SLOT_THREAD 3
#define SLOT_POOL 4
#define SLOT_SCHED 5
#define SLOT_PARENT 6 // endpoint to who started it (the engine)
#define SLOT_NOTIFICATION 7 // its main thread's bound notification
#define SLOT_TIME 8 // memory: the time page, read-only
#define SLOT_FIRST_FREE 16

#endif
