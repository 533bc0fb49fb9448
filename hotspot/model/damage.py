"""What becomes of a package some of whose audio is damaged."""

from hotspot.model.plan import Found, Held, version_of


def not_worth_it(found: Found, held: Held | None, damaged: int) -> str | None:
    """Why a copy with this many damaged audio files does not replace what is here, if it does not.

    A sound package stays until a sound one replaces it; a damaged one until a better one does.
    """
    if held is None or not damaged:
        return None
    if held.complete:
        return (
            f"{_files(damaged)} damaged in it, so version {held.version}, which is whole, stays. "
            "Bring a good copy."
        )
    if version_of(found.version) == version_of(held.version) and damaged >= held.damaged:
        return f"{_files(damaged)} damaged in it too, so what is here stays. Bring a good copy."
    return None


def note(damaged: int) -> str:
    """What to say of a package that is here with this many damaged files: "the package ..."."""
    what = "1 damaged audio file" if damaged == 1 else f"{damaged} damaged audio files"
    return f"has {what}, not offered until a good copy comes from a stick or the server"


def _files(damaged: int) -> str:
    return "1 audio file is" if damaged == 1 else f"{damaged} audio files are"
