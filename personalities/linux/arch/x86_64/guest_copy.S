/* SPDX-License-Identifier: MIT
 * Copyright The Kochab authors
 *
 * The only instructions of the personality that touch a guest's memory, and
 * where a fault in one of them goes on. The kernel enters guest_fault_vector with
 * rdi the address that faulted and rsi the instruction; everything else is as it
 * was, so a ret from there returns from the routine that faulted.
 */
	.text

/* i64 guest_copy_raw(void *to, const void *from, usize bytes) */
	.globl guest_copy_raw
	.type guest_copy_raw, @function
guest_copy_raw:
	movq %rdx, %rcx
	shrq $3, %rcx
guest_access_words:
	rep movsq
	movq %rdx, %rcx
	andq $7, %rcx
guest_access_bytes:
	rep movsb
	xorl %eax, %eax
	ret

/* i64 guest_zero_raw(void *to, usize bytes) */
	.globl guest_zero_raw
	.type guest_zero_raw, @function
guest_zero_raw:
	xorl %eax, %eax
	movq %rsi, %rdx
	movq %rsi, %rcx
	shrq $3, %rcx
guest_access_zero_words:
	rep stosq
	movq %rdx, %rcx
	andq $7, %rcx
guest_access_zero_bytes:
	rep stosb
	ret

/* i64 guest_load_raw(const u32 *from, u32 *value) */
	.globl guest_load_raw
	.type guest_load_raw, @function
guest_load_raw:
	movq %rsi, %rdx
guest_access_load:
	movl (%rdi), %ecx
	movl %ecx, (%rdx)
	xorl %eax, %eax
	ret

/* i64 guest_exchange_raw(u32 *at, u32 expected, u32 wanted, u32 *value) */
	.globl guest_exchange_raw
	.type guest_exchange_raw, @function
guest_exchange_raw:
	movl %esi, %eax
guest_access_exchange:
	lock cmpxchgl %edx, (%rdi)
	movl %eax, (%rcx)
	xorl %eax, %eax
	ret

	.globl guest_fault_vector
guest_fault_vector:
	leaq accesses(%rip), %rcx
1:	movq (%rcx), %rdx
	testq %rdx, %rdx
	jz 2f
	addq $8, %rcx
	cmpq %rdx, %rsi
	jne 1b
	movq $-14, %rax
	ret
2:	ud2	/* a fault that is ours: the engine hears of it */

	.section .data.rel.ro, "aw"
	.balign 8
accesses:
	.quad guest_access_words
	.quad guest_access_bytes
	.quad guest_access_zero_words
	.quad guest_access_zero_bytes
	.quad guest_access_load
	.quad guest_access_exchange
	.quad 0
	.section .note.GNU-stack, "", @progbits
