/* The loop: receive, compare, write, archive, answer; and back to Python with everything else. */

#include "express.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* What is received at a time stays in the processor's cache until it is written. */
enum { WINDOW_BYTES = 64 * 1024, PIECES = 256 };
/* The socket's own limit (SO_RCVTIMEO), see scp/connection.py. */
static const double TICK_SECONDS = 1.0;

double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Where fields are, and how large all of them, for Python to compare with what it takes for them. */
int64_t express_layout(int64_t which)
{
    const size_t layout[] = {
        offsetof(struct express, stored_responses), offsetof(struct express, context_id),
        offsetof(struct express, series_directory), offsetof(struct express, tick_at),
        offsetof(struct express, heard_at),         offsetof(struct express, begun_at),
        offsetof(struct express, incoming),         sizeof(struct express),
    };
    return (int64_t)layout[which];
}

/* Take over the model that was filled in. 0: nothing can be compared with it. */
int64_t express_set_model(struct express *x)
{
    int64_t header_bytes = 4 + 8 + UID_BYTES;
    for (int i = 0; i < 3; i++)
        header_bytes += x->file_header[i].length;
    int64_t response_bytes = x->response[0].length + x->response[1].length + UID_BYTES + 64;
    if (header_bytes > FILE_HEADER_BYTES || response_bytes > RESPONSE_BYTES)
        return 0;
    return read_model(x);
}

enum step { DONE, WAIT, RETURN };

/* Wait for bytes and put them behind what is left of the last ones. */
static enum step receive(struct express *x, enum outcome *outcome)
{
    int64_t left = x->end - x->cursor.at;
    if (x->cursor.at) {
        memmove(x->buffer, x->buffer + x->cursor.at, (size_t)left);
        x->cursor.at = 0;
        x->end = left;
    }
    int64_t room = (x->buffer_bytes < WINDOW_BYTES ? x->buffer_bytes : WINDOW_BYTES) - left;
    if (room <= 0) { /* a head in countless fragments */
        *outcome = OTHER;
        return RETURN;
    }
    *outcome = LATER;
    double now = now_seconds();
    if (now >= x->tick_at)
        return RETURN;
    if (x->until - now < TICK_SECONDS) {
        struct pollfd readable = {.fd = (int)x->socket, .events = POLLIN};
        double wait_seconds = x->until > now ? x->until - now : 0;
        int ready = poll(&readable, 1, (int)(wait_seconds * 1000) + 1);
        if (!ready)
            *outcome = SILENT;
        if (ready <= 0)
            return RETURN;
    }
    ssize_t received = recv((int)x->socket, x->buffer + x->end, (size_t)room, 0);
    if (received > 0) {
        x->end += received;
        x->received_bytes += received;
        x->heard_at = now_seconds();
        return DONE;
    }
    if (received == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        *outcome = CLOSED;
    else if (errno != EINTR)
        *outcome = SILENT;
    return RETURN;
}

/* Put the first bytes of the data set together that begins at the cursor, and compare them. */
static enum likeness look_ahead(struct express *x, struct cursor cursor)
{
    int64_t length = 0;
    enum framing found = MORE;
    struct span stretch;
    while (length < HEAD_BYTES && (found = next_stretch(x, &cursor, &stretch)) == STRETCH) {
        if (stretch.length > HEAD_BYTES - length)
            stretch.length = HEAD_BYTES - length;
        memcpy(x->first + length, stretch.bytes, (size_t)stretch.length);
        length += stretch.length;
    }
    enum likeness likeness = compare_head(x, (struct span){x->first, length});
    return likeness == TOO_SHORT && found != MORE ? UNLIKE : likeness;
}

/* Begin the next instance, if it is like the model. Nothing is consumed unless it is. */
static enum step begin(struct express *x, enum outcome *outcome)
{
    const uint8_t *b = x->buffer + x->cursor.at;
    int64_t there = x->end - x->cursor.at;
    *outcome = LATER;
    if (x->journal < 0 || x->quota <= 0)
        return RETURN;
    *outcome = OTHER;
    if (x->cursor.pdu_left || x->cursor.is_in_pdv)
        return RETURN;
    if (there && b[0] != 0x04)
        return RETURN;
    if (there >= 6 && !is_pdu_length(x, big_endian_32(b + 2)))
        return RETURN;
    if (there < 12)
        return WAIT;
    int64_t pdu_bytes = big_endian_32(b + 2), pdv_bytes = (int64_t)big_endian_32(b + 6) + 4;
    int64_t command_bytes = pdv_bytes - 6;
    if (pdv_bytes > pdu_bytes || command_bytes < 0 || command_bytes > COMMAND_BYTES || b[10] != x->context_id || b[11] != 0x03)
        return RETURN;
    if (there < 12 + command_bytes)
        return WAIT;
    if (!is_command_alike(x, (struct span){b + 12, command_bytes}))
        return RETURN;
    struct cursor data_set = {.at = x->cursor.at + 12 + command_bytes, .pdu_left = pdu_bytes - pdv_bytes};
    enum likeness likeness = look_ahead(x, data_set);
    if (likeness == TOO_SHORT)
        return WAIT;
    if (likeness == UNLIKE || !begin_incoming(x))
        return RETURN;
    memcpy(x->command, b + 12, (size_t)command_bytes);
    x->command_bytes = command_bytes;
    x->cursor = data_set;
    x->begun_at = now_seconds();
    x->digest_reset(x->digest);
    return DONE;
}

struct pieces {
    int count;
    struct iovec of[PIECES];
};

/* Append the pieces to the incoming file. */
static int write_pieces(struct express *x, struct pieces *pieces)
{
    struct iovec *next = pieces->of;
    int count = pieces->count;
    if (!count)
        return 1;
    pieces->count = 0;
    while (count) {
        ssize_t written = writev((int)x->file, next, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            x->error = errno;
            x->heard_at = now_seconds();
            return 0;
        }
        x->size_bytes += written;
        while (count && (size_t)written >= next->iov_len) {
            written -= (ssize_t)next->iov_len;
            next++;
            count--;
        }
        if (count) {
            next->iov_base = (uint8_t *)next->iov_base + written;
            next->iov_len -= (size_t)written;
        }
    }
    x->heard_at = now_seconds(); /* the time that the disk took was ours, not the peer's */
    return 1;
}

/* Write what has come of the data set. DONE: it is whole. RETURN: it is Python's from here on. */
static enum step take_data(struct express *x)
{
    struct pieces pieces = {0};
    struct span stretch;
    enum framing found;
    if (!x->size_bytes) {
        pieces.of[0] = (struct iovec){x->header, (size_t)x->data_set_offset};
        pieces.count = 1;
    }
    while ((found = next_stretch(x, &x->cursor, &stretch)) == STRETCH) {
        if (pieces.count == PIECES && !write_pieces(x, &pieces))
            return RETURN; /* this stretch is lost, and the instance with it */
        pieces.of[pieces.count++] = (struct iovec){(void *)stretch.bytes, (size_t)stretch.length};
        x->digest_update(x->digest, stretch.bytes, (uintptr_t)stretch.length);
    }
    x->is_whole = found == END;
    if (!write_pieces(x, &pieces) || found == STRANGE)
        return RETURN;
    if (found == END)
        return DONE;
    if (x->size_bytes > x->unwatched_until_bytes && !take_stock(x))
        return RETURN;
    return WAIT;
}

static enum step finish(struct express *x, enum outcome *outcome)
{
    double whole_at = now_seconds();
    *outcome = HANDED_OVER;
    if (!archive(x))
        return RETURN;
    int archived = (int)x->file;
    x->file = -1;
    count_instance(x, whole_at);
    *outcome = respond(x);
    /* While the peer turns to its next instance, or is held back. */
    close(archived);
    prepare_incoming(x);
    /* However much lies in the buffer: the journal has to be synced, and the supervisor to be told that we live. */
    return *outcome == LATER && x->heard_at < x->tick_at ? DONE : RETURN;
}

/* Store instances as long as they are like the model. Returns one of enum outcome. */
int64_t express_run(struct express *x)
{
    enum outcome outcome = LATER;
    for (;;) {
        enum step step = x->file < 0 ? begin(x, &outcome) : DONE;
        if (step == DONE) {
            step = take_data(x);
            if (step == DONE)
                step = finish(x, &outcome);
            else if (step == RETURN)
                outcome = HANDED_OVER;
        }
        if (step == WAIT)
            step = receive(x, &outcome);
        if (step == RETURN) {
            int is_to_go_on = outcome == LATER || outcome == UNSENT || outcome == HELD;
            if (!is_to_go_on) /* what is like the model is not coming, or not soon */
                express_discard_prepared(x);
            return outcome;
        }
    }
}
