"""Metrics as Prometheus reads them."""

import re

from hypothesis import given
from hypothesis import strategies as st

from hotspot.model.prometheus import Metric, Sample, exposition

_LINE = re.compile(r'(\w+)(?:\{label="((?:[^"\\\n]|\\.)*)"\})? (\S+)')
_UNESCAPED = {r"\\": "\\", r"\n": "\n", r"\"": '"'}


def test_a_page() -> None:
    outcomes = (Sample(2, {"outcome": "new"}), Sample(0, {"outcome": "refused"}))
    page = exposition(
        [
            Metric("waiting", "gauge", "How many wait.", (Sample(3),)),
            Metric("left_out", "gauge", "Not known.", ()),
            Metric("seen_total", "counter", "Back\\slash\nand line.", outcomes),
            Metric("age_seconds", "gauge", "How old.", (Sample(0.125),)),
        ]
    )
    assert page == (
        "# HELP waiting How many wait.\n# TYPE waiting gauge\nwaiting 3\n"
        "# HELP seen_total Back\\\\slash\\nand line.\n# TYPE seen_total counter\n"
        'seen_total{outcome="new"} 2\nseen_total{outcome="refused"} 0\n'
        "# HELP age_seconds How old.\n# TYPE age_seconds gauge\nage_seconds 0.125\n"
    )


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_any_label_and_number_can_be_read_back(label: str, value: float) -> None:
    page = exposition([Metric("m", "gauge", "Help.", (Sample(value, {"label": label}),))])
    _, _, line, end = page.split("\n")
    found = _LINE.fullmatch(line)
    assert end == "" and found is not None
    name, escaped, number = found.groups()
    assert (name, float(number)) == ("m", value)
    assert re.sub(r"\\.", lambda pair: _UNESCAPED[pair[0]], escaped) == label
