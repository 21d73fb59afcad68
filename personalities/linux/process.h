// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Linux processes and threads, their signals, groups and sessions. Guarded by the
// big lock; [s] may be read without it (set before the first instruction runs,
// or one word).
#ifndef PERSONALITIES_LINUX_PROCESS_H
#define PERSONALITIES_LINUX_PROCESS_H
#include "abi/guest.h"
#include "personalities/linux/carrier.h"
#include "personalities/linux/memory.h"
#include "personalities/linux/path.h"
#include "personalities/linux/sync.h"

#define PROCESSES_MAX 32768u // and threads: both count in one space of numbers
#define THREAD_NAME 16

struct file_table;
struct exec_image;

// Directories, root and umask; shared with CLONE_FS.
struct directories {
	u32 references;
	u32 umask;
	struct directory *root, *current;
};

// Signal actions; shared with CLONE_SIGHAND.
struct actions {
	u32 references;
	struct linux_sigaction action[SIGNALS];
};

struct signal_set {
	u64 pending;
	struct linux_siginfo
		info[32]; // of signals 1-31; later ones by number only
};

struct itimer {
	u64 deadline_ns, period_ns; // deadline 0: off
};

struct process {
	struct list node; // all processes
	struct list threads;
	struct list children, sibling;
	struct process *parent;
	u32 pid, ppid; // [s]
	u32 pgid, sid; // [s]
	u32 uid, euid, suid, gid, egid, sgid; // [s]
	u32 ngroups, groups[32];
	struct mm *mm;
	struct actions *actions;
	struct wait_queue children_changed; // wait4 sleeps here
	struct wait_queue signalled; // sigtimedwait of any thread
	struct tty *tty; // controlling
	bool exiting, zombie, stopped;
	bool reaps_orphans; // of its descendants, as init does
	bool report_stop, report_continue; // not yet told to wait4
	bool did_exec;
	i32 exit_status; // as wait4 gives it
	u32 exit_code; // of exit_group
	i32 stop_signal, exit_signal;
	u64 run_ns, children_run_ns; // of threads gone, of children reaped
	u64 start_ns;
	struct itimer real_timer;
	struct {
		u64 soft, hard;
	} limit[16];
	bool dumpable;
	u32 death_signal;
	struct process *vfork_parent; // waits for our exec or exit
	struct wait_queue vfork_done;
	struct signal_set signals; // for any thread; last: see record_new()
};

struct thread {
	struct list node; // process->threads
	struct process *process; // [s]
	struct carrier *carrier; // [s]
	u64 run_base_ns; // CPU time of the carrier before this thread
	struct mm *mm; // the process's, unless it is going
	struct file_table *files;
	struct directories *directories;
	u32 tid; // [s]
	u32 attention; // [atomic] look at signals before running the guest
	bool killed; // leave as soon as possible
	u64 blocked;
	u64 saved_mask;
	bool restore_mask; // after sigsuspend and the like
	struct linux_stack alternate;
	u64 current_call; // being served; ~0: none, the program runs
	u64 call_number; // of a call to be restarted; ~0 if none
	u64 call_first; // its first argument
	u64 sleep_deadline; // of a nanosleep to be restarted
	u64 clear_child_tid, set_child_tid, robust_list;
	struct wait_queue own; // nothing wakes it but signals
	char name[THREAD_NAME];
	void *fpu; // state to load before the first instruction, or NULL
	struct exec_image *image; // to be started on this carrier
	// futex
	struct list futex_node;
	u64 futex_address;
	void *futex_space;
	u32 futex_mask;
	bool futex_waiting;
	struct {
		u64 address, code;
	} fault;
	struct signal_set signals; // last
};

extern struct list processes;
extern struct process init_process; // pid 1: adopts and reaps orphans
extern u32 nthreads; // alive
extern u32 threads_max; // that many at once: by the container's memory

void processes_init(void);
struct process *process_find(u32 pid);
struct thread *thread_find(u32 tid);
// Number for a new process or thread; 0 when none is left.
u32 number_take(void);
// The first program: its own session, no files.
[[nodiscard]] i64 process_first(struct thread **out);
void process_put_zombie(struct process *process); // reap
void process_reparent_children(struct process *process);
struct process *process_new(struct process *parent);
struct thread *thread_new(struct process *process);
void thread_free(struct thread *thread);
void thread_renumber(struct thread *thread, u32 tid);
u64 process_run_ns(struct process *process);

// End one thread or all of them; they return from their work soon after.
void thread_exit(struct thread *thread, i32 status);
void process_exit(struct process *process, i32 status);
void vfork_release(struct process *process);

// What every carrier of a Linux thread runs.
void thread_work(void *argument);

// ---- signals
bool thread_interrupted(struct thread *thread);
// Killed, or about to be: for waits that nothing else may end.
bool thread_dying(struct thread *thread);
void signal_thread(struct thread *thread, const struct linux_siginfo *info);
void signal_process(struct process *process, const struct linux_siginfo *info);
void signal_group(u32 pgid, i32 signo);
bool group_exists(u32 pgid, u32 sid);
struct linux_siginfo signal_info(i32 signo, i32 code, struct process *sender);
// A fault of the thread itself: cannot be ignored or blocked.
void signal_force(struct thread *thread, i32 signo, i32 code, u64 address,
		  u64 error);
// Before the guest runs: handle everything pending. result is the call's.
// False when the thread has to end.
bool signals_attend(struct thread *thread);
void actions_put(struct actions *actions);
// Signal dispositions and pending ones after exec.
void signals_exec(struct thread *thread);
void signal_recompute(struct thread *thread);
// Take the lowest pending signal of a set: 0 when there is none.
i32 signal_take(struct thread *thread, u64 set, struct linux_siginfo *info);
void process_continue(struct process *process);
void process_stop(struct process *process, i32 signo);
void parent_notify(struct process *process, i32 code, i32 status);
bool group_is_orphaned(u32 pgid);

// What a handler runs on. Pushed, or false: the stack cannot be written.
bool frame_push(struct thread *thread, i32 signo,
		const struct linux_sigaction *action,
		const struct linux_siginfo *info, u64 mask);
// Back to where the program was. False: what is on the stack cannot be.
bool frame_pop(struct thread *thread);
u64 frame_bytes(void); // the least that a stack for handlers needs
// After exec: what handlers return to, where that is not the program's own.
[[nodiscard]] i64 frame_prepare(struct mm *mm);

// What those have in common (signal_frame.c): where the frame goes, what it says
// of the alternate stack, and taking up what it says of mask and stack.
u64 frame_top(struct thread *thread, const struct linux_sigaction *action,
	      u64 redzone_bytes);
struct linux_stack frame_stack(struct thread *thread);
void frame_take(struct thread *thread, u64 mask, struct linux_stack stack);
// Map code that handlers return to.
[[nodiscard]] i64 trampoline_map(struct mm *mm, const u32 *code, usize bytes);
#define TRAMPOLINE_AT (STACK_TOP + 0x40000)

// ---- what a trap of the program means (arch, exception.c)
struct trap_meaning {
	i32 signo, code;
	u64 address;
};
// GUEST_EXCEPTION: the signal.
struct trap_meaning trap_meaning(const struct guest_state *state);
// GUEST_FAULT that becomes a signal: trap and the error code that frames show.
u64 trap_page_fault(struct guest_state *state, u32 code, bool mapped);

// ---- registers of the FPU (arch, fpu)
void fpu_init(void);
void fpu_save(void *area); // 64-byte aligned, FPU_BYTES
void fpu_load(const void *area);
void fpu_reset(void);

// futex.c
i64 futex_wake(struct mm *mm, u64 address, u32 count, u32 mask);
void futex_thread_exit(struct thread *thread);

// directories
struct directories *directories_copy(struct directories *from);
void directories_put(struct directories *directories);

// Told of the end of a child of init; the first program is one.
void container_process_ended(u32 pid, i32 status);

#endif
