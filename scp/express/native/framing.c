/* The bytes of a data set, out of the P-DATA-TF PDUs and PDVs that they come in. PS3.8 9.3.5, E.2.

   The same rules as scp/upper_layer/parser.py has; what breaks one of them is STRANGE, and stays where it is, for
   Python to find again and to judge. */

#include "express.h"

enum { P_DATA_TF = 0x04, PDU_HEADER = 6, PDV_HEADER = 6, PDV_LENGTH = 4, IS_COMMAND = 0x01, IS_LAST = 0x02 };

int64_t is_pdu_length(const struct express *x, uint32_t length)
{
    return length >= x->least_pdu_bytes && length <= x->most_pdu_bytes;
}

/* Pass the headers in front of the next PDV's bytes. OPENED, or MORE, or STRANGE. */
static enum framing open_pdv(const struct express *x, struct cursor *c)
{
    const uint8_t *b = x->buffer + c->at;
    int64_t there = x->end - c->at;
    if (!c->pdu_left) {
        if (there < PDU_HEADER)
            return there && b[0] != P_DATA_TF ? STRANGE : MORE;
        if (b[0] != P_DATA_TF || !is_pdu_length(x, big_endian_32(b + 2)))
            return STRANGE;
        c->pdu_left = big_endian_32(b + 2);
        c->at += PDU_HEADER;
        b += PDU_HEADER;
        there -= PDU_HEADER;
    }
    if (c->pdu_left < PDV_HEADER)
        return STRANGE;
    if (there < PDV_HEADER)
        return MORE;
    int64_t length = (int64_t)big_endian_32(b) + PDV_LENGTH;
    if (length < PDV_HEADER || length > c->pdu_left || b[4] != x->context_id || b[5] & IS_COMMAND)
        return STRANGE;
    c->at += PDV_HEADER;
    c->pdu_left -= PDV_HEADER;
    c->pdv_left = length - PDV_HEADER;
    c->control_header = b[5];
    c->is_in_pdv = 1;
    return OPENED;
}

/* Find the next bytes of the data set in the buffer, and pass them. END: it has ended, with no more bytes. */
enum framing next_stretch(const struct express *x, struct cursor *c, struct span *stretch)
{
    while (!c->is_in_pdv || !c->pdv_left) {
        if (c->is_in_pdv) {
            c->is_in_pdv = 0;
            if (c->control_header & IS_LAST)
                return END;
        }
        enum framing found = open_pdv(x, c);
        if (found != OPENED)
            return found;
    }
    int64_t there = x->end - c->at;
    if (!there)
        return MORE;
    stretch->bytes = x->buffer + c->at;
    stretch->length = there < c->pdv_left ? there : c->pdv_left;
    c->at += stretch->length;
    c->pdu_left -= stretch->length;
    c->pdv_left -= stretch->length;
    return STRETCH;
}
