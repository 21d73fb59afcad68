# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Third-party files: fetched, checked and unpacked from ports/<name>/port.json.

    port(name, arch)  makes build/ports/<name>/ hold what the recipe promises
                      for an architecture; does nothing when it already does.
    recipes()         the names there are.

Nothing of a port lies in the tree. A recipe names files of Debian's archive
by their place in the pool, with size and SHA-256:

    suite, package, kind ("binary" or "source"), version
    files     list of {role, path, bytes, sha256}; role tells a file's part
              (deb, orig, debian), which is what `unpack` refers to
    unpack    list of {role, member, to [, mode] [, sha256] [, skip]};
              member is a file, or a folder when it ends with "/"
    follow    a package that depends on the present one, where the name of
              the package itself has the version in it
    others    where the files differ by architecture: {arch: {the same keys,
              and debian: Debian's name of it}}; what stands above is x86_64's

A download goes through apt's own transport, so proxies and mirrors of the host
are used, but the host's apt configuration and lists are never written. When
the archive has moved on and the recorded version is gone, the suite's present
version is taken through a private apt configuration, where Debian's
archive key vouches for it instead of the recorded hash; that is said aloud.
"""

import fcntl
import fnmatch
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import time
import urllib.parse

from .common import Failure, PORTS, TOP, progress

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
APT_HELPER = "/usr/lib/apt/apt-helper"
SOURCE_ROLES = {"orig": "*.orig.tar.*", "debian": "*.debian.tar.*"}


def recipes():
    base = os.path.join(TOP, "ports")
    return sorted(name for name in os.listdir(base)
                  if os.path.exists(os.path.join(base, name, "port.json")))


def load(name):
    path = os.path.join(TOP, "ports", name, "port.json")
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        raise Failure("port %s: no recipe ports/%s/port.json; there are: %s"
                      % (name, name, " ".join(recipes()))) from None
    except ValueError as error:
        raise Failure("ports/%s/port.json: %s" % (name, error)) from None


def of_arch(name, arch):
    """The recipe as it is for an architecture."""
    recipe = load(name)
    others = recipe.pop("others", {})
    recipe["shared"] = bool(others)
    if not others or arch == "x86_64":
        return recipe
    if arch not in others:
        raise Failure("port %s: not for %s" % (name, arch))
    return dict(recipe, arch=arch, **others[arch])


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def mirror():
    """The Debian mirror the host already uses."""
    if os.environ.get("KOCHAB_MIRROR"):
        return os.environ["KOCHAB_MIRROR"].rstrip("/") + "/"
    try:
        text = subprocess.run(
            ["apt-get", "indextargets", "Created-By: Packages",
             "Release: bookworm", "--format", "$(REPO_URI)"],
            capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        raise Failure("apt-get is missing: ports are fetched from Debian's "
                      "archive by apt") from None
    for line in text.splitlines():
        if line.strip():
            return line.strip().rstrip("/") + "/"
    raise Failure("apt knows no Debian 12 archive on this host: set "
                  "KOCHAB_MIRROR to the address of a mirror of Debian")


def fetch(url, target):
    """True when url now lies at target. apt-helper is part of apt itself. What
    the network refuses is asked for again; a file that is gone is not."""
    partial = target + ".part"
    for pause_s in (2, 5, 15, 0):
        result = subprocess.run(
            [APT_HELPER, "-o", "APT::Sandbox::User=root",
             "-o", "Acquire::Retries=2", "download-file", url, partial],
            capture_output=True, text=True, check=False)
        if result.returncode == 0 and os.path.exists(partial):
            os.replace(partial, target)
            return True
        if os.path.exists(partial):
            os.remove(partial)
        if re.search(r"\b404\b", result.stdout + result.stderr):
            break
        time.sleep(pause_s)
    return False


def private_apt(recipe, folder):
    """An apt configuration of our own; returns the command's beginning."""
    os.makedirs(folder + "/lists/partial", exist_ok=True)
    os.makedirs(folder + "/archives/partial", exist_ok=True)
    open(folder + "/status", "w", encoding="utf-8").close()
    kind = "deb-src" if recipe["kind"] == "source" else "deb"
    arch = recipe.get("debian", "amd64")
    with open(folder + "/sources.list", "w", encoding="utf-8") as f:
        f.write("%s [signed-by=%s arch=%s] %s %s main\n"
                % (kind, KEYRING, arch, mirror(), recipe["suite"]))
    options = ["Dir::Etc::sourcelist=" + folder + "/sources.list",
               "Dir::Etc::sourceparts=/dev/null",
               "Dir::State::lists=" + folder + "/lists",
               "Dir::State::status=" + folder + "/status",
               "Dir::Cache=" + folder, "APT::Architecture=" + arch,
               "APT::Architectures::=" + arch, "APT::Sandbox::User=root"]
    command = ["apt-get", "-q"]
    for option in options:
        command += ["-o", option]
    return command


def present_name(recipe, apt):
    """What the package is called in the suite's present version."""
    if "follow" not in recipe:
        return recipe["package"]
    stem = re.match(r"\D+", recipe["package"])[0]
    said = subprocess.run(["apt-cache"] + apt[1:] + [
        "depends", recipe["follow"]], capture_output=True, text=True,
        check=False).stdout
    for line in said.splitlines():
        kind, _, name = line.strip().partition(": ")
        if kind == "Depends" and name.startswith(stem):
            return name
    return recipe["package"]


def fetch_newer(name, recipe, folder):
    """The suite's present version; files by role. Debian's key checks it."""
    progress("port %s: version %s is no longer in Debian's archive; taking "
             "%s's present one, checked by apt against Debian's key"
             % (name, recipe["version"], recipe["suite"]))
    apt = private_apt(recipe, os.path.join(
        PORTS, "apt", recipe["suite"] + "-" + recipe.get("debian", "amd64")))
    into = os.path.join(folder, "newer")
    shutil.rmtree(into, ignore_errors=True)
    os.makedirs(into)
    get = ["source", "--download-only"] if recipe["kind"] == "source" \
        else ["download"]
    for step in (["update"], get):
        if step is get:
            get.append(present_name(recipe, apt))
        result = subprocess.run(apt + step, cwd=into, capture_output=True,
                                text=True, check=False)
        if result.returncode != 0:
            raise Failure("port %s: apt-get %s failed:\n%s" % (
                name, " ".join(step), (result.stderr or "").strip()))
    found = {}
    for entry in sorted(os.listdir(into)):
        for role, pattern in dict(SOURCE_ROLES, deb="*.deb").items():
            if fnmatch.fnmatch(entry, pattern):
                found[role] = os.path.join(into, entry)
    for entry in recipe["files"]:
        if entry["role"] not in found:
            raise Failure("port %s: the present version of %s has no %s file"
                          % (name, recipe["package"], entry["role"]))
    return found


def obtain(name, recipe):
    """The recipe's files by role, each with the recorded hash if possible.

    Returns (files, recorded): recorded is False for a newer version.
    """
    folder = os.path.join(PORTS, "download", name)
    os.makedirs(folder, exist_ok=True)
    base = None
    files = {}
    for entry in recipe["files"]:
        target = os.path.join(folder, os.path.basename(entry["path"]))
        if os.path.exists(target) and sha256(target) == entry["sha256"]:
            files[entry["role"]] = target
            continue
        base = base or mirror()
        url = base + urllib.parse.quote(entry["path"], safe="/+:~")
        progress("port %s: fetching %s (%.1f MB)" % (
            name, os.path.basename(entry["path"]), entry["bytes"] / 1e6))
        if not fetch(url, target):
            return fetch_newer(name, recipe, folder), False
        got = sha256(target)
        if got != entry["sha256"]:
            os.remove(target)
            raise Failure("port %s: %s has SHA-256 %s, recorded is %s: not "
                          "used, and removed"
                          % (name, url, got, entry["sha256"]))
        files[entry["role"]] = target
    return files, True


def archive_of(path):
    """A tarfile over a .deb's data or over a source archive."""
    if path.endswith(".deb"):
        process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path],
                                   stdout=subprocess.PIPE)
        return tarfile.open(fileobj=process.stdout, mode="r|"), process
    return tarfile.open(path), None


def place(archive, member, target, mode):
    """One regular file or symbolic link out of an archive."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if member.issym():
        os.symlink(member.linkname, target)
        return
    with archive.extractfile(member) as source, open(target, "wb") as out:
        shutil.copyfileobj(source, out)
    os.chmod(target, mode if mode is not None else member.mode & 0o755)


def wanted(unpack, path):
    """Where a path of the archive goes under this unpack row, or None."""
    member = unpack["member"]
    if fnmatch.fnmatchcase(path, member):
        return unpack["to"]
    if member.endswith("/"):
        # A folder: its first components may hold wildcards (a version).
        depth = member.count("/")
        parts = path.split("/")
        head = "/".join(parts[:depth]) + "/"
        rest = "/".join(parts[depth:])
        if rest and ".." not in parts and fnmatch.fnmatchcase(head, member):
            skipped = any(fnmatch.fnmatchcase(rest, pattern)
                          for pattern in unpack.get("skip", ()))
            return None if skipped else os.path.join(unpack["to"], rest)
    return None


def unpack_all(name, recipe, files, folder, recorded):
    for role in sorted(files):
        rows = [row for row in recipe["unpack"] if row["role"] == role]
        if not rows:
            continue
        met = set()
        archive, process = archive_of(files[role])
        with archive:
            for member in archive:
                path = os.path.normpath(member.name)
                for index, row in enumerate(rows):
                    to = wanted(row, path)
                    if to is None or not (member.isfile() or member.issym()):
                        continue
                    target = os.path.join(folder, to)
                    mode = int(row["mode"], 8) if "mode" in row else None
                    place(archive, member, target, mode)
                    met.add(index)
                    break
        if process is not None and process.wait() != 0:
            raise Failure("port %s: dpkg-deb could not read %s"
                          % (name, files[role]))
        for index, row in enumerate(rows):
            if index not in met:
                raise Failure("port %s: %s holds no %s"
                              % (name, os.path.basename(files[role]),
                                 row["member"]))
            if recorded and "sha256" in row:
                got = sha256(os.path.join(folder, row["to"]))
                if got != row["sha256"]:
                    raise Failure("port %s: %s has SHA-256 %s, recorded is %s"
                                  % (name, row["to"], got, row["sha256"]))


def port(name, arch="x86_64"):
    """Make build/ports/<name>/ as the recipe says; return the folder."""
    recipe = of_arch(name, arch)
    os.makedirs(PORTS, exist_ok=True)
    with open(os.path.join(PORTS, ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds may ask at once
        return port_locked(name, recipe)


def install(fresh, folder):
    """What was unpacked, beside what other architectures have there."""
    for base, _, entries in os.walk(fresh):
        into = os.path.join(folder, os.path.relpath(base, fresh))
        os.makedirs(into, exist_ok=True)
        for entry in entries:
            os.replace(os.path.join(base, entry), os.path.join(into, entry))
    shutil.rmtree(fresh)


def port_locked(name, recipe):
    folder = os.path.join(PORTS, name)
    stamp = ".stamp" + ("-" + recipe["arch"] if "arch" in recipe else "")
    key = hashlib.sha256(
        json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    try:
        with open(os.path.join(folder, stamp), encoding="utf-8") as f:
            same = f.readline().strip() == key
        if same and all(os.path.exists(os.path.join(folder, row["to"]))
                        for row in recipe["unpack"]):
            return folder
    except FileNotFoundError:
        pass
    files, recorded = obtain(name, recipe)
    fresh = folder + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    unpack_all(name, recipe, files, fresh, recorded)
    with open(os.path.join(fresh, stamp), "w", encoding="utf-8") as f:
        f.write("%s\n%s %s\n" % (key, recipe["package"],
                                 recipe["version"] if recorded else "newer"))
    if recipe["shared"]:
        install(fresh, folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(fresh, folder)
    progress("port %s: %s %s in %s" % (
        name, recipe["package"],
        recipe["version"] if recorded else "(newer than recorded)",
        os.path.relpath(folder, TOP)))
    return folder


def port_command(words):
    """`./kochab port`: the list, or the named ports fetched."""
    arch = "x86_64"
    if words[:1] == ["--arch"] and len(words) > 1:
        arch, words = words[1], words[2:]
    if not words:
        for name in recipes():
            print("%-16s %s" % (name, load(name)["about"]))
    for name in words:
        port(name, arch)
    return 0
