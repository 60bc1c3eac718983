"""What runs inside of a codec process, and nowhere else: importing this imports the codecs."""

import time
from io import RawIOBase

from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown
from tasks.transcode.codecs.codec import Fidelity, Octets, PixelsCorrupt, PixelsUnsupported
from tasks.transcode.codecs.registry import Registry
from tasks.transcode.frame_pipeline import Recipe
from tasks.transcode.lone_frame import lone_frame
from tasks.transcode.orders import (
    Answer,
    CodecsOrder,
    FrameFile,
    FrameFileOrder,
    Order,
    Outcome,
    ProofOrder,
    Proved,
    Refusal,
    Rendered,
    RenderOrder,
)
from tasks.transcode.picture.making import make_picture
from tasks.transcode.picture_order import Picture, PictureOrder
from tasks.transcode.pixel_description import PixelDescriptionMissing
from tasks.transcode.pixel_writing import RenditionTooLarge
from tasks.transcode.proof import RenditionMismatch, prove
from tasks.transcode.rendition import write_rendition
from tasks.transcode.source import Source, open_source

_OUTCOMES: tuple[tuple[type[Exception], Outcome], ...] = (
    (PixelsUnsupported, Outcome.UNSUPPORTED),
    (PixelsCorrupt, Outcome.CORRUPT),
    (DataSetMalformed, Outcome.CORRUPT),
    (PixelDescriptionMissing, Outcome.CORRUPT),
    (Part10Malformed, Outcome.CORRUPT),
    (TransferSyntaxUnknown, Outcome.UNSUPPORTED),
    (RenditionMismatch, Outcome.MISMATCH),
    (RenditionTooLarge, Outcome.TOO_LARGE),
    (MemoryError, Outcome.OUT_OF_MEMORY),
)


_REGISTRY = Registry()


def prepare(modules: tuple[str, ...]) -> None:
    """Once, when the process starts: put the decoders of a deployment in front.

    modules are names of Python modules, each with a tuple DECODERS of codecs.codec.Decoder. Raises
    codecs.registry.CodecModuleInvalid.
    """
    _REGISTRY.put_in_front(modules)


def perform(order: Order) -> Answer:
    """Do what is asked; whatever goes wrong, short of the end of the process, is a Refusal."""
    try:
        return _answer(order)
    except Exception as error:  # noqa: BLE001 - the edge of the process
        return _refusal(error)


def _answer(order: Order) -> Answer:
    match order:
        case RenderOrder():
            return _render(order)
        case ProofOrder():
            return _prove(order)
        case FrameFileOrder():
            return _frame_file(order)
        case PictureOrder():
            return _picture(order)
        case CodecsOrder():
            return _REGISTRY.codecs()


def _render(order: RenderOrder) -> Rendered:
    began = time.monotonic()
    source = open_source(order.source_path)
    digests: list[int] = []
    size_bytes = write_rendition(
        source, order.output_path, _recipe(source, order), stamp=order.stamp, digests=digests
    )
    return Rendered(size_bytes=size_bytes, digests=tuple(digests), seconds=time.monotonic() - began)


def _prove(order: ProofOrder) -> Proved:
    began = time.monotonic()
    rendered = order.rendered
    source, rendition = open_source(rendered.source_path), open_source(rendered.output_path)
    second = _REGISTRY.decoder(order.prover, source.syntax.uid) if order.prover else None
    prove(source, rendition, _REGISTRY, _recipe(source, rendered), second=second, digests=order.digests)
    return Proved(seconds=time.monotonic() - began)


def _recipe(source: Source, order: RenderOrder) -> Recipe:
    return Recipe(
        _REGISTRY.decoder(order.decoder, source.syntax.uid),
        _REGISTRY.encoder(order.target_transfer_syntax_uid),
        Fidelity(near=order.near, ratio=order.ratio),
    )


def _frame_file(order: FrameFileOrder) -> FrameFile:
    source = open_source(order.source_path)
    decoder = _REGISTRY.decoder(order.decoder, source.syntax.uid)
    encoder = _REGISTRY.encoder(order.target_transfer_syntax_uid)
    with open(order.output_path, "r+b", buffering=0) as out:  # noqa: PTH123 - a path of an order is text
        out.truncate(0)
        frames = (
            lone_frame(source, decoder, encoder, _REGISTRY, number - 1) for number in order.frame_numbers
        )
        return FrameFile(lengths=tuple(_written(out, frame) for frame in frames))


def _written(out: RawIOBase, frame: Octets) -> int:
    """All of it: one write takes 2 GiB at most."""
    view = memoryview(frame).cast("B")
    while view:
        view = view[out.write(view) :]
    return len(frame)


def _picture(order: PictureOrder) -> Picture:
    source = open_source(order.source_path)
    decoder = _REGISTRY.decoder(order.decoder, source.syntax.uid)
    return Picture(image=make_picture(source, decoder, order.frame_numbers, order.look))


def _refusal(error: Exception) -> Refusal:
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    for kind, outcome in _OUTCOMES:
        if isinstance(error, kind):
            return Refusal(outcome=outcome, reason=reason)
    return Refusal(outcome=Outcome.FAILED, reason=f"{type(error).__name__}: {reason}")
