/* What is counted and said of an instance that has been archived. */

#include "express.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum { PDU_AND_PDV_HEADER = 12, IS_COMMAND_AND_LAST = 0x03 };

static void observe(const struct histogram *h, double value)
{
    int64_t bucket = 0;
    while (bucket < h->number_of_bounds && h->bounds[bucket] < value)
        bucket++;
    h->counts[bucket]++;
    *h->sum += value;
}

void count_instance(struct express *x, double whole_at)
{
    double now = now_seconds();
    observe(&x->instance_bytes, (double)x->size_bytes);
    observe(&x->archive_seconds, now - whole_at);
    observe(&x->store_seconds, now - x->begun_at);
    x->stored++;
}

static uint8_t *put_span(uint8_t *at, struct span piece)
{
    memcpy(at, piece.bytes, (size_t)piece.length);
    return at + piece.length;
}

static uint8_t *put_big_endian_32(uint8_t *at, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(value >> shift);
    return at;
}

/* A C-STORE-RSP of success in one P-DATA-TF of one PDV. PS3.7 9.3.1.2. */
static void make_response(struct express *x)
{
    uint32_t uid_bytes = (uint32_t)(strlen(x->uid) + 1) / 2 * 2;
    uint32_t elements = (uint32_t)(x->response[0].length + 2 + x->response[1].length + 8 + uid_bytes);
    const uint8_t group_length[12] = {
        0, 0, 0, 0, 4, 0, 0, 0, (uint8_t)elements, (uint8_t)(elements >> 8), 0, 0,
    };
    const uint8_t instance[8] = {0, 0, 0x00, 0x10, (uint8_t)uid_bytes, 0, 0, 0};
    uint8_t *at = x->response_pdu;
    *at++ = 0x04;
    *at++ = 0;
    at = put_big_endian_32(at, (uint32_t)sizeof group_length + elements + 6);
    at = put_big_endian_32(at, (uint32_t)sizeof group_length + elements + 2);
    *at++ = (uint8_t)x->context_id;
    *at++ = IS_COMMAND_AND_LAST;
    at = put_span(at, (struct span){group_length, sizeof group_length});
    at = put_span(at, x->response[0]);
    *at++ = (uint8_t)x->message_id;
    *at++ = (uint8_t)(x->message_id >> 8);
    at = put_span(at, x->response[1]);
    at = put_span(at, (struct span){instance, sizeof instance});
    at = put_span(at, (struct span){(const uint8_t *)x->uid, uid_bytes}); /* zeros follow the UID */
    x->response_bytes = at - x->response_pdu;
    x->response_sent = 0;
}

/* Count the answer and send it: who has seen an answer finds it counted. LATER: it is on its way. HELD: it is not. */
enum outcome respond(struct express *x)
{
    static const int on = 1;
    make_response(x);
    ++*x->stored_responses;
    if (*x->newcomer)
        return HELD;
    ssize_t sent = send((int)x->socket, x->response_pdu, (size_t)x->response_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    x->response_sent = sent < 0 ? 0 : sent;
    /* See scp/connection.py: the kernel forgets this whenever something is sent. */
    setsockopt((int)x->socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    x->heard_at = now_seconds();
    return x->response_sent == x->response_bytes ? LATER : UNSENT;
}
