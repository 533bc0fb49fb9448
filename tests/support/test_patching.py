"""Patches find their place wherever the lines have moved, and never guess."""

import pytest

from tests.support.patching import DoesNotFit, applied

FILE = "def one():\n    a = 1\n    return a\n\n\ndef two():\n    b = 2\n    return b\n"
PATCH = """Must fail: tests/test_it.py::test_it

--- a/it.py
+++ b/it.py
@@ -2,3 +2,3 @@
     a = 1
-    return a
+    return b

"""


def after(text: str, patch: str = PATCH) -> str:
    return applied(patch, {"it.py": text})["it.py"]


def test_it_changes_what_it_names() -> None:
    assert after(FILE) == FILE.replace("return a", "return b")


def test_moved_lines_are_found() -> None:
    moved = "import os\n" * 40 + FILE
    assert after(moved) == moved.replace("return a", "return b")


@pytest.mark.parametrize(
    "text",
    [FILE.replace("a = 1", "a = 10"), FILE.replace("return a\n", "return a\n    # why\n")],
    ids=["before", "behind"],
)
def test_context_may_have_changed_on_either_side(text: str) -> None:
    assert after(text) == text.replace("return a", "return b")


def test_two_places_are_an_error() -> None:
    with pytest.raises(DoesNotFit, match="2 places"):
        after(FILE + FILE)


def test_context_tells_two_places_apart() -> None:
    text = FILE + "    x = 1\n    return a\n"
    assert after(text).endswith("    x = 1\n    return a\n")


def test_context_is_not_dropped_to_choose_between_two_places() -> None:
    text = FILE.replace("a = 1", "a = 10") + "    x = 1\n    return a\n    y = 2\n"
    with pytest.raises(DoesNotFit, match="2 places"):
        after(text.replace("return a\n\n", "return a\n    # why\n\n"))


def test_lines_that_are_gone_are_an_error() -> None:
    with pytest.raises(DoesNotFit, match=r"not in it\.py"):
        after(FILE.replace("return a", "return -a"))


def test_an_addition_needs_a_line_beside_it() -> None:
    adds = "--- a/it.py\n+++ b/it.py\n@@ -2,1 +2,2 @@\n     a = 1\n+    a += 1\n"
    assert after(FILE, adds) == FILE.replace("a = 1\n", "a = 1\n    a += 1\n")
    with pytest.raises(DoesNotFit):
        after(FILE.replace("a = 1", "a = 3"), adds)


def test_two_changes_of_one_file_and_one_of_another() -> None:
    more = "@@ -7 +7 @@\n-    b = 2\n+    b = 3\n"
    other = "--- a/u.py\n+++ b/u.py\n@@ -1 +1 @@\n--- u\n+-- v\n"
    changed = applied(PATCH + more + other, {"it.py": FILE, "u.py": "-- u\n"})
    assert changed == {
        "it.py": FILE.replace("return a", "return b").replace("b = 2", "b = 3"),
        "u.py": "-- v\n",
    }


def test_a_patch_without_changes_is_an_error() -> None:
    with pytest.raises(DoesNotFit, match="nothing"):
        applied("--- a/it.py\n+++ b/it.py\n", {"it.py": FILE})
