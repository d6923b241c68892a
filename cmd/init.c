#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/file.h"

/* An existing file is never overwritten; a partial one is not left behind. */
static int
write_new(const char *path, const char *text, struct err *err)
{
	CLEANUP(cleanup_close) int fd = open(path,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, "cannot make '%s'", path);
	if (file_write_fd(fd, path, text, strlen(text), err) == 0 &&
	    fsync(fd) == 0)
		return 0;
	if (err->kind == ERR_NONE)
		(void)err_sys(err, "cannot write '%s'", path);
	(void)unlink(path);
	return -1;
}

enum exit_status
cmd_init(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct err err = ERR_INIT;

	(void)context;
	if (argc > 2)
		return cmd_usage("init", "unexpected '%s'", argv[2]);
	if (config_sample(&text, &err) < 0)
		return cmd_fail(&err);
	if (argc == 1) {
		(void)fputs(text, stdout);
		return cmd_flush(EXIT_DONE);
	}
	if (write_new(argv[1], text, &err) < 0)
		return cmd_fail(&err);
	return EXIT_DONE;
}
