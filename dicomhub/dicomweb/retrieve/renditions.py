"""Archived instances in another transfer syntax: the rendition that is there, else one that is made now.

What is made now has no name in the store and goes with its last reader. Codec processes make it; nothing is
decoded here.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO, TypeVar

from dicomhub.dicomweb.retrieve.archived import ArchivedInstance, instance_file_path
from dicomhub.environment import Environment
from dicomhub.log import logger
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.storage.filesystem import FilesystemStore
from tasks.transcode.freshness import fresh_rendition, stamp_of
from tasks.transcode.making import DecoderFailed, make_rendition, provers_of
from tasks.transcode.orders import Codecs, CodecsOrder, Outcome, RenderOrder
from tasks.transcode.pixel_description import (
    PixelDescription,
    PixelDescriptionMissing,
    read_pixel_description,
)
from tasks.transcode.plan import why_not
from tasks.transcode.pool import CodecPool, shared_pool

T = TypeVar("T")


class NoRendition(Exception):
    """An instance cannot be had in a transfer syntax, whoever asks."""


class NoRoomToRender(Exception):
    """The store has no room for a rendition above its reserve."""


@cache
def codecs_of(pool: CodecPool) -> Codecs:
    """Raises CodecUnavailable and CodecFailure."""
    return pool.run(CodecsOrder(), Codecs)


@dataclass(frozen=True, slots=True)
class Renditions:
    store: FilesystemStore
    pool: CodecPool
    reserve_bytes: int
    patience_seconds: float

    def can_decode(self, transfer_syntax_uid: str) -> bool:
        """Raises CodecUnavailable and CodecFailure."""
        return transfer_syntax_uid in codecs_of(self.pool).decodable

    def fresh(self, instance: ArchivedInstance, transfer_syntax_uid: str) -> Path | None:
        """The rendition that is there of the instance as it is now: no codec process is needed for it."""
        return fresh_rendition(self.store, instance_file_path(instance.resource), transfer_syntax_uid)

    def open(self, instance: ArchivedInstance, transfer_syntax_uid: str) -> BinaryIO:
        """A whole Part 10 file. Raises NoRendition, NoRoomToRender, CodecUnavailable, FileNotFoundError."""
        path = self.fresh(instance, transfer_syntax_uid)
        if path is not None:
            with suppress(FileNotFoundError):  # it has made way for another one meanwhile
                return path.open("rb", buffering=0)
        pixels = _pixels_of(instance.path)
        if (unfit := why_not(pixels, transfer_syntax_uid)) is not None:
            raise NoRendition(unfit)
        return self.by_some_decoder(
            instance,
            lambda decoder, provers: self._made_now(instance, transfer_syntax_uid, decoder, provers, pixels),
        )

    def by_some_decoder(self, instance: ArchivedInstance, make: Callable[[str, tuple[str, ...]], T]) -> T:
        """What make(decoder, provers) gives with the first decoder of the instance that does not fail.

        make raises DecoderFailed. Raises NoRendition, and CodecUnavailable.
        """
        reason = f"there is no decoder for {instance.transfer_syntax_uid}"
        decoders = codecs_of(self.pool).decoders_of(instance.transfer_syntax_uid)
        tried: dict[str, Outcome] = {}
        while left := [decoder for decoder in decoders if decoder not in tried]:
            provers = provers_of(left[0], decoders, tried)
            try:
                return make(left[0], provers)
            except DecoderFailed as failed:
                tried[failed.decoder] = failed.outcome
                reason = str(failed)
                logger().warning(
                    "instance_not_decoded",
                    instance=instance.resource.sop_instance_uid,
                    transfer_syntax=instance.transfer_syntax_uid,
                    codec=failed.decoder,
                    outcome=failed.outcome,
                    reason=failed.reason,
                )
        raise NoRendition(reason)

    def _made_now(
        self,
        instance: ArchivedInstance,
        transfer_syntax_uid: str,
        decoder: str,
        provers: tuple[str, ...],
        pixels: PixelDescription,
    ) -> BinaryIO:
        self.check_room(pixels.native_bytes)
        incoming = self.store.create_incoming()
        try:
            order = RenderOrder(
                source_path=str(instance.path),
                output_path=str(incoming.path),
                target_transfer_syntax_uid=transfer_syntax_uid,
                decoder=decoder,
                stamp=stamp_of(instance.path),
            )
            make_rendition(
                self.pool,
                order,
                provers,
                decoded_bytes=pixels.native_bytes,
                patience_seconds=self.patience_seconds,
            )
            return incoming.path.open("rb", buffering=0)
        finally:
            incoming.discard()

    def check_room(self, needed_bytes: int) -> None:
        """Raises NoRoomToRender."""
        if self.store.free_bytes() < self.reserve_bytes + needed_bytes:
            raise NoRoomToRender("the store has no room for a rendition above its reserve")


def open_renditions(store: FilesystemStore, environment: Environment) -> Renditions:
    """By this process's codec pool."""
    return Renditions(
        store,
        shared_pool(environment.codec),
        reserve_bytes=environment.intake.disk_reserve_bytes,
        patience_seconds=environment.codec.seconds,
    )


def _pixels_of(path: Path) -> PixelDescription:
    try:
        pixels = read_pixel_description(path).pixels
    except (DataSetMalformed, Part10Malformed, PixelDescriptionMissing) as error:
        raise NoRendition(str(error)) from error
    if pixels is None:
        raise NoRendition("it has no pixels, and is stored in a transfer syntax for pixels")
    return pixels
