// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The frame that a signal handler runs on, as AArch64 programs know it: siginfo,
// ucontext with a chain of records (floating point; the syndrome of a fault), and
// above it a stack frame that debuggers follow. What comes back is checked.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"

#define MAGIC_FLOAT 0x46508001u
#define MAGIC_SYNDROME 0x45535201u
#define PSTATE_FLAGS 0xf0000000ull // N Z C V: a program may set them
#define RECORDS_BYTES 4096u

struct record {
	u32 magic, bytes;
};

struct float_record {
	struct record head;
	u32 fpsr, fpcr;
	u8 v[32][16];
};
static_assert(sizeof(struct float_record) == FPU_BYTES);

// The records that we write; the rest of RECORDS_BYTES is left alone.
struct records {
	struct float_record fpu;
	struct record syndrome;
	u64 esr;
	struct record end;
};

struct frame {
	struct linux_siginfo info;
	u64 flags, link;
	struct linux_stack stack;
	u64 mask, padding[16];
	u64 fault_address, x[31], sp, pc, pstate, padding2;
	struct records records;
};
static_assert(OFFSET_OF(struct frame, mask) == 128 + 40);
static_assert(OFFSET_OF(struct frame, fault_address) == 128 + 176);
static_assert(OFFSET_OF(struct frame, records) == 128 + 176 + 288);
#define FRAME_BYTES (128u + 176 + 288 + RECORDS_BYTES)

static bool fpu_in(const struct frame *frame)
{
	void *allocation;
	u8 *area;

	// We wrote it first; a program that moved it gets an error.
	if (frame->records.fpu.head.magic != MAGIC_FLOAT ||
	    frame->records.fpu.head.bytes != FPU_BYTES)
		return false;
	allocation = object_alloc(FPU_BYTES + 64);
	if (!allocation)
		return false;
	area = (u8 *)align_up((u64)allocation, 64);
	memcpy(area, &frame->records.fpu, FPU_BYTES);
	fpu_load(area);
	object_free(allocation);
	return true;
}

static i64 frame_out(u64 sp, const struct thread *thread, struct frame *frame)
{
	u8 *area = (u8 *)align_up((u64)frame + sizeof(*frame), 64);

	fpu_save(area);
	memcpy(&frame->records.fpu, area, FPU_BYTES);
	frame->records.fpu.head = (struct record){MAGIC_FLOAT, FPU_BYTES};
	if (thread->fault.code) {
		frame->records.syndrome = (struct record){MAGIC_SYNDROME, 16};
		frame->records.esr = thread->fault.code;
	}
	return guest_copy_out(sp, frame, sizeof(*frame));
}

bool frame_push(struct thread *thread, i32 signo,
		const struct linux_sigaction *action,
		const struct linux_siginfo *info, u64 mask)
{
	struct guest_state *state = thread->carrier->state;
	u64 chain = align_down(frame_top(thread, action, 0) - 16, 16);
	u64 sp = chain - FRAME_BYTES, link[2] = {state->x[29], state->x[30]};
	struct frame *frame = object_alloc(sizeof(*frame) + FPU_BYTES + 64);
	i64 error;

	if (!frame)
		return false;
	frame->info = *info;
	frame->stack = frame_stack(thread);
	frame->mask = mask;
	frame->fault_address = thread->fault.address;
	memcpy(frame->x, state->x, sizeof(frame->x));
	frame->sp = state->sp;
	frame->pc = state->pc;
	frame->pstate = state->pstate;
	error = frame_out(sp, thread, frame);
	if (!error)
		error = guest_copy_out(chain, link, sizeof(link));
	object_free(frame);
	if (error)
		return false;
	state->x[0] = (u64)signo;
	state->x[1] = sp;
	state->x[2] = sp + OFFSET_OF(struct frame, flags);
	state->x[29] = chain;
	state->x[30] =
		action->flags & SA_RESTORER ? action->restorer : TRAMPOLINE_AT;
	state->sp = sp;
	state->pc = action->handler;
	return true;
}

bool frame_pop(struct thread *thread)
{
	struct guest_state *state = thread->carrier->state;
	struct frame *frame = object_alloc(sizeof(*frame));
	bool good = frame && is_aligned(state->sp, 16) &&
		!guest_copy_in(frame, state->sp, sizeof(*frame)) &&
		frame->pc < GUEST_END && fpu_in(frame);

	if (good) {
		memcpy(state->x, frame->x, sizeof(frame->x));
		state->sp = frame->sp;
		state->pc = frame->pc;
		state->pstate = frame->pstate & PSTATE_FLAGS;
		frame_take(thread, frame->mask, frame->stack);
	}
	object_free(frame);
	return good;
}

u64 frame_bytes(void)
{
	return FRAME_BYTES + 16;
}

i64 frame_prepare(struct mm *mm)
{
	// Unwinders know these two words.
	static const u32 code[] = {
		0xd2801168, // mov x8, #139: rt_sigreturn
		0xd4000001, // svc #0
	};

	return trampoline_map(mm, code, sizeof(code));
}
