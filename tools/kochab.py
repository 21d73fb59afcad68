#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The host tools behind ./kochab: hands the words to kochab_tools/cli.py."""

import sys

sys.dont_write_bytecode = True

from kochab_tools.cli import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
