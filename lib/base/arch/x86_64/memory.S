// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// memcpy, memmove and memset for x86-64. Bulk goes by eight bytes a step: an
// emulator counts each step of a string instruction, so single bytes are for
// the rest only. No SSE: kernel and services are built without it.

	.text

	.globl	memcpy
	.type	memcpy, @function
memcpy:
	mov	%rdi, %rax
	mov	%rdx, %rcx
	cmp	$32, %rdx
	ja	1f
	cmp	$16, %edx
	jae	3f
	cmp	$8, %edx
	jae	4f
	cmp	$4, %edx
	jae	5f
	test	%edx, %edx
	jz	2f
	movzbl	(%rsi), %r8d
	movzbl	-1(%rsi,%rdx), %r9d
	shr	%edx
	movzbl	(%rsi,%rdx), %r10d
	mov	%r10b, (%rdi,%rdx)
	mov	%r8b, (%rdi)
	mov	%r9b, -1(%rdi,%rcx)
2:	ret
	// 33 and more: the last 8 bytes first, then whole words from the start.
1:	mov	-8(%rsi,%rdx), %r8
	mov	%rdi, %r9
	shr	$3, %rcx
	rep movsq
	mov	%r8, -8(%r9,%rdx)
	ret
	// 16 to 32, 8 to 15, 4 to 7: from both ends, all loads before all stores.
3:	mov	(%rsi), %rcx
	mov	8(%rsi), %r8
	mov	-16(%rsi,%rdx), %r9
	mov	-8(%rsi,%rdx), %r10
	mov	%rcx, (%rdi)
	mov	%r8, 8(%rdi)
	mov	%r9, -16(%rdi,%rdx)
	mov	%r10, -8(%rdi,%rdx)
	ret
4:	mov	(%rsi), %rcx
	mov	-8(%rsi,%rdx), %r8
	mov	%rcx, (%rdi)
	mov	%r8, -8(%rdi,%rdx)
	ret
5:	mov	(%rsi), %ecx
	mov	-4(%rsi,%rdx), %r8d
	mov	%ecx, (%rdi)
	mov	%r8d, -4(%rdi,%rdx)
	ret
	.size	memcpy, . - memcpy

	.globl	memmove
	.type	memmove, @function
memmove:
	mov	%rdi, %rcx
	sub	%rsi, %rcx
	cmp	%rdx, %rcx
	jb	1f
	// The target does not start within the source: forwards is right, but
	// the last word must not be read early from where it was overwritten.
	cmp	$32, %rdx
	jbe	memcpy
	mov	%rdi, %rax
	mov	%rdx, %rcx
	shr	$3, %rcx
	rep movsq
	mov	%edx, %ecx
	and	$7, %ecx
	rep movsb
	ret
1:	cmp	$32, %rdx
	jbe	memcpy
	// Backwards: the odd bytes at the end, then words.
	mov	%rdi, %rax
	lea	-1(%rdi,%rdx), %rdi
	lea	-1(%rsi,%rdx), %rsi
	mov	%edx, %ecx
	and	$7, %ecx
	std
	rep movsb
	sub	$7, %rdi
	sub	$7, %rsi
	mov	%rdx, %rcx
	shr	$3, %rcx
	rep movsq
	cld
	ret
	.size	memmove, . - memmove

	.globl	memset
	.type	memset, @function
memset:
	mov	%rdi, %r9
	movzbl	%sil, %eax
	movabs	$0x0101010101010101, %rcx
	imul	%rcx, %rax
	cmp	$8, %rdx
	jb	1f
	mov	%rax, -8(%rdi,%rdx)
	mov	%rdx, %rcx
	shr	$3, %rcx
	rep stosq
	mov	%r9, %rax
	ret
1:	mov	%edx, %ecx
	rep stosb
	mov	%r9, %rax
	ret
	.size	memset, . - memset

	.section .note.GNU-stack, "", @progbits
