# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
SOURCES += drivers/block/virtio-blk/queue.c lib/driver/virtqueue.c
