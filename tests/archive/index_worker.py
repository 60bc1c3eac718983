"""A process of its own that indexes batches: python -m tests.archive.index_worker FILE SEED.

FILE has a JSON object a line: a batch as it travels, and one header for all of its series. They are indexed
in an order that SEED decides, once a line has come on standard input.
"""

import json
import os
import random
import sys
from pathlib import Path

import django


def main(path: str, seed: str) -> None:
    django.setup()

    from django.conf import settings

    from dicomhub.archive.incoming import key_of
    from dicomhub.archive.services import index_batch
    from dicomhub.storage.filesystem import open_store
    from tasks.messages import batch_from_message

    lines = Path(path).read_text().splitlines()
    random.Random(seed).shuffle(lines)
    store = open_store(settings.ENVIRONMENT)
    print("ready", flush=True)
    sys.stdin.readline()
    for line in lines:
        content = json.loads(line)
        batch = batch_from_message(content["batch"])
        headers = {key_of(instance): content["header"] for instance in batch.instances}
        index_batch(batch, headers=headers, store=store)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dicomhub.settings")
    main(*sys.argv[1:])
