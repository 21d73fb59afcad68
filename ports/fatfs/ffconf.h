// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// How FatFs R0.13c is configured for Kochab: one volume per file-system
// object, 512-byte sectors, long names in UTF-8, single-threaded caller.
// Interface: FatFs reads it through -DFFCONF_H='"ffconf.h"'. Rules: every
// option FatFs asks for stands here; the meaning of each is in FatFs' manual.
#define FFCONF_DEF 86604 // the revision this file fits; FatFs checks it

#define FF_FS_READONLY 0
#define FF_FS_MINIMIZE 0
#define FF_USE_STRFUNC 0
#define FF_USE_FIND 0
#define FF_USE_MKFS 0
#define FF_USE_FASTSEEK 0
#define FF_USE_EXPAND 0
#define FF_USE_CHMOD 1 // also gives f_utime
#define FF_USE_LABEL 0
#define FF_USE_FORWARD 0

// Long names, name buffer on the caller's stack (about 512 bytes).
#define FF_CODE_PAGE 437
#define FF_USE_LFN 2
#define FF_MAX_LFN 255
#define FF_LFN_UNICODE 2 // UTF-8
#define FF_LFN_BUF 765	 // 255 UTF-16 units are at most 765 bytes
#define FF_SFN_BUF 34
#define FF_STRF_ENCODE 3
#define FF_FS_RPATH 0

#define FF_VOLUMES 1
#define FF_STR_VOLUME_ID 0
#define FF_MULTI_PARTITION 0
#define FF_MIN_SS 512
#define FF_MAX_SS 512
#define FF_USE_TRIM 0
#define FF_FS_NOFSINFO 0

#define FF_FS_TINY 0 // a sector buffer in each open file
#define FF_FS_EXFAT 0
#define FF_FS_NORTC 0 // get_fattime() is supplied by the file-system server
#define FF_NORTC_MON 1
#define FF_NORTC_MDAY 1
#define FF_NORTC_YEAR 2026
#define FF_FS_LOCK 0
#define FF_FS_REENTRANT 0
#define FF_FS_TIMEOUT 1000
#define FF_SYNC_t int
