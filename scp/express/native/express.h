/* The express lane: C-STOREs that are like the one before, without Python in between.

   One association, one struct. Python fills it in and calls express_run(); both sides know its fields, here and
   in scp/express/library.py, which compares their sizes. Numbers are 64 bits wide, so that no side has to pad.
   Seconds are on CLOCK_MONOTONIC, which is time.monotonic(). */

#ifndef EXPRESS_H
#define EXPRESS_H

#include <stdint.h>

enum {
    UID_BYTES = 64,
    COMMAND_BYTES = 512,         /* a longer command set is Python's */
    HEAD_BYTES = 16 * 1024,      /* a data set whose head is longer is Python's */
    FILE_HEADER_BYTES = 1024,
    LINE_BYTES = 4096,
    RESPONSE_BYTES = 1024,
    PATH_BYTES = 4096,
};

/* What express_run() returns. */
enum outcome {
    LATER,       /* a tick or a signal: nothing is wrong, call again */
    OTHER,       /* what comes next is not for this lane, and is in the buffer from its first byte on */
    CLOSED,      /* the peer has closed, or reset, the connection */
    UNSENT,      /* the peer does not take the response just now: the rest of it is Python's to send */
    HANDED_OVER, /* an instance has begun and is not for this lane any more: Python has to go on with it */
    SILENT,      /* as LATER: nothing has come for a tick of the connection's, or until the deadline */
    HELD,        /* somebody has just come, see scp/precedence.py: the response is Python's to send */
};

struct span {
    const uint8_t *bytes;
    int64_t length;
};

/* See scp/tally.py: counts has a word for each bound and one more. */
struct histogram {
    const double *bounds;
    int64_t number_of_bounds;
    uint64_t *counts;
    double *sum;
};

/* Where the parser stands. What is in the buffer from `at` on has not been looked at. */
struct cursor {
    int64_t at;
    int64_t pdu_left; /* bytes of the present P-DATA-TF */
    int64_t pdv_left;
    int64_t is_in_pdv;
    int64_t control_header;
};

/* What the wanted values of a head are compared with. They lie in the model's own first bytes. */
enum { WANTED = 7 };
struct head {
    struct span wanted[WANTED];
};

typedef struct xxh3_state xxh3_state;
struct xxh128 {
    uint64_t low, high;
};

struct express {
    /* The process's. */
    const char *store_root;
    const char *incoming_prefix; /* a path: a number and a suffix make it an incoming file's */
    int64_t is_power_safe;
    int64_t reserve_bytes;
    int64_t unwatched_bytes; /* how far one instance is written until take_stock() */
    xxh3_state *digest;
    int (*digest_reset)(xxh3_state *);
    int (*digest_update)(xxh3_state *, const void *, uintptr_t);
    struct xxh128 (*digest_value)(const xxh3_state *);
    uint64_t *stored_responses;
    const volatile uint64_t *newcomer; /* a word of scp/precedence.py's: while it is 0 there is none */
    struct histogram instance_bytes, archive_seconds, store_seconds;

    /* The association's. */
    int64_t socket;
    uint8_t *buffer;
    int64_t buffer_bytes;
    int64_t least_pdu_bytes, most_pdu_bytes;

    /* The model's: what the next instances have in common with the one before. */
    int64_t context_id;
    int64_t is_implicit_vr;
    struct span sop_class; /* as it stands in the command set */
    struct span model_head;
    struct head head;
    struct span file_header[3]; /* to the group length; from there to the UID; after it */
    struct span line[6];        /* SOP Instance UID, it again, size, digest and time stand in between */
    struct span response[2];    /* to the message ID; from there to the UID; without group length */
    const char *series_directory;

    /* For this call. */
    int64_t journal;       /* the open segment, -1 for none */
    int64_t journal_bytes; /* its size */
    int64_t quota;         /* how many lines it still takes */
    double tick_at, until;

    /* What has come of the calls so far. */
    struct cursor cursor;
    int64_t end; /* of what is in the buffer */
    int64_t received_bytes;
    int64_t stored;
    double heard_at;
    int64_t is_journal_sound;

    /* An empty incoming file for the next instance, made while the peer was busy with it; -1 when there is none. */
    int64_t prepared;

    /* The instance that has begun: file is -1 when none has. */
    int64_t file;
    int64_t size_bytes;
    int64_t unwatched_until_bytes;
    int64_t data_set_offset;
    int64_t is_whole; /* its last fragment has come */
    int64_t error;    /* errno of what could not be written, 0 for none */
    double begun_at;
    int64_t message_id;
    int64_t command_bytes;
    int64_t response_bytes, response_sent;
    int64_t serial;
    char incoming[PATH_BYTES]; /* of file, or prepared: there is one of them at most */
    char uid[UID_BYTES + 8];
    uint8_t command[COMMAND_BYTES];
    uint8_t response_pdu[RESPONSE_BYTES];
    uint8_t header[FILE_HEADER_BYTES];
    uint8_t first[HEAD_BYTES]; /* of the data set, its fragments put together */
};

/* framing.c */
enum framing { STRETCH, END, MORE, STRANGE, OPENED };
enum framing next_stretch(const struct express *x, struct cursor *c, struct span *stretch);
int64_t is_pdu_length(const struct express *x, uint32_t length);

/* comparing.c */
enum likeness { ALIKE, UNLIKE, TOO_SHORT };
int read_model(struct express *x);
int is_command_alike(struct express *x, struct span command);
enum likeness compare_head(const struct express *x, struct span head);

/* archiving.c */
void prepare_incoming(struct express *x);
int begin_incoming(struct express *x);
int take_stock(struct express *x);
int archive(struct express *x);

/* answering.c */
void count_instance(struct express *x, double whole_at);
enum outcome respond(struct express *x);

/* express.c */
double now_seconds(void);
int64_t express_layout(int64_t which);
int64_t express_set_model(struct express *x);
void express_discard_prepared(struct express *x);
int64_t express_run(struct express *x);

static inline uint32_t big_endian_32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline uint32_t little_endian_32(const uint8_t *b)
{
    return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

static inline uint16_t little_endian_16(const uint8_t *b)
{
    return (uint16_t)(b[1] << 8 | b[0]);
}

#endif
