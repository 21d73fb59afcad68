// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The XSAVE area, for signal frames.
#pragma once
#include "lib/base/types.h"

extern u32 fpu_bytes; // of a saved state
extern u64 fpu_features; // XCR0; 0: fxsave only
// Make a state that came from outside harmless to load.
void fpu_sanitize(void *area);
