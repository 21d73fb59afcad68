// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The first stack of a program: System V ABI for x86-64, section 3.4.1, and the
// same on the other architectures. From the top: strings, random bytes, then (at a multiple of 16) argc, argv, envp, auxv.
#include "abi/constants.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/container.h"
#include "personalities/linux/cpu.h"
#include "personalities/linux/exec.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"

#define AT_NULL 0
#define AT_IGNORE 1
#define AT_PHDR 3
#define AT_PHENT 4
#define AT_PHNUM 5
#define AT_PAGESZ 6
#define AT_BASE 7
#define AT_FLAGS 8
#define AT_ENTRY 9
#define AT_UID 11
#define AT_EUID 12
#define AT_GID 13
#define AT_EGID 14
#define AT_PLATFORM 15
#define AT_HWCAP 16
#define AT_CLKTCK 17
#define AT_SECURE 23
#define AT_RANDOM 25
#define AT_HWCAP2 26
#define AT_EXECFN 31
#define AT_MINSIGSTKSZ 51

#define AUXILIARY_MAX 24u

struct pair {
	u64 type, value;
};

static u32 auxiliary(struct thread *thread, const struct exec_image *image,
		     u64 base, u64 random, u64 name, u64 platform,
		     struct pair *out)
{
	const struct elf_image *elf = &image->program->image;
	struct process *p = thread->process;
	const struct pair all[] = {
		{AT_HWCAP, cpu_capabilities()},
		{AT_PAGESZ, PAGE},
		{AT_CLKTCK, CLOCK_TICKS},
		{AT_PHDR, elf->table_address ? elf->table_address + base : 0},
		{AT_PHENT, ELF_PROGRAM_BYTES},
		{AT_PHNUM, elf->table_count},
		{AT_BASE, 0},
		{AT_FLAGS, 0},
		{AT_ENTRY, elf->entry + base},
		{AT_UID, p->uid},
		{AT_EUID, p->euid},
		{AT_GID, p->gid},
		{AT_EGID, p->egid},
		{AT_SECURE, 0},
		{AT_RANDOM, random},
		{AT_HWCAP2, 0},
		{AT_EXECFN, name},
		{*PLATFORM_NAME ? AT_PLATFORM : AT_IGNORE, platform},
		{AT_MINSIGSTKSZ, frame_bytes()},
		{AT_NULL, 0},
	};

	static_assert(ARRAY_COUNT(all) <= AUXILIARY_MAX);
	memcpy(out, all, sizeof(all));
	return ARRAY_COUNT(all);
}

// Fill count addresses of strings that lie at address in the guest.
static u64 *addresses(u64 *to, const struct strings *strings, u64 address)
{
	const char *at = strings->text;

	for (u32 i = 0; i < strings->count; i++) {
		*to++ = address + (u64)(at - strings->text);
		at += strlen(at) + 1;
	}
	*to++ = 0;
	return to;
}

i64 exec_stack(struct thread *thread, const struct exec_image *image, u64 base,
	       u64 *sp)
{
	struct mm *mm = thread->process->mm;
	static const char platform[] = PLATFORM_NAME;
	u64 at = STACK_TOP - 16, words, table_at, name_at, random_at,
	    platform_at;
	u8 random[16];
	u64 *table, *end;
	i64 error;

	at -= strlen(image->name) + 1;
	name_at = at;
	at -= image->environment.bytes;
	mm->environment_start = at;
	mm->environment_end = at + image->environment.bytes;
	at -= image->arguments.bytes;
	mm->argument_start = at;
	mm->argument_end = at + image->arguments.bytes;
	at -= sizeof(platform);
	platform_at = at;
	at = align_down(at - sizeof(random), 16);
	random_at = at;
	words = 1 + image->arguments.count + 1 + image->environment.count + 1 +
		AUXILIARY_MAX * 2;
	table_at = align_down(at - words * 8, 16);

	table = object_alloc(words * 8);
	if (!table)
		return -ENOMEM;
	table[0] = image->arguments.count;
	end = addresses(table + 1, &image->arguments, mm->argument_start);
	end = addresses(end, &image->environment, mm->environment_start);
	(void)auxiliary(thread, image, base, random_at, name_at, platform_at,
			(struct pair *)end);
	random_bytes(random, sizeof(random));
	error = guest_copy_out(table_at, table, words * 8);
	object_free(table);
	if (!error)
		error = guest_copy_out(random_at, random, sizeof(random));
	if (!error)
		error = guest_copy_out(platform_at, platform, sizeof(platform));
	if (!error)
		error = guest_copy_out(mm->argument_start,
				       image->arguments.text,
				       image->arguments.bytes);
	if (!error)
		error = guest_copy_out(mm->environment_start,
				       image->environment.text,
				       image->environment.bytes);
	if (!error)
		error = guest_copy_out(name_at, image->name,
				       strlen(image->name) + 1);
	*sp = table_at;
	return error;
}
