// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Random numbers of the processor, where it has an instruction for them.
#pragma once

#include "lib/base/types.h"

bool random_word(u64 *word); // false: it has none, or none just now
