// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What libsodium expects of a C library: the functions of lib/base.
#pragma once
#include "lib/base/string.h"
