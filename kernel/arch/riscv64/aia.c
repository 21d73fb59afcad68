// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The advanced interrupt architecture (RISC-V AIA 1.0): every CPU's IMSIC takes
// messages, and the APLIC turns wired interrupts into such. An identity is used for
// one interrupt of the machine; its vector is 1024 above it. All go to CPU 0, which
// never leaves: where a device sends its messages nobody could change later.
//
// A level is sent once. To unmask the line asks the APLIC to send it again if it is
// still there. All identities are enabled: a late message of one that was given up
// finds no irq, or signals the next owner once.
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/lock.h"
#include "kernel/mm/frame.h"
#include "lib/base/bits.h"

#define VECTOR_FIRST 1024
#define IDENTITIES 256
#define LINES 1024

// Chapter 3.8: registers of the IMSIC behind siselect and sireg
#define SISELECT "0x150"
#define SIREG "0x151"
#define STOPEI "0x15c"
#define EIDELIVERY 0x70
#define EITHRESHOLD 0x72
#define EIE 0xc0 // 64 identities in every second one

// Chapter 4.5
#define APLIC_DOMAIN 0x0000
#define APLIC_SOURCE 0x0004 // of line 1
#define APLIC_INPUT 0x1d00 // reads as the levels
#define APLIC_SET_ENABLE 0x1edc
#define APLIC_CLEAR_ENABLE 0x1fdc
#define APLIC_SET_PENDING 0x2000 // little endian
#define APLIC_TARGET 0x3004 // of line 1

static const struct boot_info *facts;
static volatile u32 *aplic; // NULL: no wired interrupts
static struct lock aia_lock; // the tables
static bool used[IDENTITIES];
static u16 identity_of[LINES];

bool aia_present(void)
{
	return facts;
}

static void imsic_write(u64 index, u64 value)
{
	csr_write(SISELECT, index);
	csr_write(SIREG, value);
}

void aia_init(const struct boot_info *info)
{
	if (!info->imsic.size || info->imsic.nids < 63)
		return;
	facts = info;
	lock_init(&aia_lock, LOCK_IRQ);
	if (info->aplic.size < APLIC_TARGET)
		return;
	frame_keep_device(info->imsic.address, info->imsic.size);
	frame_keep_device(info->aplic.address, info->aplic.size);
	aplic = space_map_device(info->aplic.address, info->aplic.size);
	for (u32 i = 1; i <= info->aplic.nsources; i++) {
		aplic[APLIC_CLEAR_ENABLE / 4] = i;
		aplic[APLIC_SOURCE / 4 + i - 1] = 0;
	}
	aplic[APLIC_DOMAIN / 4] = 0x104; // on, by messages
}

void aia_init_cpu(void)
{
	if (!facts)
		return;
	for (u64 i = 0; i <= facts->imsic.nids / 64; i++)
		imsic_write(EIE + i * 2, cpu_self()->number ? 0 : ~0ull);
	imsic_write(EITHRESHOLD, 0); // none
	imsic_write(EIDELIVERY, 1);
}

void aia_external(void)
{
	u64 top;

	for (;;) {
		__asm__ volatile("csrrw %0, " STOPEI ", zero"
				 : "=r"(top)
				 :
				 : "memory");
		if (top == 0)
			return;
		if (top >> 16 < IDENTITIES)
			kernel_interrupt_device(VECTOR_FIRST +
						(u32)(top >> 16));
	}
}

// 0: none is left.
static u32 identity_take(void)
{
	u32 limit = MIN(facts->imsic.nids, (u32)IDENTITIES - 1), id = 1;

	while (id <= limit && used[id])
		id++;
	if (id > limit || !facts->cpu[0].imsic_file)
		return 0;
	used[id] = true;
	return id;
}

static bool claim_locked(u32 line, u32 flags, u32 *id)
{
	const struct boot_imsic *imsic = &facts->imsic;
	u64 hart = (facts->cpu[0].imsic_file - imsic->address) >>
		(12 + imsic->guest_bits);
	u32 low = flags & IRQ_ACTIVE_LOW ? 1 : 0;

	if (line != IRQ_MSI &&
	    (!aplic || line == 0 || line > facts->aplic.nsources ||
	     identity_of[line]))
		return false;
	*id = identity_take();
	if (!*id || line == IRQ_MSI)
		return *id;
	identity_of[line] = (u16)*id;
	aplic[APLIC_SOURCE / 4 + line - 1] = (flags & IRQ_LEVEL ? 6 : 4) + low;
	aplic[APLIC_TARGET / 4 + line - 1] = (u32)hart << 18 | *id;
	return true;
}

bool aia_claim(u32 line, u32 flags, u32 *vector, u64 *address, u64 *data)
{
	u32 id = 0;
	bool done;

	lock_take(&aia_lock);
	done = claim_locked(line, flags, &id);
	lock_drop(&aia_lock);
	*vector = VECTOR_FIRST + id;
	if (done && line == IRQ_MSI) {
		*address = facts->cpu[0].imsic_file;
		*data = id;
	}
	return done;
}

void aia_release(u32 line, u32 vector)
{
	lock_take(&aia_lock);
	if (line != IRQ_MSI) {
		aplic[APLIC_CLEAR_ENABLE / 4] = line;
		aplic[APLIC_SOURCE / 4 + line - 1] = 0;
		identity_of[line] = 0;
	}
	used[vector - VECTOR_FIRST] = false;
	lock_drop(&aia_lock);
}

void aia_mask(u32 line, bool masked)
{
	if (masked) {
		aplic[APLIC_CLEAR_ENABLE / 4] = line;
		return;
	}
	aplic[APLIC_SET_ENABLE / 4] = line;
	if (aplic[APLIC_INPUT / 4 + line / 32] >> line % 32 & 1)
		aplic[APLIC_SET_PENDING / 4] = line;
}
