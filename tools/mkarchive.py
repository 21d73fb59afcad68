# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Writes the boot archive: a ustar file whose bytes depend on nothing but the
# contents (owner 0, time 0, sorted). First what the system starts from, then the
# files of the initial `/`:
#   kochab/system.sys              the manifest
#   kochab/bin/<component>         native components
#   bin/<program>                  those of apps/ that run in the Linux personality
#   bin/busybox and its applets    symbolic links where --folders wants them
#   usr/share/man/kochab/*.txt     the generated manual pages
#   everything under --tree        static files; symbolic links are kept

import argparse
import io
import os
import pathlib
import re
import sys
import tarfile

# Programs for the Linux personality among the components. They win over busybox's
# applets of the same name on the PATH.
# Empty folders of the initial /, which git cannot keep.
FOLDERS = {"tmp": 0o1777, "root": 0o700, "home": 0o755, "var": 0o755, "var/tmp": 0o1777, "mnt": 0o755, "run": 0o755,
           "proc": 0o555, "dev": 0o755}

GUEST_PROGRAMS = ("svc",)


# The names lie one after the other in the program, each with a NUL, and an empty one
# ends them; "[" and "[[" are the first. So it need not run here.
def applets(program):
    at = program.index(b"[\0[[\0")
    return program[at:program.index(b"\0\0", at)].decode().split("\0")


# {name: folder} from ports/busybox/folders.txt
def read_folders(path):
    folders, folder = {}, None
    for word in re.sub(r"#.*", "", path.read_text()).split():
        if word.endswith(":"):
            folder = word[:-1].strip("/")
        else:
            folders[word] = folder
    return folders


class Archive:
    def __init__(self):
        self.entries = {}      # path -> (TarInfo, bytes)

    def add(self, path, kind, mode, data=b"", link=""):
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.add(parent, tarfile.DIRTYPE, 0o755)
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.size, info.linkname = kind, mode, len(data), link
        self.entries[path] = (info, data)

    def file(self, path, source, executable=False):
        self.add(path, tarfile.REGTYPE, 0o755 if executable else 0o644, source.read_bytes())

    def tree(self, root):
        for source in sorted(root.rglob("*")):
            path = str(source.relative_to(root))
            if source.is_symlink():
                self.add(path, tarfile.SYMTYPE, 0o777, link=os.readlink(source))
            elif source.is_dir():
                if path not in self.entries:
                    self.add(path, tarfile.DIRTYPE, 0o755)
            else:
                self.file(path, source, os.access(source, os.X_OK))

    def busybox(self, source, folders):
        self.file("bin/busybox", source, True)
        for applet in sorted(os.path.join(folders.get(name, "usr/bin"), name)
                             for name in applets(source.read_bytes())):
            if applet not in self.entries:
                self.add(applet, tarfile.SYMTYPE, 0o777, link="/bin/busybox")

    def bytes(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for info, data in self.entries.values():
                tar.addfile(info, io.BytesIO(data) if data else None)
        return out.getvalue()


def main():
    parser = argparse.ArgumentParser(description="write Kochab's boot archive")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--components", type=pathlib.Path, nargs="*", default=[])
    for name in ("--manifest", "--manual", "--busybox", "--folders", "--tree"):
        parser.add_argument(name, type=pathlib.Path)
    options = parser.parse_args()
    archive = Archive()
    if options.manifest and options.manifest.exists():
        archive.file("kochab/system.sys", options.manifest)
    else:
        print(f"mkarchive: no manifest ({options.manifest}): nothing will be started", file=sys.stderr)
    for component in sorted(options.components, key=lambda path: path.name):
        if component.name in GUEST_PROGRAMS:
            archive.file(f"bin/{component.name}", component, True)
            archive.add(f"usr/bin/{component.name}", tarfile.SYMTYPE, 0o777,
                        link=f"/bin/{component.name}")
        else:
            archive.file(f"kochab/bin/{component.name}", component, True)
    for folder, mode in FOLDERS.items():
        archive.add(folder, tarfile.DIRTYPE, mode)
    if options.tree and options.tree.is_dir():
        archive.tree(options.tree)
    if options.busybox and options.busybox.exists():
        archive.busybox(options.busybox, read_folders(options.folders))
    else:
        print(f"mkarchive: no busybox ({options.busybox}): the archive has no shell", file=sys.stderr)
    for page in sorted(options.manual.glob("*.txt")) if options.manual else []:
        archive.file(f"usr/share/man/kochab/{page.name}", page)
    data = archive.bytes()
    if not options.output.exists() or options.output.read_bytes() != data:
        fresh = options.output.with_name(f"{options.output.name}.{os.getpid()}")
        fresh.write_bytes(data)
        fresh.replace(options.output)
    else:
        os.utime(options.output)


if __name__ == "__main__":
    main()
