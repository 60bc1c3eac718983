"""Metrics as a scraper reads them."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

Metrics = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parse(text: str) -> Metrics:
    """Values by name and labels; fails on what is no exposition."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics[name, tuple(sorted(labels.items()))]


class ScpMetrics:
    """The snapshot that an SCP writes."""

    def __init__(self, home: Path) -> None:
        self._path = home / "run" / "scp.prom"

    def read(self) -> Metrics:
        return parse(self._path.read_text("utf-8")) if self._path.exists() else {}

    def value(self, name: str, **labels: str) -> float | None:
        """The value of dicomhub_<name>; None before the first snapshot."""
        return self.read().get((f"dicomhub_{name}", tuple(sorted(labels.items()))))
