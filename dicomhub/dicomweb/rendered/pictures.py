"""Pictures of archived instances, drawn by codec processes, with one decoder after the other."""

from dataclasses import dataclass
from typing import Final

from dicomhub.dicomweb.rendered.parameters import RenderingParameterInvalid
from dicomhub.dicomweb.rendered.subject import Frames, NoPicture
from dicomhub.dicomweb.resource import NothingThere
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance
from dicomhub.dicomweb.retrieve.renditions import codecs_of
from dicomhub.log import logger
from tasks.transcode.failure import CodecFailure
from tasks.transcode.picture_order import GIF, Look, Picture, PictureOrder
from tasks.transcode.pixel_description import PixelDescription
from tasks.transcode.pool import CodecPool

# Of an animation: what a codec process may hold, and a client may wait for.
_ANIMATION_MAX_PIXELS: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture that is to be drawn: of one frame, of several as an animation, of the representative one."""

    instance: ArchivedInstance
    pixels: PixelDescription
    frame_numbers: tuple[int, ...]
    look: Look


def all_frames(subject: Frames) -> tuple[int, ...]:
    return tuple(range(1, subject.pixels.number_of_frames + 1))


def drawing_of(
    instance: ArchivedInstance, subject: Frames, frame_numbers: tuple[int, ...], look: Look
) -> Drawing:
    """One image of these frames; of none given: all that a GIF can show, else the representative one."""
    numbers = frame_numbers or (all_frames(subject) if look.media_type == GIF else ())
    return Drawing(instance=instance, pixels=subject.pixels, frame_numbers=numbers, look=look)


def checked(drawing: Drawing) -> Drawing:
    """What can be known before it is drawn. Raises NothingThere and RenderingParameterInvalid."""
    pixels, viewport = drawing.pixels, drawing.look.viewport
    if drawing.look.with_icc_profile and drawing.look.media_type == GIF:
        raise RenderingParameterInvalid("iccprofile", f"{GIF} has no room for a profile")
    if any(not 1 <= number <= pixels.number_of_frames for number in drawing.frame_numbers):
        raise NothingThere("frame")
    region = viewport.region
    if (
        region is not None
        and not region.is_relative
        and (region.left >= pixels.columns or region.top >= pixels.rows)
    ):
        raise RenderingParameterInvalid("viewport", "its region is outside of the image")
    shown = (viewport.columns or pixels.columns) * (viewport.rows or pixels.rows)
    if len(drawing.frame_numbers) > 1 and len(drawing.frame_numbers) * shown > _ANIMATION_MAX_PIXELS:
        raise RenderingParameterInvalid(
            "viewport",
            f"an animation of {len(drawing.frame_numbers)} times {shown} pixels is too large: "
            "ask for a smaller viewport, or for some of its frames",
        )
    return drawing


def draw(pool: CodecPool, drawing: Drawing, *, patience_seconds: float) -> bytes:
    """An image file. Raises NoPicture, and CodecUnavailable when that cannot be tried now."""
    instance = drawing.instance
    reason = f"there is no decoder for {instance.transfer_syntax_uid}"
    for decoder in codecs_of(pool).decoders_of(instance.transfer_syntax_uid):
        order = PictureOrder(
            source_path=str(instance.path),
            frame_numbers=drawing.frame_numbers,
            decoder=decoder,
            look=drawing.look,
        )
        try:
            return pool.run(
                order,
                Picture,
                decoded_bytes=drawing.pixels.frame_bytes * max(1, len(drawing.frame_numbers)),
                patience_seconds=patience_seconds,
            ).image
        except CodecFailure as failure:
            reason = str(failure)
            logger().warning(
                "picture_not_drawn",
                instance=instance.resource.sop_instance_uid,
                transfer_syntax=instance.transfer_syntax_uid,
                codec=decoder,
                outcome=failure.outcome,
                reason=failure.reason,
            )
    raise NoPicture(f"its pixels cannot be shown: {reason}")
