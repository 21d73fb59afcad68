// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What libsodium expects of a C library: nothing of this header is used.
#pragma once
