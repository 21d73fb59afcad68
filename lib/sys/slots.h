// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The library's own side of slot_alloc(). The number of slots of the root cnode
// is the startup page's number "slots".
#pragma once

#include "abi/startup.h"

#define SLOTS_DEFAULT 256

void slots_init(const struct startup *page);
