# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""FAT images for tests, made and read with mtools and dosfstools, so that
what Kochab writes is judged by somebody else's programs."""

import os
import subprocess
import tempfile


def tool(*argv, stdin=None):
    result = subprocess.run(argv, input=stdin, capture_output=True,
                            env=dict(os.environ, MTOOLS_SKIP_CHECK="1"),
                            check=False)
    if result.returncode != 0:
        raise AssertionError("%s: %s" % (
            " ".join(argv), (result.stderr or result.stdout)
            .decode(errors="replace").strip()))
    return result.stdout


def make_image(path, mib, files, bits=None, label="KOCHAB"):
    """A FAT image of mib MiB with {path: bytes}; bits 12, 16 or 32."""
    with open(path, "wb") as f:
        f.truncate(mib << 20)
    width = ["-F", str(bits)] if bits else []
    tool("mkfs.fat", *width, "-n", label, path)
    made = set()
    for name in sorted(files):
        parts = name.strip("/").split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder not in made:
                made.add(folder)
                tool("mmd", "-i", path, "::/" + folder)
        content = files[name]
        if isinstance(content, str):
            content = content.encode()
        with tempfile.NamedTemporaryFile(dir=os.path.dirname(path)) as f:
            f.write(content)
            f.flush()
            tool("mcopy", "-i", path, f.name, "::/" + "/".join(parts))
    return path


def read_file(image, path):
    return tool("mtype", "-i", image, "::/" + path.strip("/"))


def names(image, path="/"):
    """The names in a folder, as mtools sees them."""
    text = tool("mdir", "-b", "-i", image, "::" + path).decode()
    return [line.strip()[2:].strip("/").split("/")[-1]
            for line in text.splitlines() if line.strip()]


def check_image(image):
    tool("fsck.fat", "-n", image)
