// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// FatFs's ff.c with its functions to be called from other files: see fatfs.h.
#include "lib/base/string.h"

#include "ff.h"
#include "diskio.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"
#pragma clang diagnostic ignored "-Wunused-variable"
#pragma clang diagnostic ignored "-Wunused-parameter"
#pragma clang diagnostic ignored "-Wsign-compare"
#pragma clang diagnostic ignored "-Wimplicit-fallthrough"
#define static // what it calls its own is what we need
#include "ff.c"
#undef static
#pragma clang diagnostic pop

#include "services/fat/fatfs.h"

static_assert(ENTRY_NAME == DIR_Name && ENTRY_ATTRIBUTES == DIR_Attr &&
	      ENTRY_CASE == DIR_NTres && ENTRY_CREATED == DIR_CrtTime &&
	      ENTRY_ACCESSED == DIR_LstAccDate &&
	      ENTRY_MODIFIED == DIR_ModTime && ENTRY_SIZE == DIR_FileSize &&
	      ENTRY_BYTES == SZDIRE);
static_assert(ENTRY_FREE == DDEM && ATTRIBUTE_VOLUME == AM_VOL &&
	      DIRECTORY_MAX == MAX_DIR);
