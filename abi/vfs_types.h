// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
#ifndef KOCHAB_ABI_VFS_TYPES_H
#define KOCHAB_ABI_VFS_TYPES_H

#define VFS_FOLLOW 1
#define VFS_PARENT 2
#define VFS_DIRECTORY 4 // the result must be a directory
#define VFS_MOUNTS 16 // mounts at most; mount 0 is the root
#define VFS_PATH_MAX 4096
#define VFS_SYMLINKS_MAX 40

#endif
