// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Stands in for the generated stubs: the one call that channels make.
#pragma once
#include "lib/base/status.h"

enum status sys_signal(struct handle self);
