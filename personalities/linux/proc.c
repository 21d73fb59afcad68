// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// /proc as a tree. A node number says all: 1 is the root, 0x100 + i the i-th
// fixed file, and pid << 32 | kind << 16 | index something of a process.
#include "personalities/linux/proc.h"

#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"
#include "personalities/linux/time.h"

#define ROOT 1ull
#define FIXED 0x100ull
#define NO_PARENT (-1)

enum kind { OF_DIRECTORY = 1, OF_FILE, OF_FD_DIRECTORY, OF_FD, OF_LINK };
enum link { LINK_EXE, LINK_CWD, LINK_ROOT, LINKS };

static u64 node_of(u32 pid, enum kind kind, u32 index)
{
	return (u64)pid << 32 | (u64)kind << 16 | index;
}

static u32 node_pid(u64 node)
{
	return (u32)(node >> 32);
}

static enum kind node_kind(u64 node)
{
	return (enum kind)(node >> 16 & 0xffff);
}

static u32 node_index(u64 node)
{
	return node & 0xffff;
}

static const struct {
	const char *name;
	i32 parent; // index of a directory, or NO_PARENT
	usize (*text)(char *to, usize size); // NULL: a directory
} fixed[] = {
	{"sys", NO_PARENT, nullptr},
	{"kernel", 0, nullptr},
	{"meminfo", NO_PARENT, proc_meminfo},
	{"uptime", NO_PARENT, proc_uptime},
	{"loadavg", NO_PARENT, proc_loadavg},
	{"cpuinfo", NO_PARENT, proc_cpuinfo},
	{"stat", NO_PARENT, proc_stat},
	{"version", NO_PARENT, proc_version},
	{"filesystems", NO_PARENT, proc_filesystems},
	{"cmdline", NO_PARENT, proc_command_line},
	{"mounts", NO_PARENT, mounts_text},
	{"osrelease", 1, proc_osrelease},
	{"ostype", 1, proc_ostype},
	{"hostname", 1, proc_hostname},
	{"pid_max", 1, proc_pid_max},
};

static const struct {
	const char *name;
	usize (*text)(struct process *process, char *to, usize size);
} files[] = {
	{"stat", proc_of_stat},	      {"statm", proc_of_statm},
	{"status", proc_of_status},   {"cmdline", proc_of_cmdline},
	{"environ", proc_of_environ}, {"comm", proc_of_comm},
	{"maps", proc_of_maps},	      {"mounts", proc_of_mounts},
	{"syscall", proc_of_syscall},
};

static const char *const links[LINKS] = {"exe", "cwd", "root"};

static bool is_fixed(u64 node)
{
	return node >= FIXED && node - FIXED < ARRAY_COUNT(fixed);
}

static struct process *process_of(u64 node)
{
	return node_pid(node) ? process_find(node_pid(node)) : nullptr;
}

static struct thread *some_thread(u64 node)
{
	struct process *process = process_of(node);

	return process && !list_empty(&process->threads)
		? CONTAINER_OF(process->threads.next, struct thread, node)
		: nullptr;
}

static u32 mode_of(u64 node)
{
	if (node == ROOT)
		return S_IFDIR | 0555;
	if (is_fixed(node))
		return fixed[node - FIXED].text ? S_IFREG | 0444
						: S_IFDIR | 0555;
	switch (node_kind(node)) {
	case OF_DIRECTORY:
		return S_IFDIR | 0555;
	case OF_FD_DIRECTORY:
		return S_IFDIR | 0500;
	case OF_FILE:
		return S_IFREG | 0444;
	default:
		return S_IFLNK | 0777;
	}
}

// ---- looking up

static i64 lookup_root(struct thread *thread, const char *name, u64 *node)
{
	u64 pid;

	if (string_equal(name, "self") && thread) {
		*node = node_of(thread->process->pid, OF_LINK, LINKS);
		return 0;
	}
	for (u32 i = 0; i < ARRAY_COUNT(fixed); i++)
		if (fixed[i].parent == NO_PARENT &&
		    string_equal(fixed[i].name, name)) {
			*node = FIXED + i;
			return 0;
		}
	if (parse_u64(name, strlen(name), PROCESSES_MAX, &pid) != STATUS_OK ||
	    !process_find((u32)pid))
		return -ENOENT;
	*node = node_of((u32)pid, OF_DIRECTORY, 0);
	return 0;
}

static i64 lookup_process(u64 directory, const char *name, u64 *node)
{
	u32 pid = node_pid(directory);

	if (string_equal(name, "fd")) {
		*node = node_of(pid, OF_FD_DIRECTORY, 0);
		return 0;
	}
	for (u32 i = 0; i < ARRAY_COUNT(files); i++)
		if (string_equal(files[i].name, name)) {
			*node = node_of(pid, OF_FILE, i);
			return 0;
		}
	for (u32 i = 0; i < LINKS; i++)
		if (string_equal(links[i], name)) {
			*node = node_of(pid, OF_LINK, i);
			return 0;
		}
	return -ENOENT;
}

static i64 lookup(struct thread *thread, struct mount *mount, u64 directory,
		  const char *name, u64 *node, u32 *mode)
{
	i64 error = -ENOENT;
	u64 fd;

	(void)mount;
	if (directory == ROOT) {
		error = lookup_root(thread, name, node);
	} else if (is_fixed(directory)) {
		for (u32 i = 0; i < ARRAY_COUNT(fixed); i++)
			if (fixed[i].parent == (i32)(directory - FIXED) &&
			    string_equal(fixed[i].name, name))
				*node = FIXED + i, error = 0;
	} else if (!process_of(directory)) {
		return -ENOENT;
	} else if (node_kind(directory) == OF_DIRECTORY) {
		error = lookup_process(directory, name, node);
	} else if (node_kind(directory) == OF_FD_DIRECTORY) {
		struct thread *target = some_thread(directory);

		if (target && target->files &&
		    parse_u64(name, strlen(name), FILES_MAX, &fd) ==
			    STATUS_OK &&
		    fd < target->files->size && target->files->slot[fd].file) {
			*node = node_of(node_pid(directory), OF_FD, (u32)fd);
			error = 0;
		}
	}
	if (!error)
		*mode = mode_of(*node);
	return error;
}

static i64 attributes(struct thread *thread, struct mount *mount, u64 node,
		      struct fs_attributes *out)
{
	struct process *process = process_of(node);
	i64 now = (i64)realtime_now();

	(void)thread, (void)mount;
	if (node != ROOT && !is_fixed(node) && !process)
		return -ENOENT;
	*out = (struct fs_attributes){.node = node,
				      .mode = mode_of(node),
				      .links = 1,
				      .block_bytes = 1024,
				      .atime_ns = now,
				      .mtime_ns = now,
				      .ctime_ns = now};
	if (process) {
		out->uid = process->euid;
		out->gid = process->egid;
	}
	return 0;
}

// ---- links

static struct file *file_of(u64 node)
{
	struct thread *target = some_thread(node);

	if (node_kind(node) != OF_FD || !target || !target->files ||
	    node_index(node) >= target->files->size)
		return nullptr;
	return target->files->slot[node_index(node)].file;
}

struct file *proc_fd_file(const struct place *place)
{
	struct file *file;

	if (!place->mount ||
	    place->mount->operations != &proc_mount_operations ||
	    !node_pid(place->node))
		return nullptr;
	file = file_of(place->node);
	if (file)
		file_get(file);
	return file;
}

static const char *link_path(u64 node)
{
	struct thread *target = some_thread(node);

	if (!target || !target->process->mm || !target->directories)
		return nullptr;
	switch (node_index(node)) {
	case LINK_EXE:
		return target->process->mm->executable;
	case LINK_CWD:
		return target->directories->current->path;
	default:
		return target->directories->root->path;
	}
}

static i64 read_link(struct thread *thread, struct mount *mount, u64 node,
		     char *target, usize size)
{
	struct file *file;
	const char *path;

	(void)thread, (void)mount;
	if (node_kind(node) == OF_LINK && node_index(node) == LINKS)
		return (i64)format_text(target, size, "%u", node_pid(node));
	if (node_kind(node) == OF_LINK) {
		path = link_path(node);
		return path ? (i64)format_text(target, size, "%s", path)
			    : -ENOENT;
	}
	file = file_of(node);
	if (!file)
		return -ENOENT;
	if (file->path)
		return (i64)format_text(target, size, "%s", file->path);
	if (file->operations->kind[0] == '[')
		return (i64)format_text(target, size, "anon_inode:%s",
					file->operations->kind);
	return (i64)format_text(target, size, "%s:[%lu]",
				file->operations->kind,
				(u64)file->object >> 4 & 0xffffff);
}

i64 proc_magic(struct thread *thread, u64 node, struct place *place, char *path)
{
	struct file *file = file_of(node);
	struct walk *walk;
	const char *target;
	i64 error;

	if (file && file->place.mount && file->path) {
		*place = file->place;
		strlcpy(path, file->path, PATH_LIMIT);
		return 0;
	}
	if (file) { // the file itself: opening it means to share it
		place->mode = S_IFREG | 0600;
		return 0;
	}
	if (node_kind(node) != OF_LINK || node_index(node) == LINKS)
		return -EAGAIN;
	target = link_path(node);
	walk = target ? walk_create() : nullptr;
	if (!walk)
		return -ENOENT;
	error = walk_path(thread, AT_FDCWD, target, WALK_FOLLOW, walk);
	if (!error) {
		*place = walk->place;
		strlcpy(path, walk->path, PATH_LIMIT);
	}
	walk_free(walk);
	return error;
}

// ---- listing

struct packer {
	u8 *to;
	usize size, used;
};

static bool pack(struct packer *packer, u64 node, const char *name, u64 next)
{
	usize length = strlen(name);
	usize bytes = align_up(sizeof(struct fs_entry) + length, 8);
	struct fs_entry entry = {.node = node,
				 .next_cookie = next,
				 .mode = mode_of(node) & S_IFMT,
				 .name_bytes = (u16)length,
				 .entry_bytes = (u16)bytes};

	if (packer->used + bytes > packer->size)
		return false;
	memcpy(packer->to + packer->used, &entry, sizeof(entry));
	memcpy(packer->to + packer->used + sizeof(entry), name, length);
	packer->used += bytes;
	return true;
}

// Cookies: fixed files, then "self", then processes from number cookie - BASE on.
#define SELF_COOKIE ARRAY_COUNT(fixed)
#define BASE (SELF_COOKIE + 1)

static void list_root(struct thread *thread, u64 *cookie, struct packer *packer)
{
	for (; *cookie < SELF_COOKIE; ++*cookie)
		if (fixed[*cookie].parent == NO_PARENT &&
		    !pack(packer, FIXED + *cookie, fixed[*cookie].name,
			  *cookie + 1))
			return;
	if (*cookie == SELF_COOKIE) {
		u64 self = node_of(thread->process->pid, OF_LINK, LINKS);

		if (!pack(packer, self, "self", BASE))
			return;
		*cookie = BASE;
	}
	for (; *cookie - BASE < PROCESSES_MAX; ++*cookie) {
		u32 pid = (u32)(*cookie - BASE);
		char name[16];

		if (!process_find(pid))
			continue;
		format_text(name, sizeof(name), "%u", pid);
		if (!pack(packer, node_of(pid, OF_DIRECTORY, 0), name,
			  *cookie + 1))
			return;
	}
}

static void list_process(u32 pid, u64 *cookie, struct packer *packer)
{
	const u64 nfiles = ARRAY_COUNT(files);

	for (; *cookie < nfiles + LINKS + 1; ++*cookie) {
		u64 i = *cookie;
		bool fits;

		if (i < nfiles)
			fits = pack(packer, node_of(pid, OF_FILE, (u32)i),
				    files[i].name, i + 1);
		else if (i < nfiles + LINKS)
			fits = pack(packer,
				    node_of(pid, OF_LINK, (u32)(i - nfiles)),
				    links[i - nfiles], i + 1);
		else
			fits = pack(packer, node_of(pid, OF_FD_DIRECTORY, 0),
				    "fd", i + 1);
		if (!fits)
			return;
	}
}

static void list_fds(u64 directory, u64 *cookie, struct packer *packer)
{
	struct thread *target = some_thread(directory);

	if (!target || !target->files)
		return;
	for (; *cookie < target->files->size; ++*cookie) {
		char name[16];

		if (!target->files->slot[*cookie].file)
			continue;
		format_text(name, sizeof(name), "%lu", *cookie);
		if (!pack(packer,
			  node_of(node_pid(directory), OF_FD, (u32)*cookie),
			  name, *cookie + 1))
			return;
	}
}

static i64 read_directory(struct thread *thread, struct mount *mount, u64 node,
			  u64 *cookie, void *entries, usize size)
{
	struct packer packer = {entries, size, 0};

	(void)mount;
	if (node == ROOT) {
		list_root(thread, cookie, &packer);
	} else if (is_fixed(node)) {
		for (; *cookie < ARRAY_COUNT(fixed); ++*cookie)
			if (fixed[*cookie].parent == (i32)(node - FIXED) &&
			    !pack(&packer, FIXED + *cookie, fixed[*cookie].name,
				  *cookie + 1))
				break;
	} else if (!process_of(node)) {
		return -ENOENT;
	} else if (node_kind(node) == OF_FD_DIRECTORY) {
		list_fds(node, cookie, &packer);
	} else {
		list_process(node_pid(node), cookie, &packer);
	}
	return (i64)packer.used;
}

const struct mount_operations proc_mount_operations = {
	.lookup = lookup,
	.attributes = attributes,
	.read_link = read_link,
	.read_directory = read_directory,
};

// ---- files

i64 proc_open(struct thread *thread, const struct place *place, u32 flags,
	      struct file **out)
{
	struct file *behind = proc_fd_file(place);
	struct process *process = process_of(place->node);
	char *text;
	usize length = 0;

	(void)thread;
	if (behind) {
		*out = behind;
		return 0;
	}
	if ((flags & O_ACCMODE) != 0)
		return -EACCES;
	text = buffer_alloc(PROC_TEXT_BYTES);
	if (!text)
		return -ENOMEM;
	if (is_fixed(place->node) && fixed[place->node - FIXED].text)
		length = fixed[place->node - FIXED].text(text, PROC_TEXT_BYTES);
	else if (process && node_kind(place->node) == OF_FILE)
		length = files[node_index(place->node)].text(process, text,
							     PROC_TEXT_BYTES);
	return text_file(text, MIN(length, (usize)PROC_TEXT_BYTES), flags, out);
}
