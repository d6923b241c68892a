/*
 * command_words: a command from a label, as the words that are executed.
 *
 * Plain words become an argv as they stand, so that images without a shell
 * work. Blanks separate; within single quotes all is itself; within double
 * quotes too, but for a backslash before " \ $ or `; a backslash elsewhere
 * takes the meaning of what follows; quoted parts that touch are one word, and
 * '' is an empty one. A backslash before a newline goes with it. Newlines at
 * both ends mean nothing: YAML likes to leave one. As in sh(1), all of it.
 *
 * A shell is needed where the first word is an assignment, a quote is not
 * balanced, or one of these is not quoted: $ ` ; & | < > ( ) * ? [ ~ # or a
 * newline between words; $ and ` also within double quotes.
 */
#ifndef LIB_DOCKER_COMMAND_WORDS_H
#define LIB_DOCKER_COMMAND_WORDS_H

#include "lib/base/err.h"

/*
 * command_words.
 *
 * Gives    *ret: words, NULL-terminated, at least one; or "sh", "-c", command;
 *          command_words_free
 * Fails    ERR_CONFIG it is empty, blank, or its first word is ''; ERR_NOMEM
 */
MUST_CHECK int command_words(const char *command, char ***ret,
    struct err *err);
void command_words_free(char **words);

#endif
