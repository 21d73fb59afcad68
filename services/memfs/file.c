// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Contents of memfs's files: see store.h. What lies behind the end of a file is
// always zero, in its block and in its object, so that a file grows by changing
// its size. Bytes are written before the change of size is committed; where a
// server dies in between, the client's repeated write puts the same there again.
#include "abi/constants.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/memfs/backing.h"
#include "services/memfs/store.h"

static bool is_file(const struct inode *inode)
{
	return (inode->mode & FS_TYPE_MASK) == FS_TYPE_FILE;
}

static enum status file_of(const struct store *store, u64 node,
			   struct inode **out)
{
	struct inode *inode = store_node(store, node);

	if (!inode)
		return ERR_STALE;
	if ((inode->mode & FS_TYPE_MASK) == FS_TYPE_DIRECTORY)
		return ERR_ISDIR;
	if (!is_file(inode))
		return ERR_ARGUMENT;
	*out = inode;
	return STATUS_OK;
}

static u64 pages_of(u64 offset, u64 bytes)
{
	return align_up(offset + bytes, PAGE_BYTES) / PAGE_BYTES -
	       offset / PAGE_BYTES;
}

enum copy { COPY_OUT, COPY_IN, COPY_ZERO };

// Between an object and memory, window by window.
static enum status copy_object(u32 slot, u64 offset, u8 *memory, u64 bytes,
			       enum copy way)
{
	while (bytes != 0) {
		u8 *window;
		u64 room, step;
		enum status status = backing_window(slot, offset, &window, &room);

		if (status != STATUS_OK)
			return status;
		step = MIN(room, bytes);
		if (way == COPY_OUT)
			memcpy(memory, window, step);
		else if (way == COPY_IN)
			memcpy(window, memory, step);
		else
			memset(window, 0, step);
		if (way != COPY_ZERO)
			memory += step;
		offset += step;
		bytes -= step;
	}
	return STATUS_OK;
}

// Bytes of the contents as they are now; the range is below the size.
static enum status get(const struct store *store, const struct inode *inode,
		       u64 offset, u8 *data, u64 bytes)
{
	switch (inode->content) {
	case CONTENT_NONE:
		memset(data, 0, bytes);
		return STATUS_OK;
	case CONTENT_INLINE:
		memcpy(data, (u8 *)store_at(store, inode->place) + offset,
		       bytes);
		return STATUS_OK;
	case CONTENT_ARCHIVE:
		memcpy(data, store->archive + inode->archive + offset, bytes);
		return STATUS_OK;
	case CONTENT_OBJECT:
		// Looking at an absent page makes it present.
		if (inode->sparse && !backing_room(pages_of(offset, bytes)))
			return ERR_NOSPACE;
		return copy_object(inode->place, offset, data, bytes, COPY_OUT);
	}
	return ERR_CORRUPT;
}

enum status file_read(struct store *store, u64 node, u64 offset, u8 *data,
		      u32 bytes, u32 *done)
{
	struct inode *inode;
	enum status status = file_of(store, node, &inode);

	*done = 0;
	if (status != STATUS_OK)
		return status;
	if (offset >= inode->size_bytes)
		return STATUS_OK;
	bytes = (u32)MIN((u64)bytes, inode->size_bytes - offset);
	status = get(store, inode, offset, data, bytes);
	if (status == STATUS_OK)
		*done = bytes;
	return status;
}

static void forget(struct store *store, struct inode *inode)
{
	if (inode->content == CONTENT_INLINE)
		store_free(store, inode->place, inode->class);
	else if (inode->content == CONTENT_OBJECT)
		store_slot_doom(store, inode->place);
	inode->content = CONTENT_NONE;
	inode->place = 0;
	inode->class = 0;
	inode->sparse = 0;
	inode->archive = 0;
}

void file_free(struct store *store, struct inode *inode)
{
	store_touch(store, inode, sizeof(*inode));
	forget(store, inode);
}

// Copy the first bytes of the contents into a new object.
static enum status fill_object(struct store *store, const struct inode *inode,
			       u32 slot, u64 bytes)
{
	u64 offset = 0;

	if (inode->content == CONTENT_NONE)
		return STATUS_OK;
	if (!backing_room(pages_of(0, bytes)))
		return ERR_NOSPACE;
	while (offset < bytes) {
		u8 piece[1024];
		u64 step = MIN(bytes - offset, (u64)sizeof(piece));
		enum status status = get(store, inode, offset, piece, step);

		if (status == STATUS_OK)
			status = copy_object(slot, offset, piece, step, COPY_IN);
		if (status != STATUS_OK)
			return status;
		offset += step;
	}
	return STATUS_OK;
}

enum status file_to_object(struct store *store, struct inode *inode, u32 class)
{
	u32 sparse = inode->sparse || (inode->content == CONTENT_NONE &&
				       inode->size_bytes != 0);
	enum status status;
	u32 slot;

	if (inode->content == CONTENT_OBJECT && inode->class >= class)
		return STATUS_OK;
	slot = store_slot_new(store);
	if (slot == STORE_SLOTS_MAX)
		return ERR_NOSPACE;
	status = backing_create(slot, OBJECT_BYTES(class));
	if (status == STATUS_OK)
		status = fill_object(store, inode, slot,
				     MIN(inode->size_bytes,
					 OBJECT_BYTES(class)));
	if (status != STATUS_OK)
		return status;
	store_touch(store, inode, sizeof(*inode));
	forget(store, inode);
	inode->content = CONTENT_OBJECT;
	inode->place = slot;
	inode->class = class;
	inode->sparse = sparse;
	return STATUS_OK;
}

static enum status to_inline(struct store *store, struct inode *inode, u64 size)
{
	u32 class = store_class((u32)size);
	u32 bytes = (u32)STORE_BLOCK << class;
	u64 keep = MIN(inode->size_bytes, size);
	enum status status;
	u32 offset;

	if (inode->content == CONTENT_INLINE && inode->class >= class)
		return STATUS_OK;
	offset = store_alloc(store, class);
	if (offset == 0)
		return ERR_NOSPACE;
	memset(store_at(store, offset), 0, bytes);
	status = get(store, inode, 0, store_at(store, offset), keep);
	if (status != STATUS_OK)
		return status;
	store_touch(store, inode, sizeof(*inode));
	forget(store, inode);
	inode->content = CONTENT_INLINE;
	inode->place = offset;
	inode->class = class;
	return STATUS_OK;
}

// Make the contents changeable, with room for size bytes.
static enum status make_room(struct store *store, struct inode *inode, u64 size)
{
	u32 class = 0;

	if (size > STORE_FILE_MAX)
		return ERR_FBIG;
	if (size <= INLINE_MAX && inode->content != CONTENT_OBJECT &&
	    inode->size_bytes <= INLINE_MAX)
		return to_inline(store, inode, size);
	while (OBJECT_BYTES(class) < size)
		class++;
	return file_to_object(store, inode, class);
}

static void changed(struct store *store, struct inode *inode)
{
	store_touch(store, inode, sizeof(*inode));
	inode->mtime_ns = backing_time_ns();
	inode->ctime_ns = inode->mtime_ns;
}

enum status file_write(struct store *store, u64 node, u64 offset,
		       const u8 *data, u32 bytes, u32 *done)
{
	struct inode *inode;
	enum status status = file_of(store, node, &inode);
	u64 end, size;

	*done = 0;
	if (status != STATUS_OK || bytes == 0)
		return status;
	if (!add_fits(offset, bytes, &end) || end > STORE_FILE_MAX)
		return ERR_FBIG;
	size = MAX(end, inode->size_bytes);
	status = make_room(store, inode, size);
	if (status != STATUS_OK)
		return status;
	if (inode->content == CONTENT_INLINE) {
		u8 *block = store_at(store, inode->place);

		store_touch(store, block + offset, bytes);
		memcpy(block + offset, data, bytes);
	} else {
		if (!backing_room(pages_of(offset, bytes)))
			return ERR_NOSPACE;
		status = copy_object(inode->place, offset, (u8 *)data, bytes,
				     COPY_IN);
		if (status != STATUS_OK)
			return status;
	}
	changed(store, inode);
	if (offset > inode->size_bytes)
		inode->sparse = 1;
	inode->size_bytes = size;
	*done = bytes;
	return STATUS_OK;
}

// Zero what lies behind the new end.
static enum status cut(struct store *store, struct inode *inode, u64 size)
{
	u64 old = inode->size_bytes;
	u64 page = MIN(align_up(size, PAGE_BYTES), old);
	enum status status = STATUS_OK;

	if (inode->content == CONTENT_INLINE) {
		u8 *block = store_at(store, inode->place);

		store_touch(store, block + size, (u32)(old - size));
		memset(block + size, 0, old - size);
		return STATUS_OK;
	}
	if (inode->content != CONTENT_OBJECT)
		return STATUS_OK;
	if (page > size && backing_room(1))
		status = copy_object(inode->place, size, nullptr, page - size,
				     COPY_ZERO);
	else if (page > size)
		return ERR_NOSPACE;
	if (status == STATUS_OK && old > page)
		status = backing_zero(inode->place, page,
				      align_up(old - page, PAGE_BYTES));
	return status;
}

enum status file_resize(struct store *store, struct inode *inode, u64 size)
{
	enum status status = STATUS_OK;

	if ((inode->mode & FS_TYPE_MASK) == FS_TYPE_DIRECTORY)
		return ERR_ISDIR;
	if (!is_file(inode))
		return ERR_ARGUMENT;
	if (size > STORE_FILE_MAX)
		return ERR_FBIG;
	if (size == 0) {
		changed(store, inode);
		forget(store, inode);
	} else if (size < inode->size_bytes) {
		// An archive's file shrinks where it lies.
		status = cut(store, inode, size);
	} else if (size > inode->size_bytes) {
		status = make_room(store, inode, size);
		if (status == STATUS_OK)
			store_touch(store, inode, sizeof(*inode));
		inode->sparse |= inode->content == CONTENT_OBJECT;
	}
	if (status != STATUS_OK)
		return status;
	changed(store, inode);
	inode->size_bytes = size;
	return STATUS_OK;
}
