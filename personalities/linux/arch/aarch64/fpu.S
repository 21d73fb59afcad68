/* SPDX-License-Identifier: MIT
 * Copyright The Kochab authors
 *
 * The FPU registers, which are always those of the guest that this carrier runs:
 * the personality is compiled without use of them. A saved state is the record
 * that signal frames contain: 8 bytes of head (machine_frame.c), FPSR, FPCR,
 * V0 to V31.
 */
	.arch armv8-a+fp+simd
	.text
	.globl fpu_init
fpu_init:
	ret

/* void fpu_save(void *area) */
	.globl fpu_save
fpu_save:
	mrs x1, fpsr
	mrs x2, fpcr
	stp w1, w2, [x0, #8]
	add x0, x0, #16
	stp q0, q1, [x0, #0]
	stp q2, q3, [x0, #32]
	stp q4, q5, [x0, #64]
	stp q6, q7, [x0, #96]
	stp q8, q9, [x0, #128]
	stp q10, q11, [x0, #160]
	stp q12, q13, [x0, #192]
	stp q14, q15, [x0, #224]
	stp q16, q17, [x0, #256]
	stp q18, q19, [x0, #288]
	stp q20, q21, [x0, #320]
	stp q22, q23, [x0, #352]
	stp q24, q25, [x0, #384]
	stp q26, q27, [x0, #416]
	stp q28, q29, [x0, #448]
	stp q30, q31, [x0, #480]
	ret

/* void fpu_load(const void *area) */
	.globl fpu_load
fpu_load:
	ldp w1, w2, [x0, #8]
	msr fpsr, x1
	msr fpcr, x2
	add x0, x0, #16
	ldp q0, q1, [x0, #0]
	ldp q2, q3, [x0, #32]
	ldp q4, q5, [x0, #64]
	ldp q6, q7, [x0, #96]
	ldp q8, q9, [x0, #128]
	ldp q10, q11, [x0, #160]
	ldp q12, q13, [x0, #192]
	ldp q14, q15, [x0, #224]
	ldp q16, q17, [x0, #256]
	ldp q18, q19, [x0, #288]
	ldp q20, q21, [x0, #320]
	ldp q22, q23, [x0, #352]
	ldp q24, q25, [x0, #384]
	ldp q26, q27, [x0, #416]
	ldp q28, q29, [x0, #448]
	ldp q30, q31, [x0, #480]
	ret

/* void fpu_reset(void) */
	.globl fpu_reset
fpu_reset:
	msr fpsr, xzr
	msr fpcr, xzr
	movi v0.2d, #0
	movi v1.2d, #0
	movi v2.2d, #0
	movi v3.2d, #0
	movi v4.2d, #0
	movi v5.2d, #0
	movi v6.2d, #0
	movi v7.2d, #0
	movi v8.2d, #0
	movi v9.2d, #0
	movi v10.2d, #0
	movi v11.2d, #0
	movi v12.2d, #0
	movi v13.2d, #0
	movi v14.2d, #0
	movi v15.2d, #0
	movi v16.2d, #0
	movi v17.2d, #0
	movi v18.2d, #0
	movi v19.2d, #0
	movi v20.2d, #0
	movi v21.2d, #0
	movi v22.2d, #0
	movi v23.2d, #0
	movi v24.2d, #0
	movi v25.2d, #0
	movi v26.2d, #0
	movi v27.2d, #0
	movi v28.2d, #0
	movi v29.2d, #0
	movi v30.2d, #0
	movi v31.2d, #0
	ret
	.section .note.GNU-stack, "", @progbits
