// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The frame that a signal handler runs on, as x86-64 programs know it: return
// address, ucontext, siginfo, and above them the FPU state (XSAVE format with
// Linux's software-reserved words). Everything read back is checked.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/arch/x86_64/fpu.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"

#define REDZONE 128
#define MAGIC1 0x46505853u
#define MAGIC2 0x46505845u
#define UC_FP_XSTATE 1
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_RESTORE_SS 4
#define SOFTWARE_WORDS 464 // offset in the FXSAVE area
// Flags a program may set: CF PF AF ZF SF TF DF OF NT AC ID
#define FLAGS_ALLOWED 0x254dd5ull
#define FLAGS_FIXED 0x202ull

struct machine_context {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	u16 cs, gs, fs, ss;
	u64 error, trap, old_mask, cr2, fpstate, reserved[8];
};
static_assert(sizeof(struct machine_context) == 256);

struct frame {
	u64 return_address;
	u64 flags, link;
	struct linux_stack stack;
	struct machine_context machine;
	u64 mask;
	struct linux_siginfo info;
};
static_assert(OFFSET_OF(struct frame, info) == 8 + 304);

struct software_words {
	u32 magic1, extended_bytes;
	u64 features;
	u32 state_bytes, padding[7];
};

static void save_registers(struct machine_context *m,
			   const struct guest_state *s)
{
	*m = (struct machine_context){.r8 = s->r8,
				      .r9 = s->r9,
				      .r10 = s->r10,
				      .r11 = s->r11,
				      .r12 = s->r12,
				      .r13 = s->r13,
				      .r14 = s->r14,
				      .r15 = s->r15,
				      .rdi = s->rdi,
				      .rsi = s->rsi,
				      .rbp = s->rbp,
				      .rbx = s->rbx,
				      .rdx = s->rdx,
				      .rax = s->rax,
				      .rcx = s->rcx,
				      .rsp = s->rsp,
				      .rip = s->rip,
				      .rflags = s->rflags,
				      .cs = 0x33,
				      .ss = 0x2b};
}

static void load_registers(struct guest_state *s,
			   const struct machine_context *m)
{
	s->r8 = m->r8, s->r9 = m->r9, s->r10 = m->r10, s->r11 = m->r11;
	s->r12 = m->r12, s->r13 = m->r13, s->r14 = m->r14, s->r15 = m->r15;
	s->rdi = m->rdi, s->rsi = m->rsi, s->rbp = m->rbp, s->rbx = m->rbx;
	s->rdx = m->rdx, s->rax = m->rax, s->rcx = m->rcx, s->rsp = m->rsp;
	s->rip = m->rip;
	s->rflags = (m->rflags & FLAGS_ALLOWED) | FLAGS_FIXED;
}

static void *fpu_area(void **allocation)
{
	*allocation = object_alloc(FPU_BYTES + 64);
	return *allocation ? (void *)align_up((u64)*allocation, 64) : nullptr;
}

// The FPU state to the program's stack, at a multiple of 64.
static i64 fpu_out(u64 at)
{
	void *allocation;
	u8 *area = fpu_area(&allocation);
	u32 magic2 = MAGIC2;
	i64 error;

	if (!area)
		return -ENOMEM;
	fpu_save(area);
	*(struct software_words *)(area + SOFTWARE_WORDS) =
		(struct software_words){};
	if (fpu_features)
		*(struct software_words *)(area + SOFTWARE_WORDS) =
			(struct software_words){.magic1 = MAGIC1,
						.extended_bytes = fpu_bytes + 4,
						.features = fpu_features,
						.state_bytes = fpu_bytes};
	error = guest_copy_out(at, area, fpu_bytes);
	if (!error)
		error = guest_copy_out(at + fpu_bytes, &magic2, 4);
	object_free(allocation);
	return error;
}

static i64 fpu_in(u64 at)
{
	void *allocation;
	u8 *area;
	u32 bytes = 512;
	i64 error;

	if (!at) {
		fpu_reset();
		return 0;
	}
	if (!is_aligned(at, 64))
		return -EFAULT;
	area = fpu_area(&allocation);
	if (!area)
		return -ENOMEM;
	error = guest_copy_in(area, at, 512);
	struct software_words *words =
		(struct software_words *)(area + SOFTWARE_WORDS);

	if (!error && fpu_features && words->magic1 == MAGIC1 &&
	    words->state_bytes == fpu_bytes) {
		bytes = fpu_bytes;
		error = guest_copy_in(area, at, bytes);
	}
	if (!error) {
		if (bytes == 512 && fpu_features)
			*(u64 *)(area + 512) = 3; // x87 and SSE are there
		fpu_sanitize(area);
		fpu_load(area);
	}
	object_free(allocation);
	return error;
}

bool frame_push(struct thread *thread, i32 signo,
		const struct linux_sigaction *action,
		const struct linux_siginfo *info, u64 mask)
{
	struct guest_state *state = thread->carrier->state;
	u64 sp = frame_top(thread, action, REDZONE), fpstate;
	struct frame frame = {.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS,
			      .stack = frame_stack(thread),
			      .mask = mask,
			      .info = *info};

	if (!(action->flags & SA_RESTORER))
		return false; // there is no other way back
	fpstate = align_down(sp - fpu_bytes - 4, 64);
	sp = align_down(fpstate - sizeof(frame), 16) - 8;
	save_registers(&frame.machine, state);
	if (fpu_features)
		frame.flags |= UC_FP_XSTATE;
	frame.machine.fpstate = fpstate;
	frame.machine.cr2 = thread->fault.address;
	frame.machine.error = thread->fault.code;
	frame.machine.trap = state->trap;
	frame.machine.old_mask = mask;
	frame.return_address = action->restorer;
	if (fpu_out(fpstate) || guest_copy_out(sp, &frame, sizeof(frame)))
		return false;
	state->rsp = sp;
	state->rip = action->handler;
	state->rdi = (u64)signo;
	state->rsi = sp + OFFSET_OF(struct frame, info);
	state->rdx = sp + OFFSET_OF(struct frame, flags);
	state->rax = 0;
	state->rflags &= ~0x500ull; // TF, DF
	return true;
}

bool frame_pop(struct thread *thread)
{
	struct guest_state *state = thread->carrier->state;
	struct frame frame;

	// The handler's return took the return address off the stack.
	if (guest_copy_in(&frame, state->rsp - 8, sizeof(frame)))
		return false;
	if (frame.machine.rip >= GUEST_END || fpu_in(frame.machine.fpstate))
		return false;
	load_registers(state, &frame.machine);
	frame_take(thread, frame.mask, frame.stack);
	return true;
}

u64 frame_bytes(void)
{
	return MINSIGSTKSZ + fpu_bytes;
}

i64 frame_prepare(struct mm *mm)
{
	(void)mm;
	return 0; // programs bring a restorer
}
