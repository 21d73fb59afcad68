# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# FLAGS_<file>: what one file of the kernel is compiled with in addition.

# Every instruction counts; its frames end in another function's anyway.
FLAGS_kernel/arch/x86_64/fastpath.c := -fomit-frame-pointer
