"""What runs inside of a codec process, and nowhere else: importing this imports the codecs."""

from tasks.transcode.orders import Answer, Order


def prepare(modules: tuple[str, ...]) -> None:
    """Once, when the process starts: load the codecs, and those of a deployment in front of them.

    modules are names of Python modules, each with a tuple DECODERS of codecs.codec.Decoder. Raises
    ImportError and what codecs.registry.CodecModuleInvalid says.
    """
    raise NotImplementedError


def perform(order: Order) -> Answer:
    """Do what is asked; whatever goes wrong, short of the end of the process, is a Refusal."""
    raise NotImplementedError
