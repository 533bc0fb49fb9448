"""Metrics in Prometheus' text format, version 0.0.4."""

from collections.abc import Iterable, Mapping

import msgspec

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(msgspec.Struct, frozen=True):
    """One value, and the labels that tell it from others of its metric."""

    value: float
    labels: Mapping[str, str] = {}


class Metric(msgspec.Struct, frozen=True):
    """One metric. `kind`: 'gauge', or 'counter', which only grows while the process lives."""

    name: str
    kind: str
    help: str
    samples: tuple[Sample, ...]


def exposition(metrics: Iterable[Metric]) -> str:
    """The page that Prometheus reads; metrics without a value are left out."""
    return "".join(_block(metric) for metric in metrics if metric.samples)


def _block(metric: Metric) -> str:
    described = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    lines = [f"# HELP {metric.name} {described}", f"# TYPE {metric.name} {metric.kind}"]
    lines += [f"{metric.name}{_labels(one.labels)} {_number(one.value)}" for one in metric.samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
