"""What the command line prints for people: results of operations as short text."""

from typing import Any

from hotspot.model import damage, series
from hotspot.model.plan import ImportAction
from hotspot.model.progress import Progress, in_words

FAILED_IMPORTS = frozenset(action.value for action in ImportAction if action.failed)
SHOWN_FAILURES = 10


def status(result: dict[str, Any]) -> str:
    """The state of a hotspot, a line for each thing a person looks for."""
    sync = result["sync"]
    lines = [
        f"Hotspot {result['version']}, {result['now']}"
        + ("" if result["clockTrusted"] else " (not confirmed by any clock)"),
        f"{sync['packages']} packages, {sync['pending']} edits to send, "
        f"{sync['conflicts']} conflicts.",
    ]
    if sync["pendingUnknown"]:
        lines.append(
            f"{sync['pendingUnknown']} of them are of versions that the server does not know: "
            "load those there, or approve their packages here (hotspot packages approve)."
        )
    lines += [f"Notice: {notice}" for notice in result["notices"]]
    lines += [f"Alert: {alert['message']}" for alert in result["alerts"]]
    if not result["parts"]:
        lines.append("The daemon is not running.")
    for name, part in sorted(result["parts"].items()):
        lines.append(f"{name}: " + ("running" if part["running"] else part["sentence"]))
    if result["upstreamReachable"] is not None:
        where = "reachable" if result["upstreamReachable"] else "out of reach"
        lines.append(f"The server is {where}.")
    if result["lastSession"] is not None:
        lines.append("Last session: " + session(result["lastSession"]))
    if result["wantedAudio"]:
        lines.append(f"{len(result['wantedAudio'])} audio files are to come from the server.")
    if result["downloads"]:
        lines.append(f"{sum(one['count'] for one in result['downloads'])} downloads were counted.")
    if result["sticks"]:
        lines.append("Sticks: " + result["indication"].replace("_", " ") + ".")
    lines += [one["message"] for one in result["sticks"]]
    lines += [_under_way(job) for job in result["importing"]]
    lines += [one["message"] for one in result["imports"][-10:]]
    return "\n".join(lines)


def _under_way(job: dict[str, Any]) -> str:
    told = f"Import {job['job']} of {job['source']}: {job['phase']}"
    if job["phase"] != "copying":
        return f"{told}."
    at = Progress(job["done"], job["total"], job["rate"], job["leftSeconds"])
    return f"{told}, {in_words(at)}."


def session(result: dict[str, Any]) -> str:
    """One session with the upstream."""
    if result.get("error"):
        return str(result["error"])
    return (
        f"{result['uploaded']} sent, {result['downloaded']} received, "
        f"{result['conflicts']} not accepted, {result['requests']} requests."
    )


def imports(results: list[dict[str, Any]]) -> str:
    """What became of each file."""
    if not results:
        return "No packages were found there."
    return "\n".join(f"{one['message']} ({one['seconds']:.1f} s)" for one in results)


def exported(result: dict[str, Any]) -> str:
    """What was written."""
    return f"Package {result['exported']} is written, and read back: {', '.join(result['files'])}."


def not_imported(results: list[dict[str, Any]]) -> str:
    """The files whose last import failed, a line each."""
    last = {one["source"]: one for one in results}
    failed = [one for one in last.values() if one["outcome"] in FAILED_IMPORTS]
    return "\n".join(f"Not imported: {one['message']}" for one in failed[-SHOWN_FAILURES:])


def packages(results: list[dict[str, Any]]) -> str:
    """The catalogue."""
    if not results:
        return "There are no packages here yet: put in a stick that carries some."
    return "\n".join(
        f"{one['packageId']}  {one['packageVersion']}  {one['packageType']}  "
        f"{one['languageName']}  {one['sizeInBytes'] / 1e6:.1f} MB{_approval(one['approval'])}"
        f"{_signed(one)}{_lacks(one)}"
        for one in results
    )


def _signed(one: dict[str, Any]) -> str:
    return f"  signed with {one['signedBy']}" if one.get("signedBy") else ""


def _lacks(one: dict[str, Any]) -> str:
    """What there is to say of a part of a series, and of damage: each on a line of its own."""
    said = [note] if (note := series.told(one.get("seriesInfo"))) else []
    if not one["complete"]:
        damaged = one.get("damagedAudio", 0)
        said.append(damage.note(damaged) if damaged else "is damaged, and not offered as a file")
    return "".join(f"\n  {note}" for note in said)


def _approval(approval: dict[str, Any] | None) -> str:
    if approval is None:
        return ""
    if approval["reason"] is not None:
        return f"  approved, but not taken by the server: {approval['reason']}"
    return "  approved" if approval["finishedAt"] is None else "  approved and sent"


def devices(results: list[dict[str, Any]]) -> str:
    """The paired devices."""
    if not results:
        return "No device is paired."
    return "\n".join(
        f"{one['deviceId']}  {one['name']}  {one['role']}"
        + (f" of {', '.join(one['scopes'])}" if one["scopes"] else "")
        + ("  revoked" if one["revokedAt"] else "")
        for one in results
    )


def undone(result: dict[str, Any]) -> str:
    """What became of a device's edits."""
    left = result["left"]
    return f"{result['undone']} records are as before the edits of device {result['deviceId']}." + (
        f" {left} stay, which others edited since, or which were as before already." if left else ""
    )


def conflicts(results: list[dict[str, Any]]) -> str:
    """The conflicts that wait, a line each."""
    if not results:
        return "No conflict waits for a decision."
    return "\n".join(map(_kept_line, results))


def losers(results: list[dict[str, Any]]) -> str:
    """The versions that lost, a line each."""
    if not results:
        return "No version has lost."
    return "\n".join(map(_kept_line, results))


def _kept_line(one: dict[str, Any]) -> str:
    return f"{one['id']}  {_named(one)}  {one['keptAt']}  {one['resolution']}: {one['reason']}"


def _named(one: dict[str, Any]) -> str:
    """A record by what people call it."""
    record = one["localRecord"]
    return str(record.get("verse_id") or record.get("name") or one["recordId"])


def conflict(one: dict[str, Any]) -> str:
    """Both versions of a conflict."""
    state = "waits for a decision" if one["resolution"] == "manual" else one["resolution"]
    lines = [f"{one['id']}  {one['table']} {_named(one)} ({one['recordId']}): {state}."]
    lines.append(one["reason"])
    if one["deviceName"] is not None:
        lines.append(f"Sent by {one['deviceName']}.")
    lines += ["", *_version("local", one["localRecord"])]
    if one["serverRecord"] is not None:
        lines += ["", *_version("server", one["serverRecord"], one["localRecord"])]
    return "\n".join(lines)


_SHOWN_APART = frozenset(
    {"id", "created_at", "created_by", "updated_at", "updated_by", "deleted_at"}
)


def _version(name: str, record: dict[str, Any], other: dict[str, Any] | None = None) -> list[str]:
    """One version: when, by whom, and its columns; beside another, only those that differ."""
    gone = ", deleted" if record["deleted_at"] is not None else ""
    lines = [f"{name}: {record['updated_at']} by {record['updated_by'] or 'unknown'}{gone}"]
    for column, value in record.items():
        same = other is not None and other[column] == value
        if column not in _SHOWN_APART and value is not None and not same:
            lines.append(f"  {column}: {value}")
    return lines


def decided(one: dict[str, Any]) -> str:
    """What a decision led to."""
    if one["resolution"] == "local_wins":
        return f"{_named(one)} is the local version now; it goes up with the next session."
    return f"{_named(one)} stays as it is on the server; the other version is kept."
