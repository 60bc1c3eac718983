"""docs/running.md names every setting, and no other."""

import re
from pathlib import Path

import dicomhub.environment

ROOT = Path(dicomhub.environment.__file__).parent.parent


def test_the_table_of_settings_is_that_of_the_environment() -> None:
    readers = (ROOT / "dicomhub" / "environment.py", *(ROOT / "dicomhub" / "configuration").glob("*.py"))
    read = {
        name for path in readers for name in re.findall(r'read\.\w+\(\s*"([A-Z_]+)"', path.read_text("utf-8"))
    }
    page = (ROOT / "docs" / "running.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}
    assert named == read


def test_every_queue_of_the_pipeline_has_a_worker_on_the_page() -> None:
    from tasks.route import Queue

    page = (ROOT / "docs" / "running.md").read_text()
    assert set(re.findall(r"--queues (\w+)", page)) == {queue.value for queue in Queue}
