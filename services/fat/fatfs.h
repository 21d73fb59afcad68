// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The layer of FatFs that this server works with. FatFs's own interface works with
// paths and keeps open files in the process; this server works with nodes and keeps
// nothing, so it uses what lies below: clusters, directory tables, names. fatfs.c
// makes these functions of ff.c callable. What each does and returns is said there;
// links and clusters are numbers from 2, 1 is an error inside, ~0 one of the disk.
#ifndef SERVICES_FAT_FATFS_H
#define SERVICES_FAT_FATFS_H
#include "ff.h"
// after it, whose types it uses
#include "diskio.h"

#include "lib/base/status.h"
#include "lib/base/types.h"

// A directory entry, by offset (Microsoft, FAT32 File System Specification 1.03,
// "FAT directory structure"). fatfs.c asserts that FatFs agrees.
#define ENTRY_NAME 0
#define ENTRY_ATTRIBUTES 11
#define ENTRY_CASE 12
#define ENTRY_CREATED 14
#define ENTRY_ACCESSED 18
#define ENTRY_MODIFIED 22
#define ENTRY_SIZE 28
#define ENTRY_BYTES 32
#define ENTRY_FREE 0xe5 // first byte of the name: removed
#define ATTRIBUTE_READONLY 0x01
#define ATTRIBUTE_VOLUME 0x08
#define DIRECTORY_MAX 0x200000 // bytes of a directory

extern FATFS fat; // the volume; winsect and win are FatFs's one sector of cache
extern enum status fat_disk_error; // why FatFs saw an error of the disk

enum status fat_status(FRESULT result);
// Of a link that is none.
enum status fat_link_status(DWORD link);
u64 fat_cluster_bytes(void);
u32 fat_clusters_for(u64 bytes);

// ---- functions of ff.c
WORD ld_word(const BYTE *from);
DWORD ld_dword(const BYTE *from);
void st_word(BYTE *to, WORD value);
void st_dword(BYTE *to, DWORD value);
FRESULT move_window(FATFS *volume, DWORD sector);
FRESULT sync_fs(FATFS *volume);
DWORD clst2sect(FATFS *volume, DWORD cluster);
DWORD get_fat(FFOBJID *chain, DWORD cluster);
DWORD create_chain(FFOBJID *chain, DWORD behind);
FRESULT remove_chain(FFOBJID *chain, DWORD from, DWORD behind);
FRESULT dir_clear(FATFS *volume, DWORD cluster);
FRESULT dir_sdi(FF_DIR *dir, DWORD offset);
FRESULT dir_next(FF_DIR *dir, int stretch);
FRESULT dir_read(FF_DIR *dir, int volume_label);
FRESULT dir_find(FF_DIR *dir);
FRESULT dir_register(FF_DIR *dir);
FRESULT dir_remove(FF_DIR *dir);
DWORD ld_clust(FATFS *volume, const BYTE *entry);
void st_clust(FATFS *volume, BYTE *entry, DWORD cluster);
FRESULT create_name(FF_DIR *dir, const TCHAR **path);
void get_fileinfo(FF_DIR *dir, FILINFO *info);
#endif
