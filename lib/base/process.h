/*
 * process: what holds for the whole process.
 */
#ifndef LIB_BASE_PROCESS_H
#define LIB_BASE_PROCESS_H

/* process_no_core: from now on no core file of this process, which holds
 * secrets, is written; nor can others of the same user read its memory. Builds
 * with a sanitizer stay readable: their leak checker must attach. Once, early
 * in main. Nothing depends on its success. */
void process_no_core(void);

#endif
