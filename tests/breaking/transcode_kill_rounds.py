"""kill -9 in the middle of transcoding, over and over: `python -m tests.breaking.transcode_kill_rounds --rounds 20`.

What must hold after it: tests/breaking/transcode_rounds.py.
"""

import argparse
import random
import sys
import time
from contextlib import ExitStack, closing

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.breaking.scratch import scratch_archive

KILLS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    console = Console()
    console.print(f"--seed {arguments.seed}")
    began_at = time.monotonic()
    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_archive("transcode-rounds-"))
        # Its models can be imported only now.
        from tests.breaking.transcode_rounds import ROLES, Rounds, variables_of

        variables = variables_of(
            scratch.folder, database_url=scratch.database_url, redis_url=scratch.redis_url
        )
        rounds = stack.enter_context(closing(Rounds(scratch.folder, variables, seed=arguments.seed)))
        progress = stack.enter_context(Progress(console=console))
        task = progress.add_task("rounds", total=arguments.rounds)
        for number in range(arguments.rounds):
            rounds.run(number, kills=KILLS)
            progress.advance(task)
            if rounds.summary.problems:
                break
    summary = rounds.summary
    for problem in summary.problems[:50]:
        console.print(problem, style="red")
    table = Table("what", "number", title="kill -9 while transcoding")
    for what, figure in (
        ("rounds", summary.rounds),
        *((f"killed: {role}", summary.kills[role]) for role in ROLES),
        ("instances", summary.instances),
        ("decodes", summary.decodes),
        ("problems", len(summary.problems)),
        ("seconds", round(time.monotonic() - began_at)),
    ):
        table.add_row(what, str(figure))
    console.print(table)
    return 1 if summary.problems else 0


if __name__ == "__main__":
    sys.exit(main())
