#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const enum exit_status exit_of_kind[] = {
#define ERR_KIND(name, exit, meaning) [ERR_##name] = EXIT_##exit,
#include "lib/base/err_kind.def"
#undef ERR_KIND
};

int
err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list args;

	err->kind = kind;
	va_start(args, fmt);
	(void)vsnprintf(err->msg, sizeof err->msg, fmt, args);
	va_end(args);
	return -1;
}

static enum err_kind
kind_of_errno(int number)
{
	switch (number) {
	case ENOMEM:
		return ERR_NOMEM;
	case ENOSPC:
	case EDQUOT:
		return ERR_NOSPACE;
	case ENOENT:
		return ERR_NOTFOUND;
	case EEXIST:
		return ERR_EXISTS;
	default:
		return ERR_SYSTEM;
	}
}

int
err_sys(struct err *err, const char *fmt, ...)
{
	int number = errno;
	size_t used;
	va_list args;

	err->kind = kind_of_errno(number);
	va_start(args, fmt);
	(void)vsnprintf(err->msg, sizeof err->msg, fmt, args);
	va_end(args);
	used = strlen(err->msg);
	(void)snprintf(err->msg + used, sizeof err->msg - used, ": %s",
	    strerror(number));
	return -1;
}

int
err_add(struct err *err, const char *fmt, ...)
{
	char inner[ERR_MSG_BYTES];
	size_t used;
	va_list args;

	memcpy(inner, err->msg, sizeof inner);
	va_start(args, fmt);
	(void)vsnprintf(err->msg, sizeof err->msg, fmt, args);
	va_end(args);
	used = strlen(err->msg);
	(void)snprintf(err->msg + used, sizeof err->msg - used, ": %s", inner);
	return -1;
}

int
err_nomem(struct err *err)
{
	return err_set(err, ERR_NOMEM, "out of memory");
}

enum exit_status
err_exit(enum err_kind kind)
{
	return exit_of_kind[kind];
}
