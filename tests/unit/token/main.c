// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Tokens on the host: the MAC against its specification, each bit of a token, the
// one-page store, and the service's table (model.c). Then the same in processes of
// their own with each mistake of lib/token/bugs.h: all must be found.
//
//   token [seed]
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto_generichash_blake2b.h"
#include "lib/token/bugs.h"
#include "lib/token/store.h"
#include "services/tokens/mac.h"
#include "tests/unit/token/check.h"

#define BUG_FIRST 190u
#define BUG_LAST 199u

u32 seeded_bug;
void (*token_point)(void);
static u64 seed = 1;

u32 below(u32 limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (u32)((seed >> 11) % limit);
}

// ---- the MAC

static void hash(u8 *out, usize out_bytes, const u8 *in, usize in_bytes,
		 const u8 *key, usize key_bytes)
{
	CHECK(crypto_generichash_blake2b(out, out_bytes, in, in_bytes, key,
					 key_bytes) == 0);
}

// The sequence of RFC 7693, appendix E.
static void sequence(u8 *out, usize bytes, u32 start)
{
	u32 a = 0xdead4bad * start, b = 1;

	for (usize i = 0; i < bytes; i++) {
		u32 sum = a + b;
		a = b;
		b = sum;
		out[i] = (u8)(sum >> 24);
	}
}

static void from_hex(const char *text, u8 *out)
{
	for (; *text; text += 2) {
		char pair[3] = {text[0], text[1], 0};
		*out++ = (u8)strtoul(pair, nullptr, 16);
	}
}

// RFC 7693: "abc" of appendix A, and the test of appendix E: all lengths, with and
// without key, in one hash.
static void test_rfc_7693(void)
{
	static const usize out_bytes[] = {20, 32, 48, 64};
	static const usize in_bytes[] = {0, 3, 128, 129, 255, 1024};
	u8 all[2 * 6 * (20 + 32 + 48 + 64)], in[1024], key[64], got[64],
		want[64];
	usize used = 0;

	from_hex("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa"
		 "2d1"
		 "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009"
		 "923",
		 want);
	hash(got, 64, (const u8 *)"abc", 3, nullptr, 0);
	CHECK(memcmp(got, want, 64) == 0);
	for (u32 i = 0; i < ARRAY_COUNT(out_bytes); i++)
		for (u32 k = 0; k < ARRAY_COUNT(in_bytes); k++) {
			usize n = out_bytes[i];
			sequence(in, in_bytes[k], (u32)in_bytes[k]);
			sequence(key, n, (u32)n);
			hash(all + used, n, in, in_bytes[k], nullptr, 0);
			hash(all + used + n, n, in, in_bytes[k], key, n);
			used += 2 * n;
		}
	CHECK(used == sizeof(all));
	from_hex("c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd"
		 "475",
		 want);
	hash(got, 32, all, sizeof(all), nullptr, 0);
	CHECK(memcmp(got, want, 32) == 0);
}

// Computed by another implementation: Python's hashlib.blake2b(b"kochab token 1\0\0" +
// permissions, key=key, digest_size=32).
static void test_token_mac(void)
{
	static const struct {
		u64 permissions;
		const char *mac;
	} known[] = {
		{0x0000000010004003,
		 "3d8333fdbf11b70c3f2d7167238e74cdad8bd97a80d6dfe64ab50156e3436"
		 "b39"},
		{0xfffffffff3ff6fff,
		 "88633fb7a3343dd933b19a5bf7cf306c67bcf77d18b7ed1e6673a73f528af"
		 "a53"},
		{1,
		 "e0cb7a709a54101ba1fbee51fe0fee9c0fc88777abaeee9d092d127d598d5"
		 "d54"},
	};
	u8 key[MAC_KEY_BYTES], got[TOKEN_MAC_BYTES], want[TOKEN_MAC_BYTES];

	for (u32 i = 0; i < ARRAY_COUNT(known); i++) {
		for (u32 k = 0; k < sizeof(key); k++)
			key[k] = i == 0 ? (u8)k : i == 1 ? 0xff : 0;
		from_hex(known[i].mac, want);
		mac_make(key, known[i].permissions, got);
		CHECK(memcmp(got, want, sizeof(got)) == 0);
	}
}

static void test_each_bit(void)
{
	u8 key[MAC_KEY_BYTES];

	for (u32 round = 0; round < 20; round++) {
		struct token token = {
			.permissions = token_permissions(
				1 + below(TOKEN_RIGHTS_MAX), below(2),
				below(TOKEN_PLACES), 1 + below(1u << 30)),
		};
		for (u32 i = 0; i < sizeof(key); i++)
			key[i] = (u8)below(256);
		CHECK(token_well_formed(token.permissions));
		mac_make(key, token.permissions, token.mac);
		CHECK(mac_good(key, &token));
		for (u32 bit = 0; bit < sizeof(token) * 8; bit++) {
			struct token forged = token;
			((u8 *)&forged)[bit / 8] ^= (u8)(1u << bit % 8);
			CHECK(!mac_good(key, &forged));
		}
		for (u32 bit = 0; bit < sizeof(key) * 8; bit++) {
			key[bit / 8] ^= (u8)(1u << bit % 8);
			CHECK(!mac_good(key, &token));
			key[bit / 8] ^= (u8)(1u << bit % 8);
		}
	}
}

static void test_layout(void)
{
	u64 permissions =
		token_permissions(0xa5, TOKEN_ONCE, 0x9c3, 0xabcdef012);

	CHECK(sizeof(struct token) == 40);
	CHECK(OFFSET_OF(struct token, permissions) == 32);
	CHECK(permissions == 0xabcdef0129c350a5);
	CHECK(token_rights(permissions) == 0xa5);
	CHECK(token_flags(permissions) == TOKEN_ONCE);
	CHECK(token_version(permissions) == TOKEN_VERSION);
	CHECK(token_place(permissions) == 0x9c3);
	CHECK(token_serial(permissions) == 0xabcdef012);
	CHECK(!token_well_formed(0));
	CHECK(!token_well_formed(~0ull));
}

// ---- the store

static struct token some_token(u32 number)
{
	struct token token = {.permissions =
				      token_permissions(number % 2 ? 1 : 3, 0,
							number, number + 1)};

	for (u32 i = 0; i < sizeof(token.mac); i++)
		token.mac[i] = (u8)(number * 7 + i);
	return token;
}

static void fill(struct token_store *store, u32 count)
{
	u32 place;

	memset(store, 0, sizeof(*store));
	CHECK(token_store_open(store) == STATUS_OK);
	for (u32 i = 0; i < count; i++) {
		struct token token = some_token(i);
		CHECK(token_store_add(store, &token, &place) == STATUS_OK);
		CHECK(place == i);
	}
	CHECK(store->count == count);
	CHECK(token_store_open(store) == STATUS_OK);
}

static void test_store_sizes(void)
{
	static alignas(4096) struct token_store store;
	struct token token = some_token(200), got;
	u32 place = 77;

	CHECK(sizeof(store) == 4096);
	fill(&store, 0);
	CHECK(token_store_get(&store, 0, &got) == ERR_EMPTY);
	CHECK(token_store_remove(&store, 0) == ERR_EMPTY);
	CHECK(token_store_find(&store, 0, 0, &place) == ERR_EMPTY);
	CHECK(token_store_get(&store, TOKEN_STORE_PLACES, &got) == ERR_RANGE);
	fill(&store, 1);
	CHECK(token_store_get(&store, 0, &got) == STATUS_OK);
	token = some_token(0);
	CHECK(memcmp(&got, &token, sizeof(got)) == 0);
	CHECK(token_store_add(&store, &token, &place) == STATUS_OK);
	CHECK(place == 0 && store.count == 1); // not twice
	fill(&store, TOKEN_STORE_PLACES);
	token = some_token(200);
	CHECK(token_store_add(&store, &token, &place) == ERR_NOSPACE);
	CHECK(token_store_open(&store) == STATUS_OK);
	CHECK(token_store_find(&store, 2, 0, &place) == STATUS_OK &&
	      place == 0);
	CHECK(token_store_find(&store, 2, 1, &place) == STATUS_OK &&
	      place == 2);
	CHECK(token_store_find(&store, 4, 0, &place) == ERR_EMPTY);
	CHECK(token_store_remove(&store, 57) == STATUS_OK);
	CHECK(token_store_add(&store, &token, &place) == STATUS_OK);
	CHECK(place == 57);
	CHECK(token_store_open(&store) == STATUS_OK);
	token.permissions = 0;
	CHECK(token_store_add(&store, &token, &place) == ERR_FORMAT);
	for (u32 i = 0; i < TOKEN_STORE_PLACES; i++)
		CHECK(token_store_remove(&store, i) == STATUS_OK);
	CHECK(store.count == 0 && store.sum == 0);
	CHECK(token_store_open(&store) == STATUS_OK);
}

// Each bit of a page with 100 tokens: it is noticed, and repaired the store holds what
// could be tokens, which all the others still are.
static void test_store_damage(void)
{
	static alignas(4096) struct token_store store, good;
	u32 removed, kept;

	fill(&good, 100);
	for (u32 bit = 0; bit < sizeof(store) * 8; bit++) {
		store = good;
		((u8 *)&store)[bit / 8] ^= (u8)(1u << bit % 8);
		enum status status = token_store_open(&store);
		bool magic =
			bit / 64 == OFFSET_OF(struct token_store, magic) / 8;
		CHECK(status == (magic ? ERR_FORMAT : ERR_CORRUPT));
		if (magic || bit % 13)
			continue;
		removed = token_store_repair(&store);
		CHECK(removed <= 1);
		CHECK(token_store_open(&store) == STATUS_OK);
		kept = 0;
		for (u32 i = 0; i < 100; i++)
			kept += memcmp(&store.place[i], &good.place[i],
				       sizeof(struct token)) == 0;
		CHECK(kept >= 99);
	}
	memset(&store, 0x20, sizeof(store)); // something else's page
	good = store;
	CHECK(token_store_open(&store) == ERR_FORMAT);
	CHECK(memcmp(&store, &good, sizeof(store)) == 0);
}

// ----

static void test_all(void)
{
	test_layout();
	test_rfc_7693();
	test_token_mac();
	test_each_bit();
	test_store_sizes();
	test_store_damage();
	test_last_request();
	test_quota();
	test_grants();
	test_damage();
	test_deaths();
}

// Does a process with this mistake fail?
static bool found(u32 bug)
{
	int state;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(freopen("/dev/null", "w", stdout));
		CHECK(freopen("/dev/null", "w", stderr));
		seeded_bug = bug;
		test_all();
		exit(0);
	}
	CHECK(waitpid(pid, &state, 0) == pid);
	return state != 0;
}

int main(int argc, char **argv)
{
	u32 nfound = 0;

	if (argc > 1)
		seed = strtoul(argv[1], nullptr, 0) * 2 + 1;
	test_all();
	for (u32 bug = BUG_FIRST; bug <= BUG_LAST; bug++) {
		if (found(bug))
			nfound++;
		else
			printf("NOTE mistake %u was not found\n", bug);
	}
	printf("NOTE %u of %u mistakes found\n", nfound,
	       BUG_LAST - BUG_FIRST + 1);
	return nfound != BUG_LAST - BUG_FIRST + 1;
}
