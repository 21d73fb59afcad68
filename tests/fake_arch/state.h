// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Included before every source by fake.mk: all variables of the kernel go into
// two sections, which a test can save, restore and compare. A test's own sources
// include own.h first, so that theirs do not.
#pragma clang section bss = "kernel_bss" data = "kernel_data"
