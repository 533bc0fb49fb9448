"""What the command line prints for people: results of operations as short text."""

from typing import Any

FAILED_IMPORTS = frozenset({"refused", "no_space", "interrupted"})


def status(result: dict[str, Any]) -> str:
    """The state of a hotspot, a line for each thing a person looks for."""
    sync = result["sync"]
    lines = [
        f"Hotspot {result['version']}, {result['now']}"
        + ("" if result["clockTrusted"] else " (not confirmed by any clock)"),
        f"{sync['packages']} packages, {sync['pending']} edits to send, "
        f"{sync['conflicts']} conflicts.",
    ]
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
    lines += [one["message"] for one in result["imports"][-10:]]
    return "\n".join(lines)


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


def packages(results: list[dict[str, Any]]) -> str:
    """The catalogue."""
    if not results:
        return "There are no packages here yet: put in a stick that carries some."
    return "\n".join(
        f"{one['packageId']}  {one['packageVersion']}  {one['packageType']}  "
        f"{one['languageName']}  {one['sizeInBytes'] / 1e6:.1f} MB"
        for one in results
    )


def devices(results: list[dict[str, Any]]) -> str:
    """The paired devices."""
    if not results:
        return "No device is paired."
    return "\n".join(
        f"{one['deviceId']}  {one['name']}  {one['role']}"
        + ("  revoked" if one["revokedAt"] else "")
        for one in results
    )
