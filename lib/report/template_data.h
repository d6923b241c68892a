/*
 * template_data: what templates are rendered with, by the names that
 * docker-volume-backup's have, and the whole report beside them.
 *
 *   .Error            the reason; null for a success
 *   .Outcome .ExitStatus .Host .Job (names of the jobs, with ", " between)
 *   .Config.<Name>    a setting by its variable in Pascal case
 *                     (BACKUP_FILENAME is .Config.BackupFilename): a bool or a
 *                     number if it is one, else text, "" if it is unset;
 *                     secrets are not there
 *   .Stats            StartTime EndTime (RFC 3339) TookTime LockedTime (as
 *                     "1m2.5s") LogOutput
 *     .Containers     All ToStop Stopped StopErrors
 *     .Services       All ToScaleDown ScaledDown ScaleDownErrors
 *     .BackupFile     Name FullPath Size
 *     .Storages       {Local, S3}: Total Pruned PruneErrors
 *   .Report           see report_json.h
 *
 * Where there are several jobs, numbers are sums, and BackupFile is that of the
 * first job that has an archive; without any its texts are "". EndTime is null
 * while the run goes on. All texts are masked as the log is, and are UTF-8.
 */
#ifndef LIB_REPORT_TEMPLATE_DATA_H
#define LIB_REPORT_TEMPLATE_DATA_H

#include "lib/base/err.h"
#include "lib/report/report.h"

struct cJSON;

/* template_data: options: whose settings; NULL: .Config is empty. *ret:
 * json_free. */
MUST_CHECK int template_data(const struct report *report,
    const struct options *options, struct cJSON **ret, struct err *err);

/* template_defaults: the text that defines title_success, body_success,
 * title_failure and body_failure where no file does; static. The last two are
 * for problems, too. */
const char *template_defaults(void);

#endif
