// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A processor without an instruction for random numbers that a component may use
// (RISC-V's seed register is the kernel's alone).
#include "services/tokens/random.h"

bool random_word(u64 *word)
{
	(void)word;
	return false;
}
