// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Variables from here on are the test's own: no part of the kernel's state.
#pragma clang section bss = "" data = ""
