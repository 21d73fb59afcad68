// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Program files and the cache of them. The contents come as the file system's own
// memory object where it offers one that may be executed, so starting a program
// copies nothing but its writable data; else they are read once.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/carrier.h"
#include "personalities/linux/container.h"
#include "personalities/linux/exec.h"
#include "personalities/linux/memory.h"
#include "personalities/linux/mount.h"

#define CACHED_MAX 8u
#define DATA_MAX 0x4000000ull

static struct list cache = {&cache, &cache};
static u32 ncached;

static i64 read_exactly(const struct place *place, u64 offset, void *to,
			usize bytes)
{
	while (bytes) {
		struct io io = {true, (u64)to, bytes};
		i64 done = place->mount->operations->read(
			place->mount, place->node, offset, &io);

		if (done < 0)
			return done;
		if (done == 0)
			return -ENOEXEC; // shorter than it said
		to = (u8 *)to + done;
		offset += (u64)done;
		bytes -= (usize)done;
	}
	return 0;
}

static i64 contents_read(const struct place *place, u64 size,
			 struct backing **out)
{
	struct backing *backing;
	void *window;
	i64 error = backing_committed(align_up(size, PAGE), &backing);

	if (error)
		return error;
	if (memory_map(backing->memory, 0, align_up(size, PAGE),
		       MAP_READ | MAP_WRITE, &window) != STATUS_OK) {
		backing_put(backing);
		return -ENOMEM;
	}
	error = read_exactly(place, 0, window, size);
	memory_unmap(window, align_up(size, PAGE));
	if (error)
		backing_put(backing);
	else
		*out = backing;
	return error;
}

static i64 contents_get(const struct place *place, u64 size,
			struct backing **out)
{
	struct handle memory;
	u32 type, rights;
	u64 bytes;

	if (place->mount->operations->map &&
	    place->mount->operations->map(place->mount, place->node, 0, &bytes,
					  &memory) == 0) {
		if (bytes >= size &&
		    sys_cap_info(memory, &type, &rights, nullptr) ==
			    STATUS_OK &&
		    (rights & RIGHT_EXEC) && (rights & RIGHT_READ)) {
			*out = backing_create(memory, false);
			if (*out)
				return 0;
		}
		cap_free(memory);
	}
	return contents_read(place, size, out);
}

static i64 data_read(const struct place *place, struct program_file *program)
{
	struct elf_image *image = &program->image;
	u64 bytes = 0;
	i64 error = 0;

	for (u32 i = 0; i < image->nsegments; i++)
		if (image->segment[i].protection & PROT_WRITE)
			bytes += image->segment[i].file_bytes;
	if (bytes > DATA_MAX)
		return -ENOMEM;
	program->data = object_alloc(bytes + 1);
	if (!program->data)
		return -ENOMEM;
	bytes = 0;
	for (u32 i = 0; !error && i < image->nsegments; i++) {
		if (!(image->segment[i].protection & PROT_WRITE))
			continue;
		error = read_exactly(place, image->segment[i].file_offset,
				     program->data + bytes,
				     image->segment[i].file_bytes);
		bytes += image->segment[i].file_bytes;
	}
	return error;
}

static i64 headers_read(const struct place *place, struct program_file *program,
			const char *head, usize head_bytes)
{
	u64 table_offset;
	u8 *table;
	usize bytes;
	i64 error = elf_check_header(head, head_bytes, program->size,
				     &program->image, &table_offset);

	if (error)
		return error;
	bytes = program->image.table_count * ELF_PROGRAM_BYTES;
	table = object_alloc(bytes);
	if (!table)
		return -ENOMEM;
	error = read_exactly(place, table_offset, table, bytes);
	if (!error)
		error = elf_check_segments(table, bytes, table_offset,
					   program->size, IMAGE_LIMIT,
					   &program->image);
	object_free(table);
	return error;
}

void program_put(struct program_file *program)
{
	if (!program || --program->references)
		return;
	backing_put(program->contents);
	object_free(program->data);
	object_free(program);
}

static void cache_drop(struct program_file *program)
{
	list_remove(&program->node);
	ncached--;
	program_put(program);
}

static struct program_file *cache_find(const struct place *place,
				       const struct fs_attributes *attributes)
{
	LIST_FOR_EACH(node, &cache)
	{
		struct program_file *program =
			CONTAINER_OF(node, struct program_file, node);

		if (program->place.mount != place->mount ||
		    program->place.node != place->node)
			continue;
		if (program->mtime_ns == attributes->mtime_ns &&
		    program->size == attributes->size_bytes) {
			program->references++;
			return program;
		}
		cache_drop(program);
		return nullptr;
	}
	return nullptr;
}

static void cache_add(struct program_file *program)
{
	if (ncached == CACHED_MAX)
		cache_drop(CONTAINER_OF(cache.prev, struct program_file, node));
	program->references++;
	list_add_first(&cache, &program->node);
	ncached++;
}

i64 program_open(struct thread *thread, const struct place *place,
		 struct program_file **out, char *head, usize head_bytes)
{
	struct mount *mount = place->mount;
	struct fs_attributes attributes;
	struct program_file *program;
	struct io io = {true, (u64)head, head_bytes};
	i64 done,
		error = mount->operations->attributes(thread, mount,
						      place->node, &attributes);

	if (error)
		return error;
	if ((attributes.mode & S_IFMT) != S_IFREG ||
	    !(attributes.mode & 0111) || !mount->operations->read)
		return -EACCES;
	memset(head, 0, head_bytes);
	*out = cache_find(place, &attributes);
	if (*out)
		return 0;
	done = mount->operations->read(mount, place->node, 0, &io);
	if (done < 0)
		return done;
	if (done >= 2 && head[0] == '#' && head[1] == '!')
		return 0; // a script: no program
	program = object_alloc(sizeof(*program));
	if (!program)
		return -ENOMEM;
	program->references = 1;
	list_init(&program->node);
	program->place = *place;
	program->mtime_ns = attributes.mtime_ns;
	program->size = attributes.size_bytes;
	error = headers_read(place, program, head, (usize)done);
	if (!error && program->image.dynamic)
		error = -ENOEXEC; // not without an interpreter
	if (!error)
		error = data_read(place, program);
	if (!error)
		error = contents_get(place, program->size, &program->contents);
	if (error) {
		program_put(program);
		return error;
	}
	cache_add(program);
	*out = program;
	return 0;
}
