"""The codecs by name, in the order of preference: a deployment's own first."""

from importlib import import_module

from tasks.transcode.codecs import (
    gdcm_decoder,
    jpeg_ls_codec,
    native,
    openjpeg_codec,
    pillow_decoder,
    rle_codec,
)
from tasks.transcode.codecs.codec import Decoder, Encoder, PixelsUnsupported
from tasks.transcode.orders import CodecName, Codecs

_DECODERS = (
    *native.DECODERS,
    *rle_codec.DECODERS,
    *jpeg_ls_codec.DECODERS,
    *pillow_decoder.DECODERS,
    *gdcm_decoder.DECODERS,
    *openjpeg_codec.DECODERS,
)
_ENCODERS = (*native.ENCODERS, *rle_codec.ENCODERS, *jpeg_ls_codec.ENCODERS, *openjpeg_codec.ENCODERS)


class CodecModuleInvalid(ValueError):
    """A module of CODEC_MODULES cannot be imported, or has no tuple DECODERS of Decoder."""

    def __init__(self, module: str, why: str) -> None:
        super().__init__(f"CODEC_MODULES: {module}: {why}")
        self.module = module


class Registry:
    def __init__(self) -> None:
        self._decoders: tuple[Decoder, ...] = _DECODERS

    def put_in_front(self, modules: tuple[str, ...]) -> None:
        """Import a deployment's modules of decoders. Raises CodecModuleInvalid."""
        own = tuple(decoder for module in modules for decoder in _decoders_of(module))
        self._decoders = (*own, *_DECODERS)

    def codecs(self) -> Codecs:
        return Codecs(
            decoders=tuple(
                CodecName(name=one.name, transfer_syntax_uids=one.transfer_syntax_uids)
                for one in self._decoders
            ),
            encoders=tuple(
                CodecName(name=one.name, transfer_syntax_uids=frozenset((one.transfer_syntax_uid,)))
                for one in _ENCODERS
            ),
        )

    def decoder(self, name: str, transfer_syntax_uid: str) -> Decoder:
        """Raises PixelsUnsupported when there is none of this name for the transfer syntax."""
        for decoder in self._decoders:
            if decoder.name == name and transfer_syntax_uid in decoder.transfer_syntax_uids:
                return decoder
        raise PixelsUnsupported(f"there is no decoder {name} of {transfer_syntax_uid}")

    def other_decoders(self, name: str, transfer_syntax_uid: str) -> tuple[Decoder, ...]:
        """Those that are not of this name, to compare with."""
        return tuple(
            decoder
            for decoder in self._decoders
            if decoder.name != name and transfer_syntax_uid in decoder.transfer_syntax_uids
        )

    def encoder(self, transfer_syntax_uid: str) -> Encoder:
        """Raises PixelsUnsupported."""
        for encoder in _ENCODERS:
            if encoder.transfer_syntax_uid == transfer_syntax_uid:
                return encoder
        raise PixelsUnsupported(f"there is no encoder of {transfer_syntax_uid}")


def _decoders_of(module: str) -> tuple[Decoder, ...]:
    try:
        decoders = import_module(module).DECODERS
    except (ImportError, AttributeError) as error:
        raise CodecModuleInvalid(module, str(error)) from error
    if not isinstance(decoders, tuple) or not all(isinstance(one, Decoder) for one in decoders):
        raise CodecModuleInvalid(module, "DECODERS is no tuple of Decoder")
    return decoders
