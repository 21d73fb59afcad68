/* SPDX-License-Identifier: MIT
 * Copyright The Kochab authors
 *
 * The only instructions of the personality that touch a guest's memory, from
 * guest_access_first to guest_access_end, and where a fault in one of them goes on.
 * The kernel enters guest_fault_vector with x0 the address that faulted and x1 the
 * instruction; everything else is as it was, so a ret from there returns from the
 * routine that faulted.
 */
	.text
guest_access_first:

/* i64 guest_copy_raw(void *to, const void *from, usize bytes) */
	.globl guest_copy_raw
	.type guest_copy_raw, @function
guest_copy_raw:
	subs x2, x2, #64
	b.lo 2f
1:	ldp x4, x5, [x1]
	ldp x6, x7, [x1, #16]
	ldp x8, x9, [x1, #32]
	ldp x10, x11, [x1, #48]
	stp x4, x5, [x0]
	stp x6, x7, [x0, #16]
	stp x8, x9, [x0, #32]
	stp x10, x11, [x0, #48]
	add x1, x1, #64
	add x0, x0, #64
	subs x2, x2, #64
	b.hs 1b
2:	adds x2, x2, #56	/* -64 + 56: bytes left less 8 */
	b.mi 4f
3:	ldr x4, [x1], #8
	str x4, [x0], #8
	subs x2, x2, #8
	b.pl 3b
4:	adds x2, x2, #8
	b.eq 6f
5:	ldrb w4, [x1], #1
	strb w4, [x0], #1
	subs x2, x2, #1
	b.ne 5b
6:	mov x0, #0
	ret

/* i64 guest_zero_raw(void *to, usize bytes) */
	.globl guest_zero_raw
	.type guest_zero_raw, @function
guest_zero_raw:
	subs x1, x1, #16
	b.lo 2f
1:	stp xzr, xzr, [x0], #16
	subs x1, x1, #16
	b.hs 1b
2:	adds x1, x1, #16
	b.eq 4f
3:	strb wzr, [x0], #1
	subs x1, x1, #1
	b.ne 3b
4:	mov x0, #0
	ret

/* i64 guest_load_raw(const u32 *from, u32 *value) */
	.globl guest_load_raw
	.type guest_load_raw, @function
guest_load_raw:
	ldar w2, [x0]
	str w2, [x1]
	mov x0, #0
	ret

/* i64 guest_exchange_raw(u32 *at, u32 expected, u32 wanted, u32 *value) */
	.globl guest_exchange_raw
	.type guest_exchange_raw, @function
guest_exchange_raw:
	casal w1, w2, [x0]
	str w1, [x3]
	mov x0, #0
	ret
guest_access_end:

	.globl guest_fault_vector
guest_fault_vector:
	adr x2, guest_access_first
	adr x3, guest_access_end
	cmp x1, x2
	b.lo 1f
	cmp x1, x3
	b.hs 1f
	mov x0, #-14
	ret
1:	brk #1	/* a fault that is ours: the engine hears of it */
	.section .note.GNU-stack, "", @progbits
