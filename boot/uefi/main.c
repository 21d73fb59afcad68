// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// BOOTX64.EFI and BOOTAA64.EFI: our own first stage under UEFI, with the
// compressed kernel as a section of the same file. It takes the boot archive and
// the command line from the file system that it was started from:
//     \kochab\boot.tar      \kochab\cmdline
// asks the firmware for memory map, ACPI root, device tree and picture, unpacks the
// kernel, leaves the boot services and starts it. What is wrong is said on the
// firmware's console, and the firmware goes on with its next boot entry.
//
// Position-independent and without relocations: no pointers in constants.
#include "boot/calendar.h"
#include "boot/uefi/efi.h"
#include "boot/uefi/stub.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define MAP_BYTES 32768u
#define MAP_SLACK_ENTRIES 16
#define TREE_MAX_BYTES ((2u << 20) - 2 * EFI_PAGE_BYTES) // see handoff.h

extern const u8 kernel_start[], kernel_end[]; // the section .kernel

static struct efi_system_table *table;
static struct efi_boot_services *boot;
static struct boot_handoff *handoff;

static const struct efi_guid loaded_image_guid = {
	0x5b1b31a1,
	0x9562,
	0x11d2,
	{0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const struct efi_guid file_system_guid = {
	0x964e5b22,
	0x6459,
	0x11d2,
	{0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const struct efi_guid graphics_guid = {
	0x9042a9de,
	0x23dc,
	0x4a38,
	{0x96, 0xfb, 0x7a, 0xde, 0xd0, 0x80, 0x51, 0x6a}};
static const struct efi_guid acpi_guid = {
	0x8868e871,
	0xe4f1,
	0x11d3,
	{0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81}};
static const struct efi_guid tree_guid = {
	0xb1b621d5,
	0xf19c,
	0x41a5,
	{0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0}};

static void say(const char *text)
{
	efi_char wide[2] = {};

	for (; *text; text++) {
		wide[0] = (efi_char)*text;
		table->output->output(table->output, wide);
	}
}

static u64 fail(const char *text)
{
	say("kochab: ");
	say(text);
	say("\r\n");
	return EFI_LOAD_ERROR;
}

// Whole pages below what the architecture can use; NULL: there are none.
static u8 *allocate(u64 bytes)
{
	u64 address = arch_highest();

	if (boot->allocate_pages(
		    EFI_ALLOCATE_BELOW, EFI_LOADER_DATA,
		    align_up(bytes, EFI_PAGE_BYTES) / EFI_PAGE_BYTES, &address))
		return nullptr;
	return (u8 *)address;
}

static const void *configuration(const struct efi_guid *guid)
{
	for (u64 i = 0; i < table->ntables; i++)
		if (memcmp(&table->table[i].guid, guid, sizeof *guid) == 0)
			return table->table[i].table;
	return nullptr;
}

// ---- files
static struct efi_file *open_root(void *image)
{
	struct efi_loaded_image *self;
	struct efi_file_system *volume;
	struct efi_file *root;

	if (boot->handle_protocol(image, &loaded_image_guid, (void **)&self) ||
	    boot->handle_protocol(self->device, &file_system_guid,
				  (void **)&volume) ||
	    volume->open_volume(volume, &root))
		return nullptr;
	return root;
}

// A file, and its size in bytes; NULL if there is none.
static struct efi_file *open_file(struct efi_file *root, const efi_char *name,
				  u64 *bytes)
{
	struct efi_file *file;

	if (!root || root->open(root, &file, name, EFI_FILE_READ, 0) ||
	    file->set_position(file, ~0ull) ||
	    file->get_position(file, bytes) || file->set_position(file, 0))
		return nullptr;
	return file;
}

static bool read_archive(struct efi_file *root)
{
	u64 bytes, got;
	struct efi_file *file = open_file(root, u"\\kochab\\boot.tar", &bytes);
	u8 *to;

	if (!file || !bytes) {
		fail("there is no \\kochab\\boot.tar beside this kernel");
		return true; // the kernel's log says what that means
	}
	to = allocate(bytes);
	got = bytes;
	if (!to || file->read(file, &got, to) || got != bytes)
		return false;
	handoff->archive_start = (u64)to;
	handoff->archive_size = bytes;
	return true;
}

static void read_command_line(struct efi_file *root)
{
	u64 bytes, limit = sizeof handoff->command_line - 1;
	struct efi_file *file = open_file(root, u"\\kochab\\cmdline", &bytes);
	char *line = handoff->command_line;

	if (!file)
		return;
	if (bytes > limit)
		strlcat(handoff->warnings, "command line cut",
			sizeof handoff->warnings);
	if (file->read(file, &limit, line))
		limit = 0;
	line[limit] = 0;
	for (u64 i = 0; i < limit; i++) // line ends too
		if ((u8)line[i] < ' ')
			line[i] = ' ';
}

// ---- facts
// A clock that does not say its zone is taken to show UTC.
static u64 read_clock(void)
{
	struct efi_time now;
	u64 seconds;

	if (table->runtime->get_time(&now, nullptr))
		return 0;
	seconds = calendar_seconds(&(struct calendar_time){
		now.second, now.minute, now.hour, now.day, now.month, now.year});
	if (seconds && now.zone_minutes >= -1440 && now.zone_minutes <= 1440)
		seconds += (u64)((i64)now.zone_minutes * 60);
	return seconds;
}

static void read_picture(void)
{
	struct efi_graphics *graphics;
	const struct efi_picture_mode *mode;

	if (boot->locate_protocol(&graphics_guid, nullptr, (void **)&graphics))
		return;
	mode = graphics->mode;
	if (mode->info->pixels > 1)
		return;
	handoff->framebuffer = (struct boot_framebuffer){
		.address = mode->address,
		.size = mode->bytes,
		.pitch = mode->info->row_pixels * 4,
		.width = mode->info->width,
		.height = mode->info->height,
		.pixels =
			mode->info->pixels ? BOOT_PIXELS_BGR : BOOT_PIXELS_RGB,
	};
}

static enum boot_range_kind range_kind(enum efi_memory_type type)
{
	switch (type) {
	case EFI_LOADER_CODE:
	case EFI_LOADER_DATA:
	case EFI_BOOT_CODE:
	case EFI_BOOT_DATA:
	case EFI_CONVENTIONAL:
		return BOOT_RANGE_USABLE;
	case EFI_ACPI_RECLAIM:
	case EFI_ACPI_NVS:
		return BOOT_RANGE_ACPI;
	default:
		return BOOT_RANGE_RESERVED;
	}
}

// Neighbours of a kind become one; the map comes in order of address in practice,
// and the kernel sorts it again.
static bool add_range(u64 start, u64 size, enum boot_range_kind kind)
{
	struct boot_range *next = &handoff->range[handoff->nranges];

	if (handoff->nranges && next[-1].kind == kind &&
	    next[-1].start + next[-1].size == start) {
		next[-1].size += size;
		return true;
	}
	if (handoff->nranges == BOOT_RANGES)
		return false;
	*next = (struct boot_range){start, size, kind};
	handoff->nranges++;
	return true;
}

static bool read_map(u8 *map, u64 *key)
{
	u64 bytes = MAP_BYTES, entry_bytes;
	u32 version;

	if (boot->get_memory_map(&bytes, map, key, &entry_bytes, &version))
		return false;
	handoff->nranges = 0;
	for (u64 at = 0; at + entry_bytes <= bytes; at += entry_bytes) {
		const struct efi_memory *entry = (void *)(map + at);

		if (!add_range(entry->start, entry->npages * EFI_PAGE_BYTES,
			       range_kind(entry->type)))
			return false;
	}
	return true;
}

// Is this memory all one usable range, and nothing that was loaded in it?
static bool place_free(u64 start, u64 bytes, const u8 *image, const u8 *rest)
{
	const u64 taken[] = {(u64)image,
			     bytes,
			     (u64)handoff,
			     (u64)(rest - (u8 *)handoff),
			     handoff->archive_start,
			     handoff->archive_size};

	for (u32 i = 0; i < ARRAY_COUNT(taken); i += 2)
		if (start < taken[i] + taken[i + 1] && taken[i] < start + bytes)
			return false;
	for (u32 i = 0; i < handoff->nranges; i++) {
		const struct boot_range *range = &handoff->range[i];

		if (range->kind == BOOT_RANGE_USABLE && range->start <= start &&
		    range_within(start - range->start, bytes, range->size))
			return true;
	}
	return false;
}

u64 efi_main(void *self, struct efi_system_table *system_table)
{
	const struct compressed *kernel = (const void *)kernel_start;
	const void *tree;
	u32 tree_bytes = 0;
	u64 key, room;
	struct efi_file *root;
	u8 *page, *map, *image;

	table = system_table;
	boot = table->boot;
	if (!compressed_check(kernel, (u64)(kernel_end - kernel_start)))
		return fail("the kernel in this file is damaged; not started");
	tree = configuration(&tree_guid);
	if (tree)
		tree_bytes = load_be32((const u8 *)tree + 4);
	if (tree_bytes > TREE_MAX_BYTES)
		return fail("the device tree is too large");
	// One block: handoff, device tree, a page, the memory map
	room = align_up(sizeof *handoff, EFI_PAGE_BYTES) +
		align_up(tree_bytes, EFI_PAGE_BYTES);
	handoff = (void *)allocate(room + EFI_PAGE_BYTES + MAP_BYTES);
	image = allocate(kernel->memory_bytes + kernel->alignment);
	if (!handoff || !image)
		return fail("too little memory");
	page = (u8 *)handoff + room;
	map = page + EFI_PAGE_BYTES;
	image = (u8 *)align_up((u64)image, kernel->alignment);
	memset(handoff, 0, room);
	handoff->magic = HANDOFF_MAGIC;
	handoff->bytes = sizeof *handoff;
	handoff->way = BOOT_WAY_UEFI;
	handoff->acpi_rsdp = (u64)configuration(&acpi_guid);
	handoff->realtime_seconds = read_clock();
	if (tree) {
		handoff->device_tree = (u64)handoff +
			align_up(sizeof *handoff, EFI_PAGE_BYTES);
		memcpy((void *)handoff->device_tree, tree, tree_bytes);
	}
	if (!compressed_unpack(kernel, image))
		return fail("the kernel cannot be unpacked; not started");
	root = open_root(self);
	read_command_line(root);
	if (!read_archive(root))
		return fail("\\kochab\\boot.tar cannot be read");
	read_picture();
	if (!read_map(map, &key))
		return fail("the memory map is too large");
	if (kernel->address &&
	    !place_free(kernel->address, kernel->memory_bytes, image,
			map + MAP_BYTES))
		return fail("the kernel's place in memory is taken");
	// The map may change until the services are gone: once more, and again
	// if the firmware says so (7.4.6).
	for (u32 i = 0; i < 4; i++)
		if (read_map(map, &key) &&
		    boot->exit_boot_services(self, key) == 0)
			arch_enter(handoff, kernel, image, page);
	return fail("the firmware does not let go");
}
