// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Results of system-call handlers that user space never sees. STATUS_RESTART
// (lib/base/status.h): one step of a long operation is done; the thread runs the
// same call again with unchanged registers, after interrupts had their chance.
#ifndef KERNEL_RESTART_H
#define KERNEL_RESTART_H
#include "lib/base/status.h"

// The handler has blocked the thread or written the result registers itself.
#define STATUS_HANDLED STATUS_DEFERRED
#endif
