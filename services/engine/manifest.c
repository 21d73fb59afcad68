// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Parser of manifests. A line is expanded ({n} becomes the number of the device),
// cut into words, and looked up in the table of directives; names are resolved and
// relations checked when all lines have been read.
#include "services/engine/manifest.h"

#include <stdarg.h>

#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"

#define LINE_BYTES 700
#define WORDS 12
#define CHANNEL_TABLE 8192 // lib/driver/channel.h, in front of the data

struct parser {
	struct manifest *manifest;
	struct plan *plan; // of the component being described
	u32 line;
	u32 count[EACH_KINDS];
	u32 nwords;
	char word[WORDS][NAME_BYTES * 2];
	const char *rest; // of the line, behind the first word
};

[[gnu::format(printf, 2, 3)]] static enum status fail(struct parser *parser,
	const char *format, ...)
{
	struct manifest *m = parser->manifest;
	va_list values;

	va_start(values, format);
	format_string(m->error, sizeof(m->error), format, values);
	va_end(values);
	m->error_line = parser->line;
	return ERR_FORMAT;
}

// ---- words

static bool name_ok(const char *name)
{
	usize n = strlen(name);

	if (n == 0 || n >= NAME_BYTES)
		return false;
	for (usize i = 0; i < n; i++) {
		char c = name[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '.';
		if (!ok)
			return false;
	}
	return true;
}

static enum status take_name(struct parser *parser, const char *word,
	char name[NAME_BYTES])
{
	if (!name_ok(word))
		return fail(parser, "'%s' is not a name (a-z 0-9 . -, at most "
			"%u)", word, NAME_BYTES - 1);
	strlcpy(name, word, NAME_BYTES);
	return STATUS_OK;
}

static enum status take_number(struct parser *parser, const char *word,
	u64 limit, u64 *value)
{
	enum status status = parse_u64(word, strlen(word), limit, value);

	if (status == ERR_RANGE)
		return fail(parser, "%s is more than %lu", word, limit);
	if (status != STATUS_OK)
		return fail(parser, "'%s' is not a number", word);
	return STATUS_OK;
}

static enum status take_u32(struct parser *parser, const char *word, u32 limit,
	u32 *value)
{
	u64 number = 0;
	enum status status = take_number(parser, word, limit, &number);

	*value = (u32)number;
	return status;
}

static enum status take_bytes(struct parser *parser, const char *word,
	u64 limit, u64 *value)
{
	enum status status = parse_size(word, strlen(word), limit, value);

	if (status == ERR_RANGE)
		return fail(parser, "%s is more than %lu bytes", word, limit);
	if (status != STATUS_OK)
		return fail(parser, "'%s' is not a size", word);
	*value = align_up(*value, PAGE_BYTES);
	return STATUS_OK;
}

static enum status take_size(struct parser *parser, const char *word,
	struct size *size)
{
	usize n = strlen(word);
	u64 percent;

	*size = (struct size){};
	if (n == 0 || word[n - 1] != '%')
		return take_bytes(parser, word, 1ull << 40, &size->bytes);
	if (parse_u64(word, n - 1, 100, &percent) != STATUS_OK)
		return fail(parser, "'%s' is not a percentage", word);
	size->percent = (u32)percent;
	return STATUS_OK;
}

// ---- directives; words 1.. are the arguments

static enum status do_binary(struct parser *parser)
{
	return take_name(parser, parser->word[1], parser->plan->binary);
}

static enum status do_domain(struct parser *parser)
{
	static const char *const names[] = {"sovereign", "services", "drivers"};

	for (u32 i = 0; i < DOMAINS; i++)
		if (string_equal(parser->word[1], names[i])) {
			parser->plan->domain = (enum domain)i;
			return STATUS_OK;
		}
	return fail(parser, "no domain '%s': sovereign, services or drivers",
		parser->word[1]);
}

static enum status do_layer(struct parser *parser)
{
	return take_u32(parser, parser->word[1], 255, &parser->plan->layer);
}

static enum status do_priority(struct parser *parser)
{
	return take_u32(parser, parser->word[1], 63, &parser->plan->priority);
}

static enum status do_memory(struct parser *parser)
{
	return take_size(parser, parser->word[1], &parser->plan->memory);
}

static enum status do_heap(struct parser *parser)
{
	return take_bytes(parser, parser->word[1], 1ull << 30,
		&parser->plan->heap_bytes);
}

static enum status do_stack(struct parser *parser)
{
	return take_bytes(parser, parser->word[1], 1ull << 20,
		&parser->plan->stack_bytes);
}

static enum status do_stash(struct parser *parser)
{
	return take_bytes(parser, parser->word[1], 64ull << 20,
		&parser->plan->stash_bytes);
}

static enum status do_slots(struct parser *parser)
{
	u32 slots;
	enum status status = take_u32(parser, parser->word[1], 4096, &slots);

	if (status != STATUS_OK)
		return status;
	if (slots < 64 || !is_power_of_two(slots))
		return fail(parser, "slots: a power of two from 64 to 4096");
	parser->plan->slots_log2 = highest_bit(slots);
	return STATUS_OK;
}

static enum status do_serve(struct parser *parser)
{
	return take_name(parser, parser->word[1], parser->plan->serve);
}

static enum status do_flag(struct parser *parser)
{
	const char *flag = parser->word[0];

	if (string_equal(flag, "container"))
		parser->plan->container = true;
	else if (string_equal(flag, "essential"))
		parser->plan->essential = true;
	else
		parser->plan->names = true;
	return STATUS_OK;
}

static enum status do_restart(struct parser *parser)
{
	bool always = string_equal(parser->word[1], "always");

	if (!always && !string_equal(parser->word[1], "never"))
		return fail(parser, "restart: always or never");
	parser->plan->restart = always;
	return STATUS_OK;
}

static enum status do_budget(struct parser *parser)
{
	enum status status = take_u32(parser, parser->word[1], 1000000,
		&parser->plan->budget);

	if (status != STATUS_OK)
		return status;
	return take_u32(parser, parser->word[2], 86400,
		&parser->plan->budget_seconds);
}

static enum status do_heartbeat(struct parser *parser)
{
	if (string_equal(parser->word[1], "off")) {
		parser->plan->misses = 0;
		return STATUS_OK;
	}
	return take_u32(parser, parser->word[1], 100000, &parser->plan->misses);
}

static enum status do_arguments(struct parser *parser)
{
	char *arguments = parser->plan->arguments;
	const char *text = parser->rest;

	if (arguments[0])
		strlcat(arguments, " ", ARGUMENTS_BYTES);
	if (strlcat(arguments, text, ARGUMENTS_BYTES) >= ARGUMENTS_BYTES)
		return fail(parser, "arguments longer than %u bytes",
			ARGUMENTS_BYTES - 1);
	return STATUS_OK;
}

// vendor:device:instance, as the PCI bus service wants it.
static enum status take_badge(struct parser *parser, const char *word,
	u64 *badge)
{
	static const struct {
		u32 shift;
		u64 limit;
	} part[3] = {{48, 0xffff}, {32, 0xffff}, {0, 0xffffffff}};
	const char *text = word;

	*badge = 0;
	if (!strchr(word, ':'))
		return take_number(parser, word, ~0ull >> 1, badge);
	for (u32 i = 0; i < 3; i++) {
		const char *end = strchr(text, ':');
		u64 value;
		if ((i < 2) != (end != nullptr))
			return fail(parser, "'%s' is not vendor:device:number",
				word);
		usize n = end ? (usize)(end - text) : strlen(text);
		if (parse_u64(text, n, part[i].limit, &value) != STATUS_OK)
			return fail(parser, "'%s' is not vendor:device:number",
				word);
		*badge |= value << part[i].shift;
		text = end ? end + 1 : text;
	}
	return STATUS_OK;
}

static enum status do_use(struct parser *parser)
{
	struct plan *plan = parser->plan;
	struct use *use = &plan->use[plan->nuses];
	enum status status;

	if (plan->nuses == USES)
		return fail(parser, "more than %u uses", USES);
	*use = (struct use){.line = parser->line};
	status = take_name(parser, parser->word[1], use->name);
	strlcpy(use->from, use->name, NAME_BYTES);
	for (u32 i = 2; i < parser->nwords && status == STATUS_OK; i++) {
		const char *word = parser->word[i];
		bool more = i + 1 < parser->nwords;
		if (string_equal(word, "from") && more)
			status = take_name(parser, parser->word[++i], use->from);
		else if (string_equal(word, "badge") && more)
			status = take_badge(parser, parser->word[++i],
				&use->badge);
		else if (string_equal(word, "derive"))
			use->derive = true;
		else if (string_equal(word, "admin"))
			use->admin = true;
		else
			return fail(parser, "use: what is '%s'?", word);
	}
	for (u32 i = 0; i < plan->nuses && status == STATUS_OK; i++)
		if (string_equal(plan->use[i].name, use->name))
			return fail(parser, "'%s' is used twice", use->name);
	if (status == STATUS_OK)
		plan->nuses++;
	return status;
}

// channel NAME to COMPONENT:NAME data SIZE
static enum status do_channel(struct parser *parser)
{
	struct manifest *m = parser->manifest;
	struct channel_plan *channel = &m->channel[m->nchannels];
	char *colon = strchr(parser->word[3], ':');
	enum status status;

	if (m->nchannels == CHANNELS)
		return fail(parser, "more than %u channels", CHANNELS);
	if (!string_equal(parser->word[2], "to") || !colon ||
		!string_equal(parser->word[4], "data"))
		return fail(parser,
			"channel NAME to COMPONENT:NAME data SIZE");
	*colon = 0;
	*channel = (struct channel_plan){
		.client = (u32)(parser->plan - m->component),
		.line = parser->line,
	};
	status = take_name(parser, parser->word[1], channel->client_name);
	if (status == STATUS_OK)
		status = take_name(parser, parser->word[3], channel->to);
	if (status == STATUS_OK)
		status = take_name(parser, colon + 1, channel->server_name);
	if (status == STATUS_OK)
		status = take_bytes(parser, parser->word[5], 64ull << 20,
			&channel->data_bytes);
	if (status == STATUS_OK)
		m->nchannels++;
	return status;
}

static enum status take_rights(struct parser *parser, u64 *rights)
{
	static const struct {
		const char *name;
		u32 right;
	} known[] = {
		{"log", RIGHT_WRITE}, {"info", RIGHT_READ},
		{"control", RIGHT_CONTROL},
	};

	*rights = 0;
	for (u32 i = 2; i < parser->nwords; i++) {
		u32 found = 0;
		for (u32 k = 0; k < ARRAY_COUNT(known); k++)
			if (string_equal(parser->word[i], known[k].name))
				found = known[k].right;
		if (!found)
			return fail(parser, "system: no right '%s': log, info "
				"or control", parser->word[i]);
		*rights |= found;
	}
	return STATUS_OK;
}

static enum status extra_values(struct parser *parser, struct extra *extra)
{
	enum status status = STATUS_OK;

	switch (extra->kind) {
	case EXTRA_SYSTEM:
		return take_rights(parser, &extra->a);
	case EXTRA_CNODE:
		status = take_number(parser, parser->word[2], 4096, &extra->a);
		if (status == STATUS_OK &&
			(extra->a < 2 || !is_power_of_two(extra->a)))
			return fail(parser, "cnode: a power of two up to 4096");
		if (status == STATUS_OK)
			extra->a = highest_bit(extra->a);
		return status;
	case EXTRA_POOL:
		return take_size(parser, parser->word[2], &extra->size);
	case EXTRA_NUMBER:
	case EXTRA_IOPORT:
		status = take_number(parser, parser->word[2],
			extra->kind == EXTRA_IOPORT ? 0xffff : ~0ull, &extra->a);
		if (status != STATUS_OK || parser->nwords < 4)
			return status;
		return take_number(parser, parser->word[3],
			extra->kind == EXTRA_IOPORT ? 0x10000 - extra->a : ~0ull,
			&extra->b);
	case EXTRA_IRQ:
		extra->b = string_equal(parser->word[2], "isa") ? EXTRA_IRQ_ISA :
			EXTRA_IRQ_GSI;
		if (extra->b == EXTRA_IRQ_GSI &&
			!string_equal(parser->word[2], "gsi"))
			return fail(parser, "irq NAME isa|gsi NUMBER");
		return take_number(parser, parser->word[3], 1023, &extra->a);
	case EXTRA_SERIAL:
		status = take_name(parser, parser->word[2],
			parser->plan->binary);
		if (status == STATUS_OK)
			status = take_name(parser, parser->word[3],
				parser->plan->pl011);
		return status;
	case EXTRA_FRAMEBUFFER:
		return take_name(parser, parser->word[2],
			parser->plan->framebuffer);
	case EXTRA_ARCHIVE:
	case EXTRA_ECAM:
		break;
	}
	return status;
}

static enum status do_extra(struct parser *parser)
{
	static const char *const kinds[] = {"system", "archive", "cnode", "pool",
		"number", "ioport", "irq", "ecam", "serial", "framebuffer"};
	struct plan *plan = parser->plan;
	struct extra *extra = &plan->extra[plan->nextras];
	enum status status;

	if (plan->nextras == EXTRAS)
		return fail(parser, "more than %u devices, pools and the like",
			EXTRAS);
	*extra = (struct extra){};
	for (u32 i = 0; i < ARRAY_COUNT(kinds); i++)
		if (string_equal(parser->word[0], kinds[i]))
			extra->kind = (enum extra_kind)i;
	status = take_name(parser, parser->word[1], extra->name);
	if (status == STATUS_OK)
		status = extra_values(parser, extra);
	if (status == STATUS_OK)
		plan->nextras++;
	return status;
}

static const struct directive {
	const char *word;
	u32 min, max; // arguments
	enum status (*parse)(struct parser *parser);
} directives[] = {
	{"binary", 1, 1, do_binary},
	{"domain", 1, 1, do_domain},
	{"layer", 1, 1, do_layer},
	{"priority", 1, 1, do_priority},
	{"memory", 1, 1, do_memory},
	{"heap", 1, 1, do_heap},
	{"stack", 1, 1, do_stack},
	{"stash", 1, 1, do_stash},
	{"slots", 1, 1, do_slots},
	{"serve", 1, 1, do_serve},
	{"use", 1, 8, do_use},
	{"channel", 5, 5, do_channel},
	{"arguments", 1, 99, do_arguments},
	{"restart", 1, 1, do_restart},
	{"budget", 2, 2, do_budget},
	{"heartbeat", 1, 1, do_heartbeat},
	{"container", 0, 0, do_flag},
	{"essential", 0, 0, do_flag},
	{"names", 0, 0, do_flag},
	{"system", 2, 4, do_extra},
	{"archive", 1, 1, do_extra},
	{"cnode", 2, 2, do_extra},
	{"pool", 2, 2, do_extra},
	{"number", 2, 3, do_extra},
	{"ioport", 3, 3, do_extra},
	{"irq", 3, 3, do_extra},
	{"ecam", 1, 1, do_extra},
	{"serial", 3, 3, do_extra},
	{"framebuffer", 2, 2, do_extra},
};

// ---- lines

// Copy a line and replace {n}, {n+K} and {n-K}.
static enum status expand(struct parser *parser, struct word line, u32 n,
	char *out)
{
	usize used = 0;

	for (usize i = 0; i < line.bytes; i++) {
		char c = line.text[i];
		if (c == '#')
			break;
		if (c == '\t' || c == '\r')
			c = ' ';
		if ((u8)c < ' ' || (u8)c > '~')
			return fail(parser, "byte 0x%02x is not text", (u8)c);
		if (c != '{') {
			out[used++] = c;
			if (used >= LINE_BYTES - 12)
				return fail(parser, "line too long");
			continue;
		}
		usize left = line.bytes - i;
		const char *at = line.text + i;
		u32 value = n, length = 3;
		if (left >= 5 && at[1] == 'n' && at[4] == '}' &&
			(at[2] == '+' || at[2] == '-') && at[3] >= '0' &&
			at[3] <= '9') {
			u32 k = (u32)(at[3] - '0');
			value = at[2] == '+' ? n + k : n - k;
			length = 5;
		} else if (left < 3 || at[1] != 'n' || at[2] != '}') {
			return fail(parser, "'{' must begin {n}, {n+K} or "
				"{n-K}");
		}
		if (n == 0)
			return fail(parser, "{n} has a meaning only with 'each "
				"disk' or 'each screen'");
		used += format_text(out + used, 12, "%u", value);
		i += length - 1;
		if (used >= LINE_BYTES - 12)
			return fail(parser, "line too long");
	}
	out[used] = 0;
	return STATUS_OK;
}

static enum status split(struct parser *parser, const char *text)
{
	usize bytes = strlen(text);
	struct word word;

	parser->nwords = 0;
	parser->rest = "";
	while (parse_word(&text, &bytes, &word)) {
		u32 i = parser->nwords++;
		if (i == 0) {
			while (*text == ' ')
				text++, bytes--;
			parser->rest = text;
		}
		if (i >= WORDS)
			continue; // arguments may be many: they use rest
		if (word.bytes >= sizeof(parser->word[0])) {
			parser->word[i][0] = 0;
			if (i > 0 && string_equal(parser->word[0], "arguments"))
				continue;
			return fail(parser, "word too long");
		}
		memcpy(parser->word[i], word.text, word.bytes);
		parser->word[i][word.bytes] = 0;
	}
	return STATUS_OK;
}

static enum status begin_component(struct parser *parser)
{
	struct manifest *m = parser->manifest;
	struct plan *plan = &m->component[m->ncomponents];
	enum status status;
	char *dot;

	if (m->ncomponents == COMPONENTS)
		return fail(parser, "more than %u components", COMPONENTS);
	*plan = (struct plan){
		.line = parser->line,
		.domain = DOMAIN_DRIVERS,
		.layer = 20,
		.restart = true,
		.memory = {.bytes = 1 << 20},
		.heap_bytes = 1 << 20,
		.stack_bytes = 32768,
		.slots_log2 = 7,
		.misses = 25,
		.budget = 200,
		.budget_seconds = 10,
	};
	status = take_name(parser, parser->word[1], plan->name);
	if (status != STATUS_OK)
		return status;
	if (string_equal(plan->name, "engine") ||
		string_equal(plan->name, "vault") ||
		string_equal(plan->name, "root") ||
		manifest_find(m, plan->name) >= 0)
		return fail(parser, "the name '%s' is taken", plan->name);
	strlcpy(plan->binary, plan->name, NAME_BYTES);
	dot = strchr(plan->binary, '.');
	if (dot)
		*dot = 0;
	m->ncomponents++;
	parser->plan = plan;
	return STATUS_OK;
}

static enum status run_directive(struct parser *parser)
{
	for (u32 i = 0; i < ARRAY_COUNT(directives); i++) {
		const struct directive *d = &directives[i];
		if (!string_equal(parser->word[0], d->word))
			continue;
		if (!parser->plan)
			return fail(parser, "'%s' before any component",
				d->word);
		u32 arguments = parser->nwords - 1;
		if (arguments < d->min || arguments > d->max)
			return fail(parser, "'%s' takes %u to %u words, not %u",
				d->word, d->min, d->max, arguments);
		return d->parse(parser);
	}
	return fail(parser, "unknown word '%s'", parser->word[0]);
}

// Is the line "each disk ..." or "each screen ..."? Then *line becomes what follows.
static bool take_each(struct word *line, enum each *kind)
{
	static const char *const kinds[EACH_KINDS] = {"disk", "screen"};
	const char *text = line->text;
	usize bytes = line->bytes;
	struct word a, b;

	if (!parse_word(&text, &bytes, &a) || !word_equal(a, "each") ||
		!parse_word(&text, &bytes, &b))
		return false;
	for (u32 i = 0; i < EACH_KINDS; i++) {
		if (!word_equal(b, kinds[i]))
			continue;
		*line = (struct word){text, bytes};
		*kind = (enum each)i;
		return true;
	}
	return false;
}

static bool begins_component(struct word line)
{
	const char *text = line.text;
	usize bytes = line.bytes;
	struct word first;
	enum each kind;

	take_each(&line, &kind);
	text = line.text;
	bytes = line.bytes;
	return parse_word(&text, &bytes, &first) && word_equal(first, "component");
}

static enum status parse_one(struct parser *parser, struct word line, u32 n)
{
	char text[LINE_BYTES];
	enum status status = expand(parser, line, n, text);

	if (status == STATUS_OK)
		status = split(parser, text);
	if (status != STATUS_OK || parser->nwords == 0)
		return status;
	if (!string_equal(parser->word[0], "component"))
		return run_directive(parser);
	if (parser->nwords != 2)
		return fail(parser, "component NAME");
	return begin_component(parser);
}

// A line inside a component; n is the device of the component, 0 if it is none's.
static enum status parse_inner(struct parser *parser, struct word line, u32 n)
{
	enum status status = STATUS_OK;
	enum each kind;

	if (!take_each(&line, &kind))
		return parse_one(parser, line, n);
	if (n)
		return fail(parser, "'each' inside 'each'");
	for (u32 k = 1; k <= parser->count[kind] && status == STATUS_OK; k++)
		status = parse_one(parser, line, k);
	return status;
}

struct cursor {
	const char *text;
	usize bytes;
	u32 line;
};

static bool next_line(struct cursor *cursor, struct word *line)
{
	const char *start = cursor->text;
	usize n = 0;

	if (cursor->bytes == 0)
		return false;
	while (n < cursor->bytes && start[n] != '\n')
		n++;
	*line = (struct word){start, n};
	n = n < cursor->bytes ? n + 1 : n;
	cursor->text += n;
	cursor->bytes -= n;
	cursor->line++;
	return true;
}

// The lines of one component, up to the next: once, or once for each device.
static enum status parse_block(struct parser *parser, struct cursor *cursor,
	struct word first)
{
	struct cursor body = *cursor, end = *cursor;
	enum each kind = EACH_DISK;
	bool each = take_each(&first, &kind);
	u32 rounds = each ? parser->count[kind] : 1;
	u32 first_line = cursor->line;
	struct word line;

	for (struct cursor at = *cursor; next_line(&at, &line);) {
		if (begins_component(line))
			break;
		end = at;
	}
	for (u32 n = 1; n <= rounds; n++) {
		parser->line = first_line;
		enum status status = parse_one(parser, first, each ? n : 0);
		for (struct cursor at = body; status == STATUS_OK &&
			at.line < end.line && next_line(&at, &line);) {
			parser->line = at.line;
			status = parse_inner(parser, line, each ? n : 0);
		}
		if (status != STATUS_OK)
			return status;
	}
	*cursor = end;
	return STATUS_OK;
}

// ---- relations

static enum status resolve_uses(struct parser *parser)
{
	struct manifest *m = parser->manifest;

	for (u32 i = 0; i < m->ncomponents; i++)
		for (u32 k = 0; k < m->component[i].nuses; k++) {
			struct plan *plan = &m->component[i];
			struct use *use = &plan->use[k];
			parser->line = use->line;
			use->server = USE_ENGINE;
			if (string_equal(use->from, "engine"))
				continue;
			int server = manifest_find(m, use->from);
			if (server < 0)
				return fail(parser, "%s uses '%s', which is no "
					"component", plan->name, use->from);
			const struct plan *other = &m->component[server];
			if (!other->serve[0])
				return fail(parser, "%s uses %s, which serves "
					"nothing", plan->name, other->name);
			if (plan->layer <= other->layer)
				return fail(parser, "%s (layer %u) may not call "
					"%s (layer %u): calls go down",
					plan->name, plan->layer, other->name,
					other->layer);
			use->server = (u32)server;
		}
	return STATUS_OK;
}

static enum status resolve_channels(struct parser *parser)
{
	struct manifest *m = parser->manifest;
	u32 next_bit[COMPONENTS] = {};

	for (u32 i = 0; i < m->nchannels; i++) {
		struct channel_plan *channel = &m->channel[i];
		int server = manifest_find(m, channel->to);
		parser->line = channel->line;
		if (server < 0)
			return fail(parser, "channel to '%s', which is no "
				"component", channel->to);
		if ((u32)server == channel->client)
			return fail(parser, "channel to itself");
		channel->server = (u32)server;
		channel->client_bit = next_bit[channel->client]++;
		channel->server_bit = next_bit[channel->server]++;
	}
	return STATUS_OK;
}

// Components that wait for each other would never start.
static enum status check_order(struct parser *parser)
{
	struct manifest *m = parser->manifest;
	bool placed[COMPONENTS] = {};
	u32 nplaced = 0, before;

	do {
		before = nplaced;
		for (u32 i = 0; i < m->ncomponents; i++) {
			bool can = !placed[i];
			for (u32 k = 0; k < m->ncomponents && can; k++)
				can = placed[k] || k == i ||
					!manifest_depends(m, i, k);
			placed[i] |= can;
			nplaced += can;
		}
	} while (nplaced != before);
	for (u32 i = 0; i < m->ncomponents; i++)
		if (!placed[i]) {
			parser->line = m->component[i].line;
			return fail(parser, "%s is in a circle of components "
				"that wait for each other",
				m->component[i].name);
		}
	return STATUS_OK;
}

enum status manifest_parse(struct manifest *manifest, const char *text,
	usize bytes, const u32 count[EACH_KINDS])
{
	struct parser parser = {.manifest = manifest, .count = {
		[EACH_DISK] = MIN(count[EACH_DISK], (u32)DISKS_MAX),
		[EACH_SCREEN] = MIN(count[EACH_SCREEN], (u32)SCREENS_MAX),
	}};
	struct cursor cursor = {text, bytes, 0};
	enum status status = STATUS_OK;
	struct word line;

	manifest->ncomponents = manifest->nchannels = 0;
	manifest->error_line = 0;
	manifest->error[0] = 0;
	while (status == STATUS_OK && next_line(&cursor, &line)) {
		parser.line = cursor.line;
		if (begins_component(line))
			status = parse_block(&parser, &cursor, line);
		else
			status = parse_one(&parser, line, 0);
	}
	if (status == STATUS_OK)
		status = resolve_uses(&parser);
	if (status == STATUS_OK)
		status = resolve_channels(&parser);
	if (status == STATUS_OK)
		status = check_order(&parser);
	parser.line = 0;
	if (status == STATUS_OK && manifest->ncomponents == 0)
		status = fail(&parser, "there is no component in it");
	return status;
}

int manifest_find(const struct manifest *manifest, const char *name)
{
	for (u32 i = 0; i < manifest->ncomponents; i++)
		if (string_equal(manifest->component[i].name, name))
			return (int)i;
	return -1;
}

bool manifest_depends(const struct manifest *manifest, u32 client, u32 server)
{
	const struct plan *plan = &manifest->component[client];

	for (u32 i = 0; i < plan->nuses; i++)
		if (plan->use[i].server == server)
			return true;
	for (u32 i = 0; i < manifest->nchannels; i++)
		if (manifest->channel[i].client == client &&
			manifest->channel[i].server == server)
			return true;
	return false;
}

u64 size_pages(struct size size, u64 rest_pages)
{
	if (size.percent)
		return rest_pages * size.percent / 100;
	return size.bytes / PAGE_BYTES;
}

u64 manifest_rest_pages(const struct manifest *manifest, enum domain domain,
	u64 domain_pages)
{
	u64 fixed = 16; // the domain's own structures

	for (u32 i = 0; i < manifest->ncomponents; i++) {
		const struct plan *plan = &manifest->component[i];
		if (plan->domain != domain)
			continue;
		fixed += plan->memory.bytes / PAGE_BYTES +
			plan->stash_bytes / PAGE_BYTES + 2;
		for (u32 k = 0; k < plan->nextras; k++) {
			fixed += plan->extra[k].size.bytes / PAGE_BYTES;
			if (plan->extra[k].kind == EXTRA_CNODE)
				fixed += (64ull << plan->extra[k].a) /
					PAGE_BYTES + 1;
		}
	}
	for (u32 i = 0; i < manifest->nchannels; i++) {
		const struct channel_plan *channel = &manifest->channel[i];
		if (manifest->component[channel->client].domain == domain)
			fixed += (channel->data_bytes + CHANNEL_TABLE) /
				PAGE_BYTES + 1;
	}
	return fixed < domain_pages ? domain_pages - fixed : 0;
}
