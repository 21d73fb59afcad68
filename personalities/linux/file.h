// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Open files: what a descriptor names. A file has operations by kind; all are
// called with the big lock held and may drop it to wait. Descriptor tables map
// numbers to files.
#ifndef PERSONALITIES_LINUX_FILE_H
#define PERSONALITIES_LINUX_FILE_H
#include "abi/fs_types.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/path.h"
#include "personalities/linux/sync.h"

#define FILES_MAX 1024u

struct thread;
struct file;

struct file_operations {
	const char *kind; // "pipe", for /proc/N/fd
	// At *position for files that have one. Bytes done or a negative error.
	i64 (*read)(struct thread *, struct file *, struct io *, u64 *position);
	i64 (*write)(struct thread *, struct file *, struct io *,
		     u64 *position);
	u32 (*poll)(struct file *); // POLL bits now; NULL: always in and out
	i64 (*ioctl)(struct thread *, struct file *, u32 command, u64 argument);
	i64 (*attributes)(struct thread *, struct file *,
			  struct fs_attributes *);
	void (*release)(struct file *);
	bool seekable;
};

struct file {
	const struct file_operations *operations;
	u32 references;
	u32 flags; // O_*
	u64 position;
	bool busy; // position in use by a call that waits
	struct wait_queue *queue; // woken when poll may say something else
	void *object; // of the kind
	struct place place; // of files in the tree: mount NULL for others
	char *path; // canonical, or NULL
	u64 cookie; // directories: where getdents goes on
	bool held; // fs hold taken
	struct list open_node; // files of mounts: among all of them
};

struct file_slot {
	struct file *file;
	bool close_on_exec;
};
struct file_table {
	u32 references;
	u32 size;
	struct file_slot *slot;
};

struct file *file_create(const struct file_operations *operations, u32 flags,
			 void *object);
void file_get(struct file *file);
void file_put(struct file *file);

struct file_table *files_create(void);
struct file_table *files_copy(struct file_table *from);
void files_put(struct file_table *files);
void files_exec(struct file_table *files); // close what asked for it

// The file of a descriptor, with a reference; NULL: EBADF.
struct file *files_get(struct thread *thread, u64 fd);
// Put a file (its reference moves) at the lowest number from first on.
i64 files_install(struct thread *thread, struct file *file, u32 first,
		  bool close_on_exec);
i64 files_close(struct thread *thread, u64 fd);
i64 files_replace(struct thread *thread, u32 fd, struct file *file,
		  bool close_on_exec);

i64 file_read(struct thread *thread, struct file *file, struct io *io);
i64 file_write(struct thread *thread, struct file *file, struct io *io);
u32 file_poll(struct file *file);
i64 file_attributes(struct thread *thread, struct file *file,
		    struct fs_attributes *attributes);

// Files of places in the tree (fs_file.c).
i64 place_open(struct thread *thread, const struct walk *walk, u32 flags,
	       struct file **out);
extern const struct file_operations fs_file_operations;
extern const struct file_operations directory_operations;
// A name of this file is about to go: keep the file while somebody has it open.
void fs_keep_if_open(const struct place *place);
i64 directory_list(struct thread *thread, struct file *file, u64 to, u64 bytes);
bool file_is_directory(const struct file *file);

// Other kinds.
i64 pipe_create(struct file **reader, struct file **writer, u32 flags);
i64 fifo_open(struct thread *thread, const struct place *place, u32 flags,
	      struct file **out);
i64 eventfd_create(u64 initial, u32 flags, bool semaphore, struct file **out);
i64 epoll_create_file(u32 flags, struct file **out);
bool pipe_same(struct file *a, struct file *b);

// Internal trees: /dev and /proc.
i64 dev_open(struct thread *thread, const struct place *place, u32 flags,
	     struct file **out);
i64 proc_open(struct thread *thread, const struct place *place, u32 flags,
	      struct file **out);
// A file over a text that was made at open. Takes the text.
i64 text_file(char *text, usize bytes, u32 flags, struct file **out);
#endif
