// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The x86-64 memory functions under names of their own.
#if defined(__x86_64__)
#undef memcpy
#undef memmove
#undef memset
#define memcpy arch_memcpy
#define memmove arch_memmove
#define memset arch_memset
#include "lib/base/arch/x86_64/memory.S"
#endif
