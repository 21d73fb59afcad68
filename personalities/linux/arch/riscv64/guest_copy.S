/* SPDX-License-Identifier: MIT
 * Copyright The Kochab authors
 *
 * The only instructions of the personality that touch a guest's memory, from
 * guest_access_first to guest_access_end, and where a fault in one of them goes on.
 * The kernel enters guest_fault_vector with a0 the address that faulted and a1 the
 * instruction; everything else is as it was, so a ret from there returns from the
 * routine that faulted.
 */
	.text
guest_access_first:

/* i64 guest_copy_raw(void *to, const void *from, usize bytes)
 * By words where both can be aligned: an access across words may be slow. */
	.globl guest_copy_raw
	.type guest_copy_raw, @function
guest_copy_raw:
	xor t0, a0, a1
	andi t0, t0, 7
	bnez t0, 5f
1:	andi t0, a0, 7
	beqz t0, 2f
	beqz a2, 7f
	lbu t1, (a1)
	sb t1, (a0)
	addi a1, a1, 1
	addi a0, a0, 1
	addi a2, a2, -1
	j 1b
2:	li t0, 32
	bltu a2, t0, 4f
3:	ld t1, (a1)
	ld t2, 8(a1)
	ld t3, 16(a1)
	ld t4, 24(a1)
	sd t1, (a0)
	sd t2, 8(a0)
	sd t3, 16(a0)
	sd t4, 24(a0)
	addi a1, a1, 32
	addi a0, a0, 32
	addi a2, a2, -32
	bgeu a2, t0, 3b
4:	li t0, 8
	bltu a2, t0, 5f
	ld t1, (a1)
	sd t1, (a0)
	addi a1, a1, 8
	addi a0, a0, 8
	addi a2, a2, -8
	j 4b
5:	add a2, a2, a1
	beq a1, a2, 7f
6:	lbu t1, (a1)
	sb t1, (a0)
	addi a1, a1, 1
	addi a0, a0, 1
	bne a1, a2, 6b
7:	li a0, 0
	ret

/* i64 guest_zero_raw(void *to, usize bytes) */
	.globl guest_zero_raw
	.type guest_zero_raw, @function
guest_zero_raw:
	add a1, a1, a0
1:	beq a0, a1, 4f
	andi t0, a0, 7
	beqz t0, 2f
	sb zero, (a0)
	addi a0, a0, 1
	j 1b
2:	addi t0, a1, -8
	bltu t0, a0, 3f
	sd zero, (a0)
	addi a0, a0, 8
	j 2b
3:	beq a0, a1, 4f
	sb zero, (a0)
	addi a0, a0, 1
	j 3b
4:	li a0, 0
	ret

/* i64 guest_load_raw(const u32 *from, u32 *value) */
	.globl guest_load_raw
	.type guest_load_raw, @function
guest_load_raw:
	lw t0, (a0)
	fence r, rw
	sw t0, (a1)
	li a0, 0
	ret

/* i64 guest_exchange_raw(u32 *at, u32 expected, u32 wanted, u32 *value) */
	.globl guest_exchange_raw
	.type guest_exchange_raw, @function
guest_exchange_raw:
	sext.w a1, a1
1:	lr.w.aqrl t0, (a0)
	bne t0, a1, 2f
	sc.w.rl t1, a2, (a0)
	bnez t1, 1b
2:	sw t0, (a3)
	li a0, 0
	ret
guest_access_end:

	.globl guest_fault_vector
guest_fault_vector:
	lla t0, guest_access_first
	bltu a1, t0, 1f
	lla t0, guest_access_end
	bgeu a1, t0, 1f
	li a0, -14
	ret
1:	ebreak	/* a fault that is ours: the engine hears of it */
	.section .note.GNU-stack, "", @progbits
