# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Checks rooms.txt against every #include of the tree: prints file:line for each
# that its room may not have, that is not written from the top, or that names no
# file. Exit status 1 if there is one.
#
#   python3 tools/rooms.py [top of the tree]

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
SKIPPED = ("build", ".git", "docs")


def read_rooms(path):
    rooms, std = {}, set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        name, mark, rest = line.partition(":")
        if not mark or not re.fullmatch(r"[\w*./-]+", name):
            sys.exit(f"{path}:{number}: expected 'room: what it may include'")
        if name in rooms or name == "std" and std:
            sys.exit(f"{path}:{number}: room {name} stands twice")
        if name == "std":
            std = set(rest.split())
        else:
            rooms[name] = rest.split()
    return rooms, std


def below(path, folder):
    """Is path the folder, or under it? A * in folder is one name. If so, the
    part of path that folder stands for, else None."""
    names, pattern = path.split("/"), folder.split("/")
    if len(names) < len(pattern):
        return None
    if all(p in ("*", n) for n, p in zip(names, pattern)):
        return "/".join(names[:len(pattern)])
    return None


def room_of(path, rooms):
    found = [r for r in rooms if below(path, r) and len(path.split("/")) > len(r.split("/"))]
    return max(found, key=lambda r: (len(r.split("/")), "*" not in r), default=None)


def check_file(top, path, rooms, std):
    name = str(path.relative_to(top))
    room = room_of(name, rooms)
    own = room and below(name, room)
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, angled = match.groups()
        if room is None:
            yield f"{name}:{number}: this file is in no room of rooms.txt"
            return
        if "*" in rooms[room]:
            continue
        if angled:
            if angled not in std:
                yield f"{name}:{number}: <{angled}> is not one of the compiler's own headers (rooms.txt, std)"
        elif not any(below(quoted, allowed) for allowed in rooms[room] + [own]):
            yield f"{name}:{number}: room {room} may not include {quoted}"
        elif "/" in quoted and not quoted.startswith("gen/") and not (top / quoted).is_file():
            yield f"{name}:{number}: there is no file {quoted} at the top of the tree"


def main():
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1]).resolve()
    rooms, std = read_rooms(top / "rooms.txt")
    files = [p for entry in sorted(top.iterdir()) if entry.name not in SKIPPED
             for p in sorted([entry, *entry.rglob("*")])
             if p.suffix in (".c", ".h", ".S", ".def") and p.is_file()]
    found = [line for path in files for line in check_file(top, path, rooms, std)]
    print("\n".join(found + [f"rooms: {len(files)} files, {len(found)} violations"]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
