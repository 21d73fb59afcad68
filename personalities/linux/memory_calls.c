// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls about memory.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/call.h"
#include "personalities/linux/carrier.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"

static u64 page_up(u64 bytes)
{
	return align_up(bytes, PAGE);
}

// Would so much more be beyond what the process may have?
static i64 check_limit(struct thread *thread, u64 more)
{
	u64 limit = thread->process->limit[9].soft; // RLIMIT_AS

	return thread->process->mm->bytes + more > limit ? -ENOMEM : 0;
}

i64 call_brk(struct thread *thread, const u64 *a)
{
	struct mm *mm = thread->process->mm;
	u64 old_end = page_up(mm->brk), new_end = page_up(a[0]);

	if (a[0] < mm->brk_start || a[0] >= IMAGE_LIMIT)
		return (i64)mm->brk;
	if (new_end < old_end) {
		if (mm_unmap(mm, new_end, old_end - new_end))
			return (i64)mm->brk;
	} else if (new_end > old_end) {
		struct area_wish wish = {.start = old_end,
					 .length = new_end - old_end,
					 .protection = PROT_READ | PROT_WRITE};

		if (check_limit(thread, wish.length) ||
		    !mm_is_free(mm, old_end, wish.length) || mm_map(mm, &wish))
			return (i64)mm->brk;
	}
	mm->brk = a[0];
	return (i64)mm->brk;
}

// Bytes of a file into memory that was just mapped writable.
static i64 fill_from_file(struct file *file, u64 address, u64 length,
			  u64 offset)
{
	struct mount *mount = file->place.mount;
	struct io io = {false, address, length};

	while (io.left) {
		i64 done = mount->operations->read(mount, file->place.node,
						   offset, &io);

		if (done < 0)
			return done;
		if (done == 0)
			return 0; // beyond the end of the file: zero
		offset += (u64)done;
	}
	return 0;
}

// A private mapping that may be written: a copy, made now.
static i64 map_copy(struct thread *thread, struct area_wish *wish,
		    struct file *file, u64 offset)
{
	struct mm *mm = thread->process->mm;
	u32 protection = wish->protection;
	i64 error;

	wish->protection = PROT_READ | PROT_WRITE;
	error = mm_map(mm, wish);
	if (error)
		return error;
	error = fill_from_file(file, wish->start, wish->length, offset);
	if (!error && protection != wish->protection)
		error = mm_protect(mm, wish->start, wish->length, protection);
	if (error)
		(void)mm_unmap(mm, wish->start, wish->length);
	return error;
}

// The file's own memory, shown as it is.
static i64 map_contents(struct thread *thread, struct area_wish *wish,
			struct file *file, u64 offset)
{
	struct mount *mount = file->place.mount;
	bool writes = wish->shared && (file->flags & O_ACCMODE) == O_RDWR;
	struct handle memory;
	u64 size;
	i64 error = mount->operations->map ? 0 : -ENODEV;

	if (!error)
		error = mount->operations->map(mount, file->place.node, writes,
					       &size, &memory);
	if (error)
		return error;
	if (offset + wish->length > page_up(size)) {
		cap_free(memory);
		return -ENODEV; // beyond the end: the copy does it better
	}
	wish->backing = backing_create(memory, false);
	if (!wish->backing) {
		cap_free(memory);
		return -ENOMEM;
	}
	wish->offset = offset;
	wish->allowed = PROT_READ | PROT_EXEC | (writes ? PROT_WRITE : 0u);
	error = mm_map(thread->process->mm, wish);
	backing_put(wish->backing);
	wish->backing = nullptr;
	return error;
}

static i64 map_file(struct thread *thread, struct area_wish *wish, u64 fd,
		    u64 offset)
{
	struct file *file = files_get(thread, fd);
	i64 error = 0;

	if (!file)
		return -EBADF;
	if (file->operations != &fs_file_operations) {
		bool zero = file->operations->kind &&
			string_equal(file->operations->kind, "zero");

		file_put(file);
		return zero ? mm_map(thread->process->mm, wish) : -ENODEV;
	}
	if ((file->flags & O_ACCMODE) == O_WRONLY ||
	    (wish->shared && (wish->protection & PROT_WRITE) &&
	     (file->flags & O_ACCMODE) != O_RDWR))
		error = -EACCES;
	wish->name = file->path;
	wish->file_node = file->place.node;
	wish->file_offset = offset;
	if (!error && (wish->shared || !(wish->protection & PROT_WRITE)))
		error = map_contents(thread, wish, file, offset);
	else if (!error)
		error = -ENODEV;
	if (error && error != -EACCES &&
	    (!wish->shared || !(wish->protection & PROT_WRITE))) {
		wish->shared = false;
		error = map_copy(thread, wish, file, offset);
	}
	file_put(file);
	return error;
}

static i64 map_anonymous(struct thread *thread, struct area_wish *wish)
{
	i64 error;

	if (!wish->shared)
		return mm_map(thread->process->mm, wish);
	error = backing_anonymous(wish->length, false, &wish->backing);
	if (error)
		return error;
	error = mm_map(thread->process->mm, wish);
	backing_put(wish->backing);
	return error;
}

// Where to map, by address, length and flags.
static i64 choose(struct mm *mm, u64 address, u64 flags, struct area_wish *wish)
{
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (address % PAGE)
			return -EINVAL;
		if (!range_within(address, wish->length, STACK_TOP) ||
		    address < MAP_LOWEST)
			return -ENOMEM;
		wish->start = address;
		if (flags & MAP_FIXED_NOREPLACE)
			return mm_is_free(mm, address, wish->length) ? 0
								     : -EEXIST;
		return mm_unmap(mm, address, wish->length);
	}
	address = align_down(address, PAGE);
	if (address >= MAP_LOWEST &&
	    range_within(address, wish->length, MAP_TOP) &&
	    mm_is_free(mm, address, wish->length)) {
		wish->start = address;
		return 0;
	}
	wish->start = mm_find_room(mm, wish->length);
	return wish->start ? 0 : -ENOMEM;
}

i64 call_mmap(struct thread *thread, const u64 *a)
{
	struct mm *mm = thread->process->mm;
	u64 flags = a[3], type = flags & MAP_TYPE;
	struct area_wish wish = {.length = page_up(a[1]),
				 .protection = (u32)a[2] & 7,
				 .shared = type != MAP_PRIVATE};
	i64 error;

	if (!a[1] || (type != MAP_SHARED && type != MAP_PRIVATE && type != 3) ||
	    a[5] % PAGE)
		return -EINVAL;
	if (!wish.length || wish.length > GUEST_END)
		return -ENOMEM;
	error = check_limit(thread, wish.length);
	if (!error)
		error = choose(mm, a[0], flags, &wish);
	if (error)
		return error;
	if (flags & MAP_ANONYMOUS)
		error = map_anonymous(thread, &wish);
	else
		error = map_file(thread, &wish, a[4], a[5]);
	return error ? error : (i64)wish.start;
}

static i64 check_range(u64 start, u64 *length)
{
	if (start % PAGE)
		return -EINVAL;
	*length = page_up(*length);
	return range_within(start, *length, GUEST_END) ? 0 : -EINVAL;
}

i64 call_munmap(struct thread *thread, const u64 *a)
{
	u64 length = a[1];
	i64 error = length ? check_range(a[0], &length) : -EINVAL;

	return error ? error : mm_unmap(thread->process->mm, a[0], length);
}

i64 call_mprotect(struct thread *thread, const u64 *a)
{
	u64 length = a[1];
	i64 error = check_range(a[0], &length);

	if (error || !length)
		return error;
	return mm_protect(thread->process->mm, a[0], length, (u32)a[2] & 7);
}

// Copy what is readable between two places of one address space.
static i64 copy_pages(u64 from, u64 to, u64 length)
{
	u8 *buffer = buffer_alloc(65536);
	i64 error = buffer ? 0 : -ENOMEM;

	while (!error && length) {
		u64 part = MIN(length, 65536ull);

		error = guest_copy_in(buffer, from, part);
		if (!error)
			error = guest_copy_out(to, buffer, part);
		from += part;
		to += part;
		length -= part;
	}
	object_free(buffer);
	return error;
}

static i64 move_area(struct thread *thread, struct area *area, u64 from,
		     u64 old, u64 to, u64 length)
{
	struct mm *mm = thread->process->mm;
	struct area_wish wish = {.start = to,
				 .length = length,
				 .protection = area->protection,
				 .shared = area->shared};
	i64 error;

	if (area->shared) {
		wish.backing = area->backing;
		wish.offset = area->offset + (from - area->start);
		error = mm_map(mm, &wish);
	} else {
		u32 protection = wish.protection;

		wish.protection = PROT_READ | PROT_WRITE;
		error = mm_map(mm, &wish);
		if (!error && !(protection & PROT_READ))
			error = -EFAULT;
		if (!error)
			error = copy_pages(from, to, MIN(old, length));
		if (!error && protection != wish.protection)
			error = mm_protect(mm, to, length, protection);
		if (error)
			(void)mm_unmap(mm, to, length);
	}
	return error ? error : mm_unmap(mm, from, old);
}

i64 call_mremap(struct thread *thread, const u64 *a)
{
	struct mm *mm = thread->process->mm;
	u64 old = page_up(a[1]), length = page_up(a[2]), to;
	struct area *area;
	i64 error;

	if (a[0] % PAGE || !length || (a[3] & ~3ull) || !old)
		return -EINVAL;
	area = area_find(mm, a[0]);
	if (!area || !range_within(a[0], old, area->end))
		return -EFAULT;
	if (!(a[3] & MREMAP_FIXED)) {
		if (length <= old) {
			error = length < old
				? mm_unmap(mm, a[0] + length, old - length)
				: 0;
			return error ? error : (i64)a[0];
		}
		struct area_wish more = {.start = a[0] + old,
					 .length = length - old,
					 .protection = area->protection};

		if (!area->shared && area->end == a[0] + old &&
		    area->backing == mm->anonymous &&
		    range_within(a[0], length, MAP_TOP) &&
		    mm_is_free(mm, more.start, more.length) &&
		    mm_map(mm, &more) == 0)
			return (i64)a[0];
		if (!(a[3] & MREMAP_MAYMOVE))
			return -ENOMEM;
		to = mm_find_room(mm, length);
		if (!to)
			return -ENOMEM;
	} else {
		to = a[4];
		if (!(a[3] & MREMAP_MAYMOVE) || to % PAGE ||
		    !range_within(to, length, MAP_TOP) ||
		    (to < a[0] + old && a[0] < to + length))
			return -EINVAL;
		error = mm_unmap(mm, to, length);
		if (error)
			return error;
		area = area_find(mm, a[0]);
	}
	error = move_area(thread, area, a[0], old, to, length);
	return error ? error : (i64)to;
}

i64 call_madvise(struct thread *thread, const u64 *a)
{
	u64 length = a[1];
	i64 error = check_range(a[0], &length);

	if (error)
		return error;
	if (a[2] == MADV_DONTNEED)
		return mm_discard(thread->process->mm, a[0], length);
	return 0; // advice
}

i64 call_msync(struct thread *thread, const u64 *a)
{
	u64 length = a[1];

	(void)thread;
	return check_range(a[0], &length);
}

static i64 lock_memory(const u64 *a)
{
	u64 length = a[1];

	return check_range(align_down(a[0], PAGE), &length);
}

i64 call_mlock(struct thread *thread, const u64 *a)
{
	(void)thread;
	return lock_memory(a); // nothing is ever paged out
}

i64 call_munlock(struct thread *thread, const u64 *a)
{
	(void)thread;
	return lock_memory(a);
}

i64 call_mlockall(struct thread *thread, const u64 *a)
{
	(void)thread, (void)a;
	return 0;
}

i64 call_munlockall(struct thread *thread, const u64 *a)
{
	(void)thread, (void)a;
	return 0;
}
