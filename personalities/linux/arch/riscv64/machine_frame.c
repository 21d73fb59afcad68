// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The frame that a signal handler runs on, as RISC-V programs know it: siginfo and
// ucontext with the registers and the floating point state. What comes back is
// checked.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"

struct frame {
	struct linux_siginfo info;
	u64 flags, link;
	struct linux_stack stack;
	u64 mask, padding[16];
	struct thread_registers registers; // in the order of Linux
	u8 fpu[FPU_BYTES]; // for f0-f31 of 16 bytes; ours are of 8
};
static_assert(OFFSET_OF(struct frame, mask) == 128 + 40);
static_assert(OFFSET_OF(struct frame, registers) == 128 + 176);
static_assert(sizeof(struct frame) == 128 + 176 + 256 + 528);

bool frame_push(struct thread *thread, i32 signo,
		const struct linux_sigaction *action,
		const struct linux_siginfo *info, u64 mask)
{
	struct guest_state *state = thread->carrier->state;
	struct frame *frame = object_alloc(sizeof(*frame));
	u64 sp = align_down(frame_top(thread, action, 0) - sizeof(*frame), 16);
	i64 error;

	if (!frame)
		return false;
	frame->info = *info;
	frame->stack = frame_stack(thread);
	frame->mask = mask;
	memcpy(&frame->registers, state, sizeof(frame->registers));
	fpu_save(frame->fpu);
	error = guest_copy_out(sp, frame, sizeof(*frame));
	object_free(frame);
	if (error)
		return false;
	state->a0 = (u64)signo;
	state->a1 = sp;
	state->a2 = sp + OFFSET_OF(struct frame, flags);
	state->ra = TRAMPOLINE_AT;
	state->sp = sp;
	state->pc = action->handler;
	return true;
}

bool frame_pop(struct thread *thread)
{
	struct guest_state *state = thread->carrier->state;
	struct frame *frame = object_alloc(sizeof(*frame));
	bool good = frame && !guest_copy_in(frame, state->sp, sizeof(*frame)) &&
		frame->registers.pc < GUEST_END;

	if (good) {
		memcpy(state, &frame->registers, sizeof(frame->registers));
		fpu_load(frame->fpu);
		frame_take(thread, frame->mask, frame->stack);
	}
	object_free(frame);
	return good;
}

u64 frame_bytes(void)
{
	return MINSIGSTKSZ;
}

i64 frame_prepare(struct mm *mm)
{
	// Unwinders know these two words.
	static const u32 code[] = {
		0x08b00893, // li a7, 139: rt_sigreturn
		0x00000073, // ecall
	};

	return trampoline_map(mm, code, sizeof(code));
}
