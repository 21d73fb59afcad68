# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The second tar behind the boot archive: --add files and the exec request.

    write_initrd(target, boot_tar, adds, argv, env)

The guest reads both archives one after the other and skips the blocks of
zeroes between them. Format: ustar, because that is what the guest reads; a
name that does not fit (255 bytes) is an error here, not a surprise there.
"""

import io
import os
import shutil
import stat
import tarfile
import time

from .common import Failure

PARENT_MODES = {"tmp": 0o1777, "var/tmp": 0o1777, "root": 0o700}


class Overlay:
    """Collects members; every parent folder is written once, first."""

    def __init__(self, stream):
        self.tar = tarfile.open(fileobj=stream, mode="w",
                                format=tarfile.USTAR_FORMAT)
        self.folders = set()

    def _add(self, info, data=None):
        try:
            self.tar.addfile(info, data)
        except ValueError as error:
            raise Failure("--add: /%s: %s (the boot archive holds names of "
                          "at most 255 bytes)" % (info.name, error),
                          2) from None

    def parents(self, name):
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder not in self.folders:
                self.folders.add(folder)
                info = tarfile.TarInfo(folder)
                info.type = tarfile.DIRTYPE
                info.mode = PARENT_MODES.get(folder, 0o755)
                info.mtime = int(time.time())
                self._add(info)

    def data(self, name, content, mode=0o644):
        self.parents(name)
        info = tarfile.TarInfo(name)
        info.size = len(content)
        info.mode = mode
        info.mtime = int(time.time())
        self._add(info, io.BytesIO(content))

    def one(self, host, name):
        """A file, symbolic link or folder itself, without its content."""
        status = os.lstat(host)
        self.parents(name)
        info = tarfile.TarInfo(name)
        info.mode = stat.S_IMODE(status.st_mode) & 0o777
        info.mtime = int(status.st_mtime)
        if stat.S_ISLNK(status.st_mode):
            info.type = tarfile.SYMTYPE
            info.linkname = os.readlink(host)
            self._add(info)
        elif stat.S_ISDIR(status.st_mode):
            if name not in self.folders:
                self.folders.add(name)
                info.type = tarfile.DIRTYPE
                self._add(info)
        elif stat.S_ISREG(status.st_mode):
            info.size = status.st_size
            with open(host, "rb") as f:
                self._add(info, f)
        else:
            raise Failure("--add: %s is neither a file, a folder nor a "
                          "symbolic link" % host, 2)

    def tree(self, host, name):
        # What the user named is followed; what lies inside is kept as it is.
        host = os.path.realpath(host)
        try:
            self.one(host, name)
            if os.path.isdir(host):
                for entry in sorted(os.listdir(host)):
                    self.inner(os.path.join(host, entry), name + "/" + entry)
        except OSError as error:
            raise Failure("--add: %s: %s" % (error.filename or host,
                                             error.strerror), 2) from None

    def inner(self, host, name):
        pending = [(host, name)]
        while pending:
            host, name = pending.pop()
            self.one(host, name)
            if os.path.isdir(host) and not os.path.islink(host):
                pending += [(os.path.join(host, entry), name + "/" + entry)
                            for entry in sorted(os.listdir(host),
                                                reverse=True)]


def strings(items):
    """Each item ended by a NUL; a NUL inside cannot be passed on."""
    out = b""
    for item in items:
        raw = os.fsencode(item)
        if b"\0" in raw:
            raise Failure("a word holds a NUL byte: %r" % item, 2)
        out += raw + b"\0"
    return out


def write_initrd(target, boot_tar, adds, argv=None, env=()):
    """boot.tar, and behind it what this run adds; target is written whole."""
    with open(target, "wb") as out:
        with open(boot_tar, "rb") as f:
            shutil.copyfileobj(f, out)
        out.write(b"\0" * (-out.tell() % 512))
        overlay = Overlay(out)
        for host, guest in adds:
            overlay.tree(host, guest)
        if argv is not None:
            overlay.data("kochab/exec", strings(argv))
        if env:
            overlay.data("kochab/env", strings(env))
        overlay.tar.close()
