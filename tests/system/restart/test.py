# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Components are killed and hung under load; programs notice a pause only."""

import hashlib
import json
import random
import re

from kochab_tools import fat
from kochab_tools.testcase import traits

# What stands between a program and its bytes on the disk.
STORAGE = ("virtio-blk.1", "blk.1", "fat.1", "vfs", "pci")


def components(guest):
    """{name: (state, restarts)} out of `svc list`."""
    found = {}
    for line in guest.line_ok("svc list").splitlines():
        words = line.split()
        if len(words) >= 5:
            found[words[0]] = (words[1], words[3])
    return found


def restarts(guest, name):
    return int(components(guest)[name][1])


def slow_drive(image, **limits):
    """A -drive text: the image behind QEMU's throttle."""
    return "file=%s,format=raw%s" % (image, "".join(
        ",throttling.%s=%d" % (name.replace("_", "-"), value)
        for name, value in limits.items()))


def copy_under(context, victims, ways, rounds, mib, bytes_per_s=0):
    """Copy a file from disk to disk while victims die; compare checksums.

    Each victim meets each way so many times, each time alone (the next comes
    when it is back), and something is being copied all the while: throttled
    disks make one copy last longer than that, or it is copied again and again
    (bytes_per_s 0)."""
    data = random.Random(context.seed).randbytes(1 << 20) * mib
    digest = hashlib.sha256(data).hexdigest()
    one = context.fat_image("one", mib + 32, {"data": data})
    two = context.fat_image("two", mib + 32)
    limit = {"bps_total": bytes_per_s} if bytes_per_s else {}
    guest = context.boot(drives=[slow_drive(one, **limit),
                                 slow_drive(two, **limit)])
    copy = "cp /disk1/data /disk2/data || bad=$?; "
    again = "" if bytes_per_s else \
        "while [ ! -e /tmp/enough ]; do %s done; " % copy
    guest.line_ok("(bad=0; %s%s echo copy $bad >/tmp/copied) & true"
                  % (again, copy))
    met = {}
    for _ in range(rounds):
        for victim in victims:
            for way in ways:
                before = restarts(guest, victim)
                guest.line_ok("svc %s %s" % (way, victim))
                for _ in range(600):
                    state, count = components(guest)[victim]
                    if state == "ready" and int(count) > before:
                        break
                    guest.line_ok("sleep 0.1")
                else:
                    raise AssertionError("%s %s: not restarted" % (way, victim))
                met[way, victim] = met.get((way, victim), 0) + 1
    context.check(guest.line("[ -e /tmp/copied ]")[0] == 1,
                  "the copy was over before the last of them died")
    guest.line_ok(">/tmp/enough")
    guest.line_ok("while [ ! -e /tmp/copied ]; do sleep 0.2; done", 1200)
    context.equal(guest.line_ok("cat /tmp/copied").strip(), "copy 0")
    context.check(digest in guest.line_ok("sha256sum /disk2/data", 1200),
                  "the copy has another checksum")
    for (way, victim), count in sorted(met.items()):
        context.equal(count, rounds, "%s %s" % (way, victim))
    times = [float(number) for number in re.findall(
        r"recovered\D*([0-9.]+) ?ms", guest.log_text())]
    context.check(len(times) >= sum(met.values()), "recoveries in the log: %d"
                  % len(times))
    times.sort()
    context.note("%s, each %d times during the copy: %d recoveries, median "
                 "%.1f ms, longest %.1f ms" % (
                     ", ".join("%s %s" % pair for pair in sorted(met)), rounds,
                     len(times), times[len(times) // 2], times[-1]))
    guest.line_ok("sync")
    context.equal(guest.poweroff(), "off")
    context.check(fat.read_file(two, "data") == data, "bytes on the disk")
    fat.check_image(two)


def test_copy_while_storage_is_killed(context):
    copy_under(context, ("virtio-blk.1", "fat.1", "vfs"), ("kill",), 3, 8)


@traits(tier="full", timeout_s=3600, alone=True)
def test_copy_of_64_mib_killed_and_hung(context):
    copy_under(context, ("virtio-blk.1", "fat.1", "vfs", "console"),
               ("kill", "hang"), 20, 64, 256 << 10)


# One request takes the device a twelfth of a second, and a program makes many: it
# and the servers below it are always killed with requests in the device.
SLOW = {"iops_total": 12}

# It runs without the interactive shell, whose history grows with every line.
KILLS = """
once() {  # client's command, when the client dies, servers
        client=$1 order=$2; shift 2
        case $client in
        read) dd if=/disk1/data of=/dev/null bs=64k 2>/dev/null & ;;
        write) dd if=/dev/zero of=/disk1/new bs=64k count=64 2>/dev/null & ;;
        esac
        pid=$!
        sleep 0.1
        [ $order = first ] && kill -9 $pid
        for server in "$@"; do /bin/svc kill $server; done
        [ $order = last ] && kill -9 $pid
        wait $pid
        [ $? = 137 ] || echo "the $client had ended before"
}
i=0
while [ $i -lt CYCLES ]; do
        while read servers; do
                for client in read write; do
                        for order in first last; do
                                once $client $order $servers </dev/null
                        done
                done
        done </tmp/servers
        rm -f /disk1/new
        sync
        sleep 0.5
        echo HOLDS $(/bin/svc mem --json)
        i=$((i + 1))
done
"""


def alike(before, after):
    """Objects and capabilities the same; pages within two, as the pieces of kernel
    objects may lie on another page (tests/system/churn)."""
    if isinstance(after, int):
        return before is not None and abs(after - before) <= 2
    return before is not None and before[1:] == after[1:] and \
        abs(after[0] - before[0]) <= 2


def kill_in_the_middle(context, rounds, warm, measured):
    """A program is killed with its requests in the device, and with it the
    servers that rounds name; nothing of either stays behind: once so many
    cycles have filled the tables that grow once, what is held after each cycle
    is the same to the object and the capability, and to two pages."""
    data = random.Random(context.seed).randbytes(4 << 20)
    image = context.fat_image("disk", 16, {"data": data})
    servers = "".join(" ".join(names) + "\n" for names in rounds)
    guest = context.boot(
        drives=[slow_drive(image, **SLOW)],
        adds={context.write("kills", KILLS.replace("CYCLES", str(warm + measured))):
              "/tmp/kills",
              context.write("servers", servers): "/tmp/servers"})
    text = guest.line_ok("sh /tmp/kills", 900)
    context.check("had ended before" not in text, text)
    seen = []
    for row in re.findall(r"HOLDS (\{.*?\]\})", text.replace("\n", "")):
        told = json.loads(row)
        seen.append({pool["name"]: (pool["used_pages"], pool["objects"],
                                    pool["capabilities"])
                     for pool in told["pools"]})
        seen[-1]["free frames"] = told["free_frames"]
    context.equal(len(seen), warm + measured, "cycles")
    for later in seen[warm:]:
        differ = {name: (seen[warm - 1].get(name), value)
                  for name, value in later.items()
                  if not alike(seen[warm - 1].get(name), value)}
        context.equal(differ, {}, "pages, objects, capabilities: before and "
                      "after")
    context.note("%d programs killed, and nothing left of the last %d; free "
                 "frames after each cycle: %s" % (
                     4 * len(rounds) * len(seen), 4 * len(rounds) * measured,
                     " ".join(str(row["free frames"]) for row in seen)))
    context.equal(guest.poweroff(), "off")
    fat.check_image(image)
    context.check(fat.read_file(image, "data") == data, "the file that was read")


def test_client_killed_during_dma(context):
    kill_in_the_middle(context, [()], 15, 5)


@traits(tier="full", timeout_s=900)
def test_client_and_server_killed_together(context):
    kill_in_the_middle(context, [("virtio-blk.1", "blk.1"), ("fat.1",), (
        "virtio-blk.1", "blk.1", "fat.1", "vfs")], 10, 3)


def test_each_component_comes_back(context):
    guest = context.boot(disks=[context.fat_image("disk", 8, {"x": b"ok"})])
    for name in sorted(components(guest)):
        if name in ("linux", "root"):
            continue  # the shell's own container; root is not kept
        count = restarts(guest, name)
        guest.line_ok("svc kill " + name)
        context.equal(guest.line_ok("cat /disk1/x; echo"), "ok\n",
                      "after " + name)
        context.check(restarts(guest, name) > count,
                      name + " was not restarted")


def test_console_dies_under_the_shell(context):
    guest = context.boot()
    for _ in range(5):
        guest.line_ok("svc kill console")
        context.equal(guest.line_ok("echo still typing"), "still typing\n")


HOLD = """
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
static unsigned char byte(long i) { return i * 7 + i / 4096; }
static long wrong(const volatile unsigned char *at, long size)
{
        long count = 0;
        for (long i = 0; i < size; i++) count += at[i] != byte(i);
        return count;
}
int main(int argc, char **argv)
{
        /* argv: where to wait; files that are mapped, the last to write, too */
        int total = 0, fds[8];
        volatile unsigned char *at[8][2];
        struct stat file;
        char go;
        for (int i = 2; i < argc; i++) {
                int last = i == argc - 1;
                fds[i] = open(argv[i], last ? O_RDWR : O_RDONLY);
                if (fds[i] < 0 || fstat(fds[i], &file)) return 1;
                at[i][0] = mmap(0, file.st_size, PROT_READ, MAP_PRIVATE,
                                fds[i], 0);
                at[i][1] = mmap(0, file.st_size,
                                PROT_READ | (last ? PROT_WRITE : 0),
                                MAP_SHARED, fds[i], 0);
                if (at[i][0] == MAP_FAILED || at[i][1] == MAP_FAILED) return 2;
                if (at[i][0][0] != byte(0) || at[i][1][0] != byte(0)) return 3;
                if (last) at[i][1][5000] ^= 255;
        }
        printf("mapped\\n"), fflush(stdout);
        if (read(open(argv[1], O_RDONLY), &go, 1) != 1) return 4;
        for (int i = 2; i < argc; i++) {
                int last = i == argc - 1;
                if (last) at[i][1][5000] ^= 255;
                for (int k = 0; k < 2; k++)
                        printf("%s %d: %ld bytes, %ld wrong\\n", argv[i], k,
                               (long)file.st_size, wrong(at[i][k], file.st_size));
        }
        if (pread(fds[argc - 1], &go, 1, 5000) != 1 ||
            (unsigned char)go != byte(5000)) return 5;
        return 0;
}
"""


def test_mapped_files_stay_readable(context):
    """Programs have files of the FAT disk and of the memory file system mapped, of
    which they have touched one page; the servers die; all is there."""
    data = bytes((i * 7 + i // 4096) & 255 for i in range(3 << 20))
    image = context.fat_image("disk", 16, {"data": data})
    program = context.compile("hold", HOLD)
    guest = context.boot(disks=[image], adds={program: "/tmp/hold"})
    guest.line_ok("cp /disk1/data /tmp/data; mkfifo /tmp/go; : >/tmp/held")
    for victims in (("fat.1",), ("rootfs",), ("vfs",),
                    ("virtio-blk.1", "blk.1", "fat.1", "rootfs", "vfs")):
        guest.line_ok("/tmp/hold /tmp/go /disk1/data /tmp/data >/tmp/held & "
                      "until grep -q mapped /tmp/held; do sleep 0.1; done")
        for victim in victims:
            guest.line_ok("svc kill " + victim)
        text = guest.line_ok("echo go >/tmp/go; wait %1 && cat /tmp/held")
        for name in ("/disk1/data", "/tmp/data"):
            for kind in (0, 1):
                context.check("%s %d: %d bytes, 0 wrong" % (
                    name, kind, len(data)) in text,
                    "after %s: %s" % (" ".join(victims), text))


def test_unknown_names(context):
    guest = context.boot()
    for command in ("svc kill nosuch", "svc", "svc nosuch", "svc show nosuch"):
        status, text = guest.line(command)
        context.check(status != 0 and text.strip(), command + " said nothing")
