// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Commands of a virtio GPU's control queue: virtio 1.1, 5.7.6, the two-dimensional
// ones. Here they are written into memory and answers are read; main.c sends them.
#ifndef DRIVERS_GPU_VIRTIO_GPU_COMMAND_H
#define DRIVERS_GPU_VIRTIO_GPU_COMMAND_H
#include "lib/driver/display.h"

#define GPU_COMMAND_BYTES 64 // of any but gpu_attach
#define GPU_ANSWER_BYTES 512 // of any
#define GPU_ATTACH_BYTES(npages) (32 + (npages) * 16)

// Each writes a command and returns its bytes.
u32 gpu_display_info(u8 *out);
u32 gpu_create(u8 *out, u32 resource, u32 width, u32 height);
// The resource's memory: pages on the bus, neighbours joined.
u32 gpu_attach(u8 *out, u32 resource, const u64 *page, u32 npages);
u32 gpu_scanout(u8 *out, u32 resource, u32 width, u32 height);
u32 gpu_transfer(u8 *out, u32 resource, u32 pitch, struct rectangle rectangle);
u32 gpu_flush(u8 *out, u32 resource, struct rectangle rectangle);

// Is this the answer to a command that needs no data?
bool gpu_done(const volatile u8 *answer);
// The size the first display wants to have. False: not such an answer, or the
// display is off.
bool gpu_wanted_size(const volatile u8 *answer, u32 *width, u32 *height);
#endif
