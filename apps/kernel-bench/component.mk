# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Where code and data of the program begin: it copies itself into a second
# address space with the means of kernel-test (harness/space.c).
SOURCES += apps/kernel-test/harness/space.c
LINK_FLAGS := '--defsym=image_text=ADDR(.text)' '--defsym=image_data=ADDR(.bss)' \
	'--defsym=image_text_end=ADDR(.text)+SIZEOF(.text)'
