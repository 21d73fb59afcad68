# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# svc is a program of the Linux personality, not a native component: it brings its
# own _start and takes nothing but strings from the library.
