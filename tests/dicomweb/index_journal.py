"""Index what a server has taken in, without a broker: `python -m tests.dicomweb.index_journal`, DICOMHUB_HOME set."""

import django


def main() -> None:
    django.setup()
    from dicomhub.environment import read_environment
    from dicomhub.intake.segments import cut_segments, read_segment
    from tasks.messages import batch_to_message
    from tasks.pipeline.index import index
    from tasks.pipeline.metadata import metadata

    for path in cut_segments(read_environment().store_root / "journal"):
        batch = read_segment(path).batch
        index(batch_to_message(batch))
        metadata(batch.batch_id)


if __name__ == "__main__":
    main()
