# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The host side of ./kochab. Each module is one concept; cli.py ties them."""
