// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
#include "tests/fake_arch/own.h"
#include "tests/unit/memory/vm.h"
int main(void) { return 0; }
