// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See volume.h: the volume as a whole, and what FatFs asks of whoever links it.
#include "services/fat/volume.h"

#include "lib/base/string.h"
#include "services/fat/contents.h"
#include "services/fat/fatfs.h"
#include "services/fat/nodes.h"
#include "services/fat/times.h"

FATFS fat;
enum status fat_disk_error;
static FATFS before; // at volume_begin()
static WCHAR long_name[FF_MAX_LFN + 1];

// ---- what FatFs asks for

static DRESULT result_of(enum status status)
{
	if (status == STATUS_OK)
		return RES_OK;
	fat_disk_error = status;
	return status == ERR_READONLY ? RES_WRPRT : RES_ERROR;
}

DRESULT disk_read(void *drive, BYTE *data, DWORD sector, UINT count)
{
	(void)drive;
	return result_of(journal_read(sector, count, data));
}

DRESULT disk_write(void *drive, const BYTE *data, DWORD sector, UINT count)
{
	(void)drive;
	return result_of(journal_write(sector, count, data));
}

DRESULT disk_ioctl(void *drive, BYTE command, void *buffer)
{
	(void)drive;
	if (command == IOCTL_INIT || command == IOCTL_STATUS)
		*(DSTATUS *)buffer = disk_facts().absent ? STA_NODISK | STA_NOINIT
				     : disk_facts().read_only ? STA_PROTECT
							      : 0;
	return RES_OK;
}

DWORD get_fattime(void)
{
	return fat_time_from_ns(volume_now_ns());
}

enum status fat_status(FRESULT result)
{
	switch (result) {
	case FR_OK:
		return STATUS_OK;
	case FR_DISK_ERR:
		return fat_disk_error == STATUS_OK ? ERR_IO : fat_disk_error;
	case FR_NOT_READY:
		return ERR_NODEV;
	case FR_NO_FILE:
	case FR_NO_PATH:
		return ERR_NOENT;
	case FR_INVALID_NAME:
		return ERR_ARGUMENT;
	case FR_DENIED:
		return ERR_NOSPACE;
	case FR_EXIST:
		return ERR_EXIST;
	case FR_WRITE_PROTECTED:
		return ERR_READONLY;
	case FR_NO_FILESYSTEM:
		return ERR_FORMAT;
	default:
		return ERR_CORRUPT;
	}
}

enum status fat_link_status(DWORD link)
{
	if (link == 0xffffffff)
		return fat_disk_error == STATUS_OK ? ERR_IO : fat_disk_error;
	return ERR_CORRUPT;
}

u64 fat_cluster_bytes(void)
{
	return (u64)fat.csize * SECTOR_BYTES;
}

u32 fat_clusters_for(u64 bytes)
{
	return (u32)((bytes + fat_cluster_bytes() - 1) / fat_cluster_bytes());
}

// ---- a request

enum status volume_mount(u64 secret)
{
	enum status status;

	nodes_start(secret);
	contents_rollback();
	memset(&fat, 0, sizeof(fat));
	fat_disk_error = STATUS_OK;
	if (disk_facts().absent)
		return ERR_NODEV;
	journal_mirror(0, 0, 0);
	status = fat_status(f_mount(&fat));
	fat.lfnbuf = long_name;
	if (status != STATUS_OK)
		return status;
	if (fat.n_fats == 2)
		journal_mirror(fat.fatbase, fat.fsize, fat.fsize);
	return STATUS_OK;
}

void volume_begin(void)
{
	before = fat;
	fat_disk_error = STATUS_OK;
}

void volume_rollback(void)
{
	contents_rollback();
	journal_rollback();
	fat = before;
	fat.wflag = 0;
	fat.winsect = 0xffffffff; // the window may hold what never was
}

enum status volume_commit(u32 index, const struct answer *answer)
{
	enum status status = STATUS_OK;

	if (fat.wflag || journal_dirty())
		status = fat_status(sync_fs(&fat));
	if (status != STATUS_OK)
		return status;
	if (!journal_dirty())
		return disk_finish();
	return journal_commit(index, answer);
}

enum status volume_statistics(struct fs_statistics *out)
{
	DWORD clusters = 0;
	enum status status;

	if (fat.fs_type == 0)
		return ERR_NODEV;
	status = fat_status(f_getfree(&fat, &clusters));
	if (status != STATUS_OK)
		return status;
	*out = (struct fs_statistics){
		.block_bytes = fat_cluster_bytes(),
		.blocks = fat.n_fatent - 2,
		.blocks_free = clusters,
		.name_max = FS_NAME_MAX,
		.flags = disk_facts().read_only ? FS_READONLY : 0,
		.type = 0x4d44, // as Linux calls FAT
	};
	return STATUS_OK;
}
