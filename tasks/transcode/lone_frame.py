"""A frame that goes without its data set: its reader knows what the source's data set says of it, no more.

So it lies as that says, where a rendition's data set would say how its frames do. YBR_RCT and YBR_ICT are
transforms of a JPEG 2000 codestream: what comes out of one is RGB, and readers know that.
"""

from dataclasses import replace

from tasks.transcode.codecs.codec import Decoded, Decoder, Encoder, Fidelity, Octets
from tasks.transcode.codecs.registry import Registry
from tasks.transcode.codecs.samples import as_ybr_full, interleaved, planar, subsampled
from tasks.transcode.frame_pipeline import decoded_frame, encoded_frame
from tasks.transcode.pixel_description import PixelDescription
from tasks.transcode.proof import prove_frame
from tasks.transcode.source import Source


def lone_frame(source: Source, decoder: Decoder, encoder: Encoder, registry: Registry, index: int) -> Octets:
    """A frame, numbered from 0, in the encoder's transfer syntax; a codestream is proved.

    Raises what frame_pipeline.decoded_frame and encoded_frame raise, and proof.RenditionMismatch.
    """
    decoded = decoded_frame(source, decoder, index)
    if source.pixels.samples_per_pixel == 1:
        lies = decoded
    else:
        lies = _in_colour_space(interleaved(decoded.samples, decoded.pixels), source.pixels)
    if encoder.name == "native":
        return _native(lies, source.pixels)
    encoded = encoded_frame(lies, encoder, Fidelity())
    prove_frame(lies, encoded, encoder, registry)
    return encoded.codestream


def _in_colour_space(flat: Decoded, described: PixelDescription) -> Decoded:
    is_ybr_said = described.photometric_interpretation in ("YBR_FULL", "YBR_FULL_422")
    if not is_ybr_said or flat.pixels.photometric_interpretation != "RGB":
        return flat
    lies = replace(flat.pixels, photometric_interpretation="YBR_FULL")
    return Decoded(as_ybr_full(flat.samples, flat.pixels), lies)


def _native(lies: Decoded, described: PixelDescription) -> Octets:
    if described.samples_per_pixel == 1:
        return lies.samples
    if described.photometric_interpretation == "YBR_FULL_422" and described.columns % 2 == 0:
        return subsampled(lies.samples, lies.pixels)
    return planar(lies.samples, lies.pixels) if described.planar_configuration == 1 else lies.samples
