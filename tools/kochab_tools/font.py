# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""A console font in PSF format (version 1, with its table of characters).

    read(path)      Font: height, glyphs (bytes, one per row, bit 7 leftmost),
                    glyph_of (character number -> index into glyphs)
    font.py IN OUT  writes it as C: services/screen/font.h says what

The format: four bytes (0x36 0x04, mode, height), 256 or 512 glyphs of height
bytes, then for each glyph the characters that it stands for, 16 bits each,
ended by 0xffff; what follows 0xfffe are sequences, which are skipped.
"""

import gzip
import os
import sys

MAGIC = b"\x36\x04"
MODE_512 = 1
MODE_TABLE = 6  # a table, with or without sequences
SEQUENCE, END = 0xfffe, 0xffff
REPLACEMENT = 0xfffd


class Font:
    def __init__(self, data):
        if data[:2] != MAGIC or len(data) < 4:
            raise ValueError("not a PSF font of version 1")
        mode, self.height = data[2], data[3]
        count = 512 if mode & MODE_512 else 256
        start, end = 4, 4 + count * self.height
        if not mode & MODE_TABLE or self.height == 0 or len(data) < end:
            raise ValueError("a font without a table of characters, or cut")
        self.glyphs = [data[at:at + self.height]
                       for at in range(start, end, self.height)]
        self.glyph_of = {}
        glyph, sequence = 0, False
        for at in range(end, len(data) - 1, 2):
            value = data[at] | data[at + 1] << 8
            if value == END:
                glyph, sequence = glyph + 1, False
            elif value == SEQUENCE:
                sequence = True
            elif not sequence and glyph < count:
                self.glyph_of.setdefault(value, glyph)
        for needed in list(range(0x20, 0x7f)) + [REPLACEMENT]:
            if needed not in self.glyph_of:
                raise ValueError("the font lacks U+%04X" % needed)


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    if path.endswith(".gz"):
        data = gzip.decompress(data)
    return Font(data)


def to_c(font, name):
    lines = ["// Made by tools/kochab_tools/font.py from %s." % name,
             '#include "services/screen/font.h"', "",
             "const u32 font_ncharacters = %d;" % len(font.glyph_of),
             "static_assert(FONT_HEIGHT == %d);" % font.height, "",
             "const struct font_character font_character[] = {"]
    lines += ["\t{0x%04x, %d}," % pair for pair in sorted(
        font.glyph_of.items())]
    lines += ["};", "", "const u8 font_glyph[][FONT_HEIGHT] = {"]
    lines += ["\t{%s}," % ", ".join("0x%02x" % row for row in glyph)
              for glyph in font.glyphs]
    return "\n".join(lines + ["};", ""])


def main():
    source, target = sys.argv[1:]
    try:
        text = to_c(read(source), os.path.basename(source))
    except (OSError, ValueError, EOFError) as error:
        sys.exit("%s: %s" % (source, error))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
