// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the tests must know of the architecture this is compiled for: registers by
// their roles, instructions by what they do. arch/<arch>/machine.h has the in-line
// part, arch/<arch>/*.c and *.S the rest.
#pragma once

#include "abi/constants.h"
#include "abi/registers.h"

// ---- in arch/<arch>/machine.h
// MACHINE_FLAGS        flags of an ordinary thread
// MACHINE_STEP_BIT     of the flags, that makes each instruction trap; 64: none
// MACHINE_SYSCALL_BYTES, MACHINE_INVALID_BYTES  lengths of these instructions
// MACHINE_MEMORY       an address of memory; the page MACHINE_DEVICE is a device's
//                      that may be read
// MACHINE_KERNEL_DEVICES  pages of its interrupt controllers
// MACHINE_NO_ADDRESS   how a guest leaves that uses a number as an address that is
//                      neither a user's nor the kernel's
// MACHINE_PORTS        are there I/O ports?
struct machine_registers {
	u64 *pc, *sp, *flags, *thread_pointer;
	u64 *argument; // the first; a fault vector gets the address here
	u64 *number; // of a system call
	u64 *guest, *gate; // of the personality in guest_code.S
	u64 *a, *b; // what its pieces load and use
};
static inline struct machine_registers
machine_registers(struct thread_registers *r);
// Registers that the kernel takes only with addresses in them.
static inline void machine_pointers_set(struct thread_registers *r, u64 to);
// The second word behind the thread pointer.
static inline u64 machine_thread_word(void);
// One vector register; and another one.
void machine_vector_set(u64 value);
u64 machine_vector(u32 which);

// ---- arch/<arch>/faults.c
// Faults of the CPU that differ: how to make them, what they are. The first is a
// breakpoint.
struct machine_fault {
	const char *name;
	void (*make)(void);
	u64 kind;
};
extern const struct machine_fault machine_faults[];
extern const u32 machine_faults_count;
void machine_invalid(void); // an invalid instruction, returns if it is skipped
// Fill all registers, set *flag, loop until the register that holds 1 is 0.
void machine_pattern(volatile u64 *flag);
// Are the registers those of machine_pattern? The name of one that is not.
const char *machine_pattern_check(const struct thread_registers *r, u64 flag);
u64 *machine_pattern_stop(struct thread_registers *r); // set to 0: it ends
// Flags after all were asked for: has a user got what it must not have?
bool machine_flags_ok(u64 flags);

// ---- arch/<arch>/probes.c, for hardening.c
struct code {
	u8 byte[24];
	u32 bytes;
};
struct probe {
	const char *name;
	struct code code;
	u64 kind; // of the fault
};
#define CODE(...) {{__VA_ARGS__}, sizeof((u8[]){__VA_ARGS__})}
extern const struct probe machine_probes[];
extern const u32 machine_probes_count;
// The address is in the first argument.
extern const struct code machine_load, machine_store, machine_jump,
	machine_syscall, machine_bad, machine_nothing, machine_return;
extern const u64 machine_kernel[]; // addresses of the kernel
extern const u32 machine_kernel_count;
extern const u64 machine_nowhere; // an address that no page table can show
bool machine_is_syscall(const u8 *code);
void machine_traps(void); // trap instructions of every number
void machine_entry(void); // ways into the kernel
void machine_bases(void); // registers that hold addresses

// ---- arch/<arch>/source.c, for devices.c
// A device whose interrupt can be raised at will: the console's port.
struct irq_source {
	u64 line, flags;
};
void source_open(struct irq_source *source);
void source_raise(void);
void source_quiet(bool check); // check that it is this that interrupted

// ---- guest_code.S
// Exceptions of pieces of the guest, by numbers of the CPU.
struct machine_exception {
	u32 piece;
	u64 trap;
};
extern const struct machine_exception machine_exceptions[];
extern const u32 machine_exceptions_count;
// Registers that a guest's system call may change: bits by place.
extern const u64 machine_syscall_changes;
// General registers in struct guest_state that a test may fill: from, how many.
extern const u32 machine_general_first, machine_general_count;

#if defined(__x86_64__)
#include "apps/kernel-test/arch/x86_64/machine.h"
#elif defined(__aarch64__)
#include "apps/kernel-test/arch/aarch64/machine.h"
#elif defined(__riscv)
#include "apps/kernel-test/arch/riscv64/machine.h"
#else
#error "apps/kernel-test/arch: not for this architecture"
#endif
