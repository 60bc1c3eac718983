"""The child that publishes what the others have cut, so that no broker can hold up a C-STORE."""

from scp.child import ChildContext
from scp.meters import BATCHES_PUBLISHED
from scp.scoreboard import ChildState


def dispatch(context: ChildContext) -> None:
    # Celery is imported here, in the one child that talks to the broker: it would double the others' size.
    from dicomhub.intake.dispatcher import Dispatcher  # noqa: PLC0415

    context.listeners.close()  # else a port would stay open as long as this child lives
    dispatcher = Dispatcher.open(
        context.environment, was_published=lambda: context.slot.tally.count(BATCHES_PUBLISHED)
    )
    context.slot.set_state(ChildState.ATTENDING)
    dispatcher.run(context.is_to_stop, context.to_dispatcher.fileno(), context.slot.beat)
