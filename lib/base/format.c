// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The formatter behind the kernel's log and everything user space prints.
#include "lib/base/format.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"

struct output {
	char *buffer;
	usize size_bytes;
	usize length;
};

struct directive {
	bool left, zero, plus, space, prefix;
	i32 width;
	i32 precision; // -1: none given
};

static void put(struct output *o, char c)
{
	if (o->length + 1 < o->size_bytes)
		o->buffer[o->length] = c;
	o->length++;
}

static void put_repeated(struct output *o, char c, i32 count)
{
	while (count-- > 0)
		put(o, c);
}

static void put_padded(struct output *o, const struct directive *d,
		       const char *text, i32 length)
{
	if (!d->left)
		put_repeated(o, ' ', d->width - length);
	for (i32 i = 0; i < length; i++)
		put(o, text[i]);
	if (d->left)
		put_repeated(o, ' ', d->width - length);
}

// head is what stands before the digits: a sign or 0x.
static void put_number(struct output *o, const struct directive *d,
		       const char *head, u64 value, u32 base, bool capital)
{
	const char *digits = capital ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[64];
	i32 count = 0;

	for (; value || (count == 0 && d->precision != 0); value /= base)
		text[count++] = digits[value % base];
	i32 length = (i32)strlen(head) + MAX(count, d->precision);
	bool zeros = d->zero && !d->left && d->precision < 0;
	if (!d->left && !zeros)
		put_repeated(o, ' ', d->width - length);
	for (const char *c = head; *c; c++)
		put(o, *c);
	put_repeated(o, '0', zeros ? d->width - length : d->precision - count);
	while (count)
		put(o, text[--count]);
	if (d->left)
		put_repeated(o, ' ', d->width - length);
}

static void put_signed(struct output *o, const struct directive *d, i64 value)
{
	const char *sign = value < 0 ? "-"
		: d->plus	     ? "+"
		: d->space	     ? " "
				     : "";

	put_number(o, d, sign, value < 0 ? 0 - (u64)value : (u64)value, 10,
		   false);
}

// A number or *, from the format or from the values.
static i32 take_count(const char **format, va_list *values)
{
	i32 count = 0;

	if (**format == '*') {
		(*format)++;
		return va_arg(*values, int);
	}
	while (**format >= '0' && **format <= '9' && count < 100000)
		count = count * 10 + *(*format)++ - '0';
	return count;
}

static struct directive take_directive(const char **format, va_list *values)
{
	struct directive d = {.precision = -1};

	for (;; (*format)++) {
		if (**format == '-')
			d.left = true;
		else if (**format == '0')
			d.zero = true;
		else if (**format == '+')
			d.plus = true;
		else if (**format == ' ')
			d.space = true;
		else if (**format == '#')
			d.prefix = true;
		else
			break;
	}
	d.width = take_count(format, values);
	if (d.width < 0) {
		d.left = true;
		d.width = -d.width;
	}
	if (**format == '.') {
		(*format)++;
		d.precision = take_count(format, values);
	}
	return d;
}

// Bytes of the integer: 1, 2, 4 or 8.
static u32 take_size(const char **format)
{
	u32 size = 4;

	for (;; (*format)++) {
		if (**format == 'l' || **format == 'z' || **format == 'j' ||
		    **format == 't')
			size = 8;
		else if (**format == 'h')
			size /= 2;
		else
			return size;
	}
}

static u64 take_unsigned(u32 size, va_list *values)
{
	if (size == 8)
		return va_arg(*values, u64);
	u32 value = va_arg(*values, u32);
	return size == 4 ? value : size == 2 ? (u16)value : (u8)value;
}

static i64 take_signed(u32 size, va_list *values)
{
	if (size == 8)
		return va_arg(*values, i64);
	i32 value = va_arg(*values, i32);
	return size == 4 ? value : size == 2 ? (i16)value : (i8)value;
}

static void put_text(struct output *o, const struct directive *d,
		     const char *text)
{
	if (!text)
		text = "(null)";
	usize limit = d->precision < 0 ? 0x7fffffff : (usize)d->precision;
	put_padded(o, d, text, (i32)strnlen(text, limit));
}

// One directive, *format behind its %.
static void put_directive(struct output *o, const char **format,
			  va_list *values)
{
	const char *start = *format;
	struct directive d = take_directive(format, values);
	u32 size = take_size(format);
	char c = *(*format);

	if (c)
		(*format)++;
	switch (c) {
	case 'd':
	case 'i':
		put_signed(o, &d, take_signed(size, values));
		break;
	case 'u':
		put_number(o, &d, "", take_unsigned(size, values), 10, false);
		break;
	case 'o':
		put_number(o, &d, d.prefix ? "0" : "",
			   take_unsigned(size, values), 8, false);
		break;
	case 'x':
	case 'X': {
		u64 value = take_unsigned(size, values);

		put_number(o, &d, d.prefix && value ? "0x" : "", value, 16,
			   c == 'X');
		break;
	}
	case 'p':
		put_number(o, &d, "0x", (u64)va_arg(*values, void *), 16,
			   false);
		break;
	case 's':
		put_text(o, &d, va_arg(*values, const char *));
		break;
	case 'c': {
		char text = (char)va_arg(*values, int);

		put_padded(o, &d, &text, 1);
		break;
	}
	case '%':
		put(o, '%');
		break;
	default:
		put(o, '%');
		while (start < *format)
			put(o, *start++);
	}
}

usize format_string(char *buffer, usize size_bytes, const char *format,
		    va_list values)
{
	struct output o = {buffer, size_bytes, 0};
	va_list own;

	va_copy(own, values);
	while (*format) {
		char c = *format++;

		if (c == '%')
			put_directive(&o, &format, &own);
		else
			put(&o, c);
	}
	va_end(own);
	if (size_bytes)
		buffer[MIN(o.length, size_bytes - 1)] = 0;
	return o.length;
}

usize format_text(char *buffer, usize size_bytes, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	usize length = format_string(buffer, size_bytes, format, values);
	va_end(values);
	return length;
}
