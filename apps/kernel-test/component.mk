# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Where code and data of the program begin: it copies itself into other address
# spaces (harness/space.c).
LINK_FLAGS := '--defsym=image_text=ADDR(.text)' '--defsym=image_data=ADDR(.bss)' \
	'--defsym=image_text_end=ADDR(.text)+SIZEOF(.text)'
