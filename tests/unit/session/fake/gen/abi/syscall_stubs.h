// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Stands in for the generated stubs: the calls that sessions and servers make.
#pragma once
#include "lib/base/status.h"

enum status sys_object_create(struct handle self, u32 type, u64 a, u64 b,
	struct handle c, struct handle cnode, u32 index);
enum status sys_memory_info(struct handle self, u64 *size_bytes,
	u64 *present_pages, u64 *flags, u64 *physical);
enum status sys_poll(struct handle self, u64 mask, u64 *bits);
enum status sys_reply_save(struct handle self, u32 index);
