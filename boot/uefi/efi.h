// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Of the UEFI Specification 2.10 what main.c uses. Members that it does not use
// are left out as arrays of pointers. EFI_CALL is the firmware's way of calling
// functions (the Makefile says it for each architecture).
#ifndef BOOT_UEFI_EFI_H
#define BOOT_UEFI_EFI_H
#include "lib/base/types.h"

typedef u16 efi_char;

struct efi_guid {
	u32 a;
	u16 b, c;
	u8 d[8];
};

// 4.2 and 4.6
struct efi_table_header {
	u64 signature;
	u32 revision, bytes, crc, reserved;
};
struct efi_configuration {
	struct efi_guid guid;
	const void *table;
};

// 12.4
struct efi_text_output {
	void *reset;
	u64(EFI_CALL *output)(struct efi_text_output *self,
			      const efi_char *text);
};

// 7.2
enum efi_memory_type : u32 {
	EFI_LOADER_CODE = 1,
	EFI_LOADER_DATA = 2,
	EFI_BOOT_CODE = 3,
	EFI_BOOT_DATA = 4,
	EFI_CONVENTIONAL = 7,
	EFI_ACPI_RECLAIM = 9,
	EFI_ACPI_NVS = 10,
};
struct efi_memory {
	enum efi_memory_type type;
	u32 pad;
	u64 start, virtual, npages, attributes;
};
#define EFI_PAGE_BYTES 4096

// 8.3
struct efi_time {
	u16 year;
	u8 month, day, hour, minute, second, pad;
	u32 nanosecond;
	i16 zone_minutes; // with the time shown make UTC; 2047: unknown
	u8 daylight, pad2;
};
struct efi_runtime_services {
	struct efi_table_header header;
	u64(EFI_CALL *get_time)(struct efi_time *time, void *abilities);
};
#define EFI_ALLOCATE_BELOW 1 // the address is the highest that will do

// 7, in the order of the table
struct efi_boot_services {
	struct efi_table_header header;
	void *task_priority[2];
	u64(EFI_CALL *allocate_pages)(u32 how, u32 type, u64 npages,
				      u64 *address);
	void *free_pages;
	u64(EFI_CALL *get_memory_map)(u64 *bytes, void *map, u64 *key,
				      u64 *entry_bytes, u32 *version);
	void *pool[2], *events[6], *install_protocol[3];
	u64(EFI_CALL *handle_protocol)(void *handle,
				       const struct efi_guid *protocol,
				       void **interface);
	void *locate[4], *install_table, *images[4];
	u64(EFI_CALL *exit_boot_services)(void *image, u64 key);
	void *next_count, *stall, *watchdog, *connect[2], *open_protocol[4];
	void *locate_buffer;
	u64(EFI_CALL *locate_protocol)(const struct efi_guid *protocol,
				       void *registration, void **interface);
};
static_assert(OFFSET_OF(struct efi_boot_services, handle_protocol) == 152);
static_assert(OFFSET_OF(struct efi_boot_services, exit_boot_services) == 232);
static_assert(OFFSET_OF(struct efi_boot_services, locate_protocol) == 320);

struct efi_system_table {
	struct efi_table_header header;
	const efi_char *vendor;
	u32 revision;
	void *input[3];
	struct efi_text_output *output;
	void *error[2];
	struct efi_runtime_services *runtime;
	struct efi_boot_services *boot;
	u64 ntables;
	const struct efi_configuration *table;
};
static_assert(OFFSET_OF(struct efi_system_table, boot) == 96);

// 9.1
struct efi_loaded_image {
	u32 revision;
	void *parent, *system_table, *device;
};

// 13.4, 13.5
struct efi_file {
	u64 revision;
	u64(EFI_CALL *open)(struct efi_file *self, struct efi_file **out,
			    const efi_char *name, u64 mode, u64 attributes);
	void *close, *delete;
	u64(EFI_CALL *read)(struct efi_file *self, u64 *bytes, void *to);
	void *write;
	u64(EFI_CALL *get_position)(struct efi_file *self, u64 *at);
	u64(EFI_CALL *set_position)(struct efi_file *self, u64 at);
};
#define EFI_FILE_READ 1
struct efi_file_system {
	u64 revision;
	u64(EFI_CALL *open_volume)(struct efi_file_system *self,
				   struct efi_file **root);
};

// 12.9
struct efi_picture_info {
	u32 version, width, height;
	u32 pixels; // 0 red, green, blue; 1 blue, green, red; others
	u32 mask[4];
	u32 row_pixels;
};
struct efi_picture_mode {
	u32 nmodes, mode;
	const struct efi_picture_info *info;
	u64 info_bytes;
	u64 address, bytes;
};
struct efi_graphics {
	void *query, *set, *block_transfer;
	const struct efi_picture_mode *mode;
};

#define EFI_ERROR (1ull << 63)
#define EFI_LOAD_ERROR (EFI_ERROR | 1)
#endif
