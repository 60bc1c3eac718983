"""A deployment's decoder of JPEG-LS that is right, to be named before one that is not: that one has to prove."""

from dataclasses import replace

from tasks.transcode.codecs import jpeg_ls_codec

NAME = "first"
DECODERS = tuple(replace(decoder, name=NAME) for decoder in jpeg_ls_codec.DECODERS)
