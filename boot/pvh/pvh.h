// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The PVH way of booting (Xen, docs/misc/pvh.pandoc; used by QEMU -kernel,
// Firecracker, Cloud Hypervisor): struct hvm_start_info to boot_info.
#ifndef BOOT_PVH_PVH_H
#define BOOT_PVH_PVH_H
#include "boot/parse.h"

// False, with a text in info->warnings, when there is no usable memory map.
bool pvh_parse(const struct boot_memory *memory, u64 start_info,
	       struct boot_info *info);
#endif
