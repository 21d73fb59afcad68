// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Unit tests of lib/base: lists, bits, checksums, statuses here, the rest in the
// files beside this one.
#include "tests/unit/base/check.h"

#include "lib/base/bits.h"
#include "lib/base/checksum.h"
#include "lib/base/list.h"
#include "lib/base/status.h"
#include "lib/base/string.h"

struct item {
	u32 number;
	struct list node;
};

static u32 sum_of(struct list *head)
{
	u32 sum = 0;

	LIST_FOR_EACH(node, head)
	sum = sum * 10 + LIST_ENTRY(node, struct item, node)->number;
	return sum;
}

static void test_list(void)
{
	struct list head, other;
	struct item item[4];

	list_init(&head);
	CHECK(list_empty(&head) && !list_first(&head) &&
	      !list_take_first(&head));
	for (u32 i = 0; i < 4; i++) {
		item[i].number = i + 1;
		list_add_last(&head, &item[i].node);
	}
	CHECK(sum_of(&head) == 1234);
	list_remove(&item[1].node);
	CHECK(sum_of(&head) == 134 && list_empty(&item[1].node));
	list_add_first(&head, &item[1].node);
	CHECK(sum_of(&head) == 2134);
	CHECK(list_take_first(&head) == &item[1].node);
	list_init(&other);
	list_add_last(&other, &item[1].node);
	list_join(&head, &other);
	list_remove(&other);
	CHECK(sum_of(&head) == 2134 && list_empty(&other));
	list_join(&head, &other);
	list_remove(&other);
	CHECK(sum_of(&head) == 2134);
	LIST_FOR_EACH_SAFE(node, &head)
	list_remove(node);
	CHECK(list_empty(&head));
}

static void test_bits(void)
{
	u64 value;

	CHECK(align_up(1, 4096) == 4096 && align_up(4096, 4096) == 4096);
	CHECK(align_up(~0ull, 4096) == 0 && align_down(8191, 4096) == 4096);
	CHECK(is_power_of_two(64) && !is_power_of_two(0) &&
	      !is_power_of_two(6));
	CHECK(lowest_bit(0x50) == 4 && highest_bit(0x50) == 6);
	CHECK(highest_bit(~0ull) == 63 && count_bits(~0ull) == 64);
	CHECK(count_bits(0x8000000000000001) == 2 && count_bits(0) == 0);
	CHECK(range_within(0, 0, 0) && range_within(4, 6, 10));
	CHECK(!range_within(5, 6, 10) && !range_within(~0ull, 2, 10));
	CHECK(!range_within(11, 0, 10) && !range_within(1, ~0ull, 10));
	CHECK(add_fits(1, 2, &value) && value == 3);
	CHECK(!add_fits(~0ull, 1, &value));
	CHECK(!multiply_fits(1ull << 32, 1ull << 32, &value));
	u8 bytes[8];
	store_le64(bytes, 0x1122334455667788);
	CHECK(bytes[0] == 0x88 && load_le64(bytes) == 0x1122334455667788);
	CHECK(load_le16(bytes) == 0x7788 && load_be16(bytes) == 0x8877);
	CHECK(load_le32(bytes + 1) == 0x44556677);
	CHECK(load_be32(bytes) == 0x88776655);
}

static void test_checksum(void)
{
	u8 data[32] = {}; // vectors of RFC 3720, B.4

	CHECK(crc32c(0, "123456789", 9) == 0xe3069283);
	CHECK(crc32c(0, data, 32) == 0x8a9136aa);
	memset(data, 0xff, 32);
	CHECK(crc32c(0, data, 32) == 0x62a8ab43);
	for (u32 i = 0; i < 32; i++)
		data[i] = (u8)i;
	CHECK(crc32c(0, data, 32) == 0x46dd794e);
	CHECK(crc32c(crc32c(0, data, 7), data + 7, 25) == 0x46dd794e);
}

static void test_status(void)
{
	CHECK(strcmp(status_text(STATUS_OK), "success") == 0);
	CHECK(strcmp(status_name(ERR_NOSYS), "NOSYS") == 0);
	CHECK(strcmp(status_text((enum status) - 9999), "unknown error") == 0);
	CHECK(status_from_word(0) == STATUS_OK);
	CHECK(status_from_word((u64)ERR_NOENT) == ERR_NOENT);
	CHECK(status_from_word(1) == ERR_PROTOCOL);
	CHECK(status_from_word((u64)-9999) == ERR_PROTOCOL);
	CHECK(status_from_word(0x00000000ffffffff) == ERR_PROTOCOL);
}

int main(void)
{
	test_list();
	test_bits();
	test_checksum();
	test_status();
	test_memory();
	test_string();
	test_format();
	test_parse();
	printf("base: ok\n");
	return 0;
}
