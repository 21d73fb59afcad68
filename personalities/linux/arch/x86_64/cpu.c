// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What CPUID says of the machine: Intel SDM volume 2, CPUID; and RDRAND.
#include "personalities/linux/cpu.h"

#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/string.h"

struct cpuid {
	u32 a, b, c, d;
};

static struct cpuid cpuid(u32 leaf, u32 part)
{
	struct cpuid out = {.a = leaf, .c = part};

	__asm__ volatile("cpuid"
			 : "+a"(out.a), "=b"(out.b), "+c"(out.c), "=d"(out.d));
	return out;
}

u64 cpu_capabilities(void)
{
	return cpuid(1, 0).d;
}

bool cpu_random(u64 *word)
{
	u8 good = 0;

	if (!(cpuid(1, 0).c & 1u << 30))
		return false;
	for (u32 tries = 0; tries < 16 && !good; tries++)
		__asm__ volatile("rdrand %0; setc %1"
				 : "=r"(*word), "=q"(good));
	return good;
}

// Names that Linux gives to the bits, from bit 0 on; "-" is one without.
static const char leaf_1_d[] =
	"fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat "
	"pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe ";
static const char extended_1_d[] =
	"- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - "
	"fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow ";
static const char leaf_1_c[] =
	"pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg "
	"fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt "
	"tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor ";
static const char extended_1_c[] =
	"lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse "
	"3dnowprefetch osvw ibs xop skinit wdt - lwp fma4 tce - nodeid_msr - "
	"tbm topoext perfctr_core perfctr_nb - bpext ptsc perfctr_llc "
	"mwaitx - - ";
static const char leaf_7_b[] =
	"fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm "
	"cqm - mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma - "
	"clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw "
	"avx512vl ";
static const char leaf_7_c[] =
	"- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes "
	"vpclmulqdq avx512_vnni avx512_bitalg tme avx512_vpopcntdq - la57 - - "
	"- - - rdpid - bus_lock_detect cldemote - movdiri movdir64b enqcmd - "
	"- ";

static usize names(char *to, usize size, u32 bits, const char *list)
{
	usize length = 0;

	for (; *list; bits >>= 1) {
		const char *end = strchr(list, ' ');

		if ((bits & 1) && *list != '-' && length < size)
			length += format_text(to + length, size - length,
					      " %.*s", (int)(end - list), list);
		list = end + 1;
	}
	return MIN(length, size);
}

static usize flags_text(char *to, usize size)
{
	struct cpuid one = cpuid(1, 0), seven = {}, extended = {};
	usize length;

	if (cpuid(0, 0).a >= 7)
		seven = cpuid(7, 0);
	if (cpuid(0x80000000, 0).a >= 0x80000001)
		extended = cpuid(0x80000001, 0);
	length = names(to, size, one.d, leaf_1_d);
	length += names(to + length, size - length, extended.d, extended_1_d);
	length += names(to + length, size - length, one.c, leaf_1_c);
	length += names(to + length, size - length, extended.c, extended_1_c);
	length += names(to + length, size - length, seven.b, leaf_7_b);
	length += names(to + length, size - length, seven.c, leaf_7_c);
	return length;
}

static void model_name(char out[49])
{
	memset(out, 0, 49);
	if (cpuid(0x80000000, 0).a < 0x80000004) {
		strlcpy(out, "unknown", 49);
		return;
	}
	for (u32 i = 0; i < 3; i++) {
		struct cpuid part = cpuid(0x80000002 + i, 0);

		memcpy(out + i * 16, &part, 16);
	}
}

usize cpu_text(char *to, usize size, u32 number, u32 count)
{
	struct cpuid zero = cpuid(0, 0), one = cpuid(1, 0), sizes = {};
	u32 family = one.a >> 8 & 15, model = one.a >> 4 & 15;
	char vendor[13] = {}, name[49];
	usize length;

	memcpy(vendor, &zero.b, 4);
	memcpy(vendor + 4, &zero.d, 4);
	memcpy(vendor + 8, &zero.c, 4);
	model_name(name);
	if (family >= 6)
		model |= one.a >> 12 & 0xf0;
	if (family == 15)
		family += one.a >> 20 & 0xff;
	if (cpuid(0x80000000, 0).a >= 0x80000008)
		sizes = cpuid(0x80000008, 0);
	length = format_text(
		to, size,
		"processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\n"
		"model\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n"
		"cpu MHz\t\t: 1000.000\nphysical id\t: 0\nsiblings\t: %u\n"
		"core id\t\t: %u\ncpu cores\t: %u\napicid\t\t: %u\n"
		"initial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n"
		"cpuid level\t: %u\nwp\t\t: yes\nflags\t\t:",
		number, vendor, family, model, name, one.a & 15, count, number,
		count, number, number, zero.a);
	length = MIN(length, size);
	length += flags_text(to + length, size - length);
	length += format_text(
		to + length, size - length,
		"\nbogomips\t: 2000.00\nclflush size\t: %u\n"
		"cache_alignment\t: 64\naddress sizes\t: %u bits physical, "
		"%u bits virtual\npower management:\n\n",
		(one.b >> 8 & 0xff) * 8, sizes.a & 0xff, sizes.a >> 8 & 0xff);
	return MIN(length, size);
}
