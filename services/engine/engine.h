// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The engine's state and how its files divide the work:
//   manifest.c   the text that says what runs with which rights
//   stash.c      records of components that outlive an instance of the engine
//   keep.c       objects that outlive an instance of a component
//   framebuffer.c  the firmware's picture
//   build.c      a new instance of a component: its process and capabilities
//   supervise.c  starting, watching, restarting, giving up
//   spawn.c      programs that are in no manifest (tests)
//   admin.c      the commands of svc
//   hotplug.c    processors that are plugged in
//   main.c       start, adoption of what runs, and the loop
//
// What outlives the engine: its endpoint, notification, stash and health page
// (made by the vault), and everything in the kept cnode: for each component
// KEPT_SLOTS slots, for each channel its memory, for each spawned program its pool.
// The number of a component is its place in the manifest.
#pragma once

#include "abi/startup.h"
#include "lib/base/status.h"
#include "lib/ipc/server.h"
#include "lib/process/archive.h"
#include "services/engine/manifest.h"

enum kept : u32 {
	KEPT_ENDPOINT,
	KEPT_NOTIFICATION,
	KEPT_HEALTH,
	KEPT_STASH,
	KEPT_POOL, // of the instance
	KEPT_THREAD, // of the instance
	KEPT_EXTRA, // one for each extra, EXTRAS of them
	KEPT_SLOTS = 16,
};
static_assert(KEPT_EXTRA + EXTRAS <= KEPT_SLOTS);
#define KEPT_FIRST 16
#define KEPT_CHANNELS 1024
#define KEPT_SPAWNED 2048
#define SPAWNED_MAX 2048
static_assert(KEPT_FIRST + COMPONENTS * KEPT_SLOTS <= KEPT_CHANNELS);

// Badges on the engine's endpoint: number of the component + 1, or of the
// spawned program, and what the client may do.
#define BADGE_ADMIN (1ull << 40)
#define BADGE_SPAWNED (1ull << 41)
#define BADGE_NUMBER 0xffffffffull

// The engine's own bit: what is to be told to the vault is due.
#define ENGINE_BIT_VAULT (1ull << 33)

enum component_state : u32 {
	COMPONENT_WAITING, // for those it depends on
	COMPONENT_BUILDING, // its instance is being taken down or made
	COMPONENT_STARTED, // runs, has not said ready
	COMPONENT_READY,
	COMPONENT_STOPPED, // ended, and is not to be restarted
	COMPONENT_QUARANTINED, // failed too often
	COMPONENT_STATES,
};

enum reason : u32 {
	REASON_START,
	REASON_KILL, // asked by svc
	REASON_RESTART, // asked by svc
	REASON_FAULT,
	REASON_HANG,
	REASON_EXIT,
	REASON_ENGINE, // found in the middle of a restart by a new engine
	REASONS,
};

// In the stash twice: written in turn, so that one is always whole. sequence
// tells which is newer, sum is the CRC-32C of all before it.
struct record {
	char name[NAME_BYTES];
	enum component_state state;
	enum reason reason; // of the last restart
	u32 generation; // instances so far
	u32 restarts;
	u32 pid; // number of the instance among all
	u32 failures; // restarts within the window, not asked for
	u32 failed_builds; // in a row
	u32 exit_code;
	u64 window_ns; // when the window of failures began
	u64 down_ns; // when the restart under way began; 0: none
	u64 started_ns;
	u64 last_us, max_us; // recovery: from down to ready
	u64 total_us;
	u32 sequence;
	u32 sum;
};

struct stash {
	u32 magic, version;
	u32 manifest_sum; // of the text the records belong to
	u32 next_pid;
	struct record record[COMPONENTS][2];
	struct server_record answers[SERVER_SESSIONS];
};

struct component {
	const struct plan *plan;
	struct record record; // record_write() puts it into the stash
	volatile struct health *health;
	u32 misses;
	u32 signal; // slot: signals NOTIFY_HEARTBEAT
	bool late; // said so already
	u64 retry_ns; // a failed build is tried again then
};

struct engine {
	struct manifest manifest;
	struct archive archive;
	struct component component[COMPONENTS];
	struct stash *stash;
	struct server server;
	u64 badge; // of the message being served
	u64 rest_pages[DOMAINS];
	u64 ticks;
	u32 vault_bits; // 1 kill, 2 hang: to be told after the answer
	struct handle system, keep, keep_pool, endpoint;
	struct handle domain[DOMAINS], sched[DOMAINS];
	u64 domain_pages[DOMAINS];
	const struct startup_cap *archive_cap;
	struct framebuffer framebuffer; // width 0: none
};
extern struct engine engine;

static inline u32 component_count(void)
{
	return engine.manifest.ncomponents;
}

static inline u32 component_index(const struct component *component)
{
	return (u32)(component - engine.component);
}

// Slot numbers within the kept cnode, and handles of what is there.
static inline u32 kept_index(const struct component *component, u32 what)
{
	return KEPT_FIRST + component_index(component) * KEPT_SLOTS + what;
}

static inline struct handle kept_handle(u32 index)
{
	return (struct handle){engine.keep.value << 16 | index};
}

static inline struct handle kept(const struct component *component, u32 what)
{
	return kept_handle(kept_index(component, what));
}

// A line in the kernel log, from the engine.
[[gnu::format(printf, 1, 2)]] void say(const char *format, ...);
[[noreturn]] void give_up(const char *what, enum status status);
// Answer the vault's heartbeat in the middle of long work.
void still_alive(void);

// stash.c: true when the stash is one that an instance before this one left.
bool stash_open(u32 manifest_sum);
// Take the newer valid record out of the stash; false: there is none.
bool record_read(struct component *component);
void record_reset(struct component *component);
void record_write(struct component *component);

// keep.c: make what is missing of a component's, and the channels', kept objects.
[[nodiscard]] enum status keep_component(struct component *component,
	const char **what);
[[nodiscard]] enum status keep_channels(const char **what);
bool kept_exists(struct handle handle, u32 type);

// build.c: on an error the half-made instance is still there, to be destroyed.
[[nodiscard]] enum status build_instance(struct component *component,
	const char **what);
struct process_builder;
const char *build_binary(const struct plan *plan); // its program
void build_program(struct process_builder *builder, const char *binary,
	u64 base, const char **why);

// supervise.c
const char *state_name(enum component_state state);
const char *reason_name(enum reason reason);
struct component *component_named(const char *name);
void component_start_now(struct component *component);
// Take the instance down and, if its budget allows, start the next.
void component_restart(struct component *component, enum reason reason);
void component_is_ready(struct component *component);
void component_faulted(struct component *component, const u64 word[5]);
void component_exited(struct component *component, u32 code);
void component_adopt(struct component *component);
void supervise_tick(void);
const char *fault_name(u64 kind);

// spawn.c
[[nodiscard]] enum status spawn(const char *binary, const char *arguments,
	u32 count, u32 *started);
void spawned_ended(u32 number);
u32 spawned_count(void);
void spawned_reap(void);
void spawned_adopt(void);

// admin.c
struct engine_admin_args;
struct engine_admin_result;
enum status admin_command(const struct engine_admin_args *args,
	struct engine_admin_result *result);

// ---- hotplug.c
#define HOTPLUG_IDS 64
// Hardware ids of processors plugged in since the last time. NODEV: this machine
// has no such registers.
enum status hotplug_scan(u32 ids[HOTPLUG_IDS], u32 *count);
