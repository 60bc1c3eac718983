/* An incoming file, its place in the archive, and its line in the journal: in the order in which dicomhub/storage and
   dicomhub/intake take these steps. Where one fails, what was done is taken back, and Python decides about the file. */

#define _GNU_SOURCE /* renameat2 */
#include "express.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static int lock(int descriptor, int how)
{
    int result;
    while ((result = flock(descriptor, how)) < 0 && errno == EINTR)
        ;
    return result;
}

/* how is fsync or fdatasync. */
static int sync_with(int (*how)(int), int descriptor)
{
    int result;
    while ((result = how(descriptor)) < 0 && errno == EINTR)
        ;
    return result;
}

static int has_room(const struct express *x)
{
    struct statvfs status;
    if (statvfs(x->store_root, &status) < 0)
        return 0;
    return status.f_bavail * status.f_frsize >= (uint64_t)x->reserve_bytes;
}

/* The header that the incoming file begins with: File Meta Information with this UID. PS3.10 7.1. */
static void make_header(struct express *x)
{
    uint32_t length = (uint32_t)(strlen(x->uid) + 1) / 2 * 2;
    uint32_t group_length = (uint32_t)(x->file_header[1].length + 8 + length + x->file_header[2].length);
    uint8_t *at = x->header;
    for (int i = 0; i < 3; i++) {
        memcpy(at, x->file_header[i].bytes, (size_t)x->file_header[i].length);
        at += x->file_header[i].length;
        if (i == 0)
            for (int byte = 0; byte < 4; byte++)
                *at++ = (uint8_t)(group_length >> 8 * byte);
        if (i == 1) {
            const uint8_t element[8] = {2, 0, 3, 0, 'U', 'I', (uint8_t)length, 0};
            memcpy(at, element, sizeof element);
            memcpy(at + sizeof element, x->uid, length); /* zeros follow the UID */
            at += sizeof element + length;
        }
    }
    x->data_set_offset = at - x->header;
}

/* Have an incoming file ready, locked as long as its writer lives, if it can be made. */
void prepare_incoming(struct express *x)
{
    int length = snprintf(x->incoming, sizeof x->incoming, "%s%lld.part", x->incoming_prefix,
                          (long long)x->serial++);
    if (length < 0 || length >= (int)sizeof x->incoming)
        return;
    x->prepared = open(x->incoming, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (x->prepared >= 0 && lock((int)x->prepared, LOCK_EX) < 0)
        express_discard_prepared(x);
}

/* Nothing like the model is coming, or not soon. */
void express_discard_prepared(struct express *x)
{
    if (x->prepared < 0)
        return;
    unlink(x->incoming);
    close((int)x->prepared);
    x->prepared = -1;
}

/* Begin an incoming file. 0: there is none. */
int begin_incoming(struct express *x)
{
    if (!has_room(x))
        return 0;
    if (x->prepared < 0)
        prepare_incoming(x);
    if (x->prepared < 0)
        return 0;
    make_header(x);
    x->file = x->prepared;
    x->prepared = -1;
    x->size_bytes = 0;
    x->unwatched_until_bytes = x->unwatched_bytes;
    x->is_whole = 0;
    x->error = 0;
    return 1;
}

/* Now and then with a large instance: sync what it has, so that its end has not to wait for all of it, and look at the
   free space, and whether the journal's segment has been cut meanwhile: then it cannot end here, and the less of it there
   is to be read again, the better. 0: it is Python's from here on, and error may say why. */
int take_stock(struct express *x)
{
    x->unwatched_until_bytes = x->size_bytes + x->unwatched_bytes;
    if (x->is_power_safe && sync_with(fdatasync, (int)x->file) < 0)
        x->error = errno;
    x->heard_at = now_seconds(); /* as in write_pieces */
    return !x->error && x->journal >= 0 && has_room(x);
}

static char *put(char *at, const char *end, const void *bytes, size_t length)
{
    if (!at || (size_t)(end - at) < length)
        return NULL;
    memcpy(at, bytes, length);
    return at + length;
}

/* The journal's line, newline and all; 0 when it is too long. */
static size_t make_line(const struct express *x, char *line)
{
    char size[32], digest[40], moment[80];
    struct xxh128 value = x->digest_value(x->digest);
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    snprintf(size, sizeof size, "%lld", (long long)x->size_bytes);
    snprintf(digest, sizeof digest, "%016llx%016llx", (unsigned long long)value.high, (unsigned long long)value.low);
    snprintf(moment, sizeof moment, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", utc.tm_year + 1900, utc.tm_mon + 1,
             utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000);
    const char *between[] = {x->uid, x->uid, size, digest, moment};
    const char *end = line + LINE_BYTES;
    char *at = line;
    for (int i = 0; i < 6; i++) {
        at = put(at, end, x->line[i].bytes, (size_t)x->line[i].length);
        if (i < 5)
            at = put(at, end, between[i], strlen(between[i]));
    }
    return at ? (size_t)(at - line) : 0;
}

/* Append a line, whole or not at all. */
static int append_to_journal(struct express *x)
{
    char line[LINE_BYTES];
    size_t length = make_line(x, line);
    if (!length)
        return 0;
    ssize_t written;
    while ((written = write((int)x->journal, line, length)) < 0 && errno == EINTR)
        ;
    if (written == (ssize_t)length) {
        x->journal_bytes += written;
        x->quota--;
        return 1;
    }
    x->error = written < 0 ? errno : ENOSPC;
    if (ftruncate((int)x->journal, x->journal_bytes) < 0)
        x->is_journal_sound = 0;
    return 0;
}

/* Give a file another name, unless there is something of that name. The intake links and unlinks instead, for not
   every file system can do this; that costs another 30 microseconds. */
static int move(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (link(from, to) < 0)
        return -1;
    unlink(from);
    return 0;
}

/* With the lock on the series' folder: give the file its name, and confirm it. */
static int place_and_confirm(struct express *x, int directory, const char *target)
{
    if (move(x->incoming, target) < 0)
        return 0; /* it has come before, most likely */
    if (x->is_power_safe && sync_with(fsync, directory) < 0)
        x->error = errno;
    else if (append_to_journal(x))
        return 1;
    if (move(target, x->incoming) < 0)
        unlink(target);
    return 0;
}

/* Archive the whole incoming file, durable and in the journal; it stays open. 0: it is still there, and error may
   say why. */
int archive(struct express *x)
{
    char target[PATH_BYTES];
    int length = snprintf(target, sizeof target, "%s/%s.dcm", x->series_directory, x->uid);
    if (x->journal < 0 || length < 0 || length >= (int)sizeof target)
        return 0;
    if (x->is_power_safe && sync_with(fdatasync, (int)x->file) < 0) {
        x->error = errno; /* the kernel tells it once, so nobody may try again */
        return 0;
    }
    int directory = open(x->series_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return 0;
    int is_archived = lock(directory, LOCK_SH) == 0 && place_and_confirm(x, directory, target);
    close(directory);
    return is_archived;
}
