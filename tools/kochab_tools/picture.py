# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Reads text from a picture of the screen: each cell is compared with the font's
glyphs, so what is read is what was drawn.

    load(path)        Picture of a PNG file (8 bits, RGB or RGBA, not interlaced)
    text(picture)     its rows of cells as a list of strings, ends stripped
    colours(picture, row, column)   background and foreground of a cell
"""

import os
import struct
import zlib

from . import font
from .common import PORTS

FONT = os.path.join(PORTS, "spleen", "spleen-8x16.psfu.gz")
SIGNATURE = b"\x89PNG\r\n\x1a\n"
WIDTH = 8  # of a cell
UNKNOWN = "\ufffd"


class Picture:
    def __init__(self, width, height, rows):
        self.width, self.height = width, height
        self.rows = rows  # bytes, three for each pixel


def unfilter(kind, line, above, step):
    """One row of a PNG file, as the PNG specification's filters 0 to 4 have it."""
    if kind == 0:
        return
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        up = above[i]
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) >> 1
        else:
            corner = above[i - step] if i >= step else 0
            p = left + up - corner
            distances = abs(p - left), abs(p - up), abs(p - corner)
            guess = (left, up, corner)[distances.index(min(distances))]
        line[i] = (line[i] + guess) & 255


def load(path):
    with open(path, "rb") as f:
        data = f.read()
    if data[:8] != SIGNATURE:
        raise ValueError(path + ": not a PNG file")
    at, packed, step, width, height = 8, b"", 0, 0, 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            width, height, bits, colour, _, _, lace = struct.unpack(
                ">IIBBBBB", body)
            if bits != 8 or colour not in (2, 6) or lace:
                raise ValueError(path + ": not 8 bits RGB or RGBA")
            step = 3 if colour == 2 else 4
        elif kind == b"IDAT":
            packed += body
    raw = zlib.decompress(packed)
    rows, above = [], bytearray(width * step)
    for y in range(height):
        start = y * (width * step + 1)
        line = bytearray(raw[start + 1:start + 1 + width * step])
        unfilter(raw[start], line, above, step)
        above = line
        if step == 4:
            line = bytearray(b for i, b in enumerate(line) if i % 4 != 3)
        rows.append(bytes(line))
    return Picture(width, height, rows)


def cell(picture, row, column, height):
    start, end = column * WIDTH * 3, (column + 1) * WIDTH * 3
    return [picture.rows[row * height + y][start:end] for y in range(height)]


def shape(lines):
    """Rows of bits; a bit is 1 where the pixel is not the upper left one's
    colour."""
    ground = lines[0][:3]
    return bytes(sum(0x80 >> x for x in range(WIDTH)
                     if line[x * 3:x * 3 + 3] != ground) for line in lines)


def reader():
    """Shape -> character, and the height of the font. A glyph that colours the
    upper left pixel is known by its inverse."""
    loaded = font.read(FONT)
    known = {}
    for character, glyph in sorted(loaded.glyph_of.items(), reverse=True):
        bits = loaded.glyphs[glyph]
        if bits[0] & 0x80:
            bits = bytes(byte ^ 0xff for byte in bits)
        known[bits] = chr(character)
    known[bytes(loaded.height)] = " "
    return known, loaded.height


def text(picture):
    known, height = reader()
    blank = {}
    rows = []
    for row in range(picture.height // height):
        line = ""
        band = picture.rows[row * height:(row + 1) * height]
        if all(not any(pixels) for pixels in band):
            rows.append("")
            continue
        for column in range(picture.width // WIDTH):
            lines = cell(picture, row, column, height)
            key = b"".join(lines)
            if key not in blank:
                blank[key] = known.get(shape(lines), UNKNOWN)
            line += blank[key]
        rows.append(line.rstrip())
    return rows


def colours(picture, row, column):
    """The colours of a cell in the order of how often they stand in it."""
    _, height = reader()
    pixels = b"".join(cell(picture, row, column, height))
    found = [pixels[i:i + 3] for i in range(0, len(pixels), 3)]
    return sorted(set(found), key=lambda c: (-found.count(c), c))
