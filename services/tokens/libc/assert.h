// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What libsodium expects of a C library. A broken assertion ends the component,
// which the engine starts again.
#pragma once
#define assert(condition) ((condition) ? (void)0 : __builtin_trap())
