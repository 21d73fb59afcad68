// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What programs are told of a RISC-V hart: the extensions that all programs of
// Debian are compiled for, RV64GC.
#include "personalities/linux/cpu.h"

#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/sys/component.h"

#define EXTENSION(letter) (1u << ((letter) - 'a'))

u64 cpu_capabilities(void)
{
	return EXTENSION('i') | EXTENSION('m') | EXTENSION('a') |
		EXTENSION('f') | EXTENSION('d') | EXTENSION('c');
}

bool cpu_random(u64 *word)
{
	(void)word; // the seed register is the kernel's alone
	return false;
}

usize cpu_text(char *to, usize size, u32 number, u32 count)
{
	(void)count;
	return MIN(size,
		   format_text(to, size,
			       "processor\t: %u\nhart\t\t: %u\n"
			       "isa\t\t: rv64imafdc\nmmu\t\t: %s\n\n",
			       number, number,
			       USER_END > 1ull << 38 ? "sv48" : "sv39"));
}
