// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The texts of /proc (proc_text.c), as the tree (proc.c) asks for them.
#ifndef PERSONALITIES_LINUX_PROC_H
#define PERSONALITIES_LINUX_PROC_H
#include "lib/base/types.h"

struct process;

#define PROC_TEXT_BYTES 65536u

// Write at most size bytes; the length.
usize proc_meminfo(char *to, usize size);
usize proc_uptime(char *to, usize size);
usize proc_loadavg(char *to, usize size);
usize proc_cpuinfo(char *to, usize size);
usize proc_stat(char *to, usize size);
usize proc_version(char *to, usize size);
usize proc_filesystems(char *to, usize size);
usize proc_osrelease(char *to, usize size);
usize proc_ostype(char *to, usize size);
usize proc_hostname(char *to, usize size);
usize proc_pid_max(char *to, usize size);
usize proc_command_line(char *to, usize size);

usize proc_of_stat(struct process *process, char *to, usize size);
usize proc_of_statm(struct process *process, char *to, usize size);
usize proc_of_status(struct process *process, char *to, usize size);
usize proc_of_cmdline(struct process *process, char *to, usize size);
usize proc_of_environ(struct process *process, char *to, usize size);
usize proc_of_comm(struct process *process, char *to, usize size);
usize proc_of_maps(struct process *process, char *to, usize size);
usize proc_of_syscall(struct process *process, char *to, usize size);
usize proc_of_mounts(struct process *process, char *to, usize size);
const char *process_title(struct process *process);
#endif
