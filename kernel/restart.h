// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The status of a system-call handler that has done one step of a long
// operation: the thread runs the same call again with unchanged registers, after
// interrupts had their chance. Never seen by user space.
#ifndef KERNEL_RESTART_H
#define KERNEL_RESTART_H
#include "lib/base/status.h"

#define STATUS_RESTART ((enum status)1000)
// The handler has blocked the thread or written the result registers itself.
#define STATUS_HANDLED ((enum status)1001)
#endif
