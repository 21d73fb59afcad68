// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the rest of the server asks of contents.c.
#ifndef SERVICES_FAT_CONTENTS_H
#define SERVICES_FAT_CONTENTS_H
#include "lib/base/status.h"

// Chains have changed: what is remembered of them is wrong.
void contents_forget(void);
// End what is under way; nothing remembered holds.
void contents_rollback(void);
enum status volume_writable(void); // READONLY
#endif
