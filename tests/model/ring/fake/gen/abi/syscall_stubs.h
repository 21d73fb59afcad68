// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The one system call that rings make.
#pragma once

#include "lib/base/status.h"

enum status sys_signal(struct handle self);
