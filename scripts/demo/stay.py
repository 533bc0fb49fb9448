"""Server, hotspot and stick on this machine until Ctrl-C, for a person to look around.

Usage: stay.py PACKAGES WORK

WORK keeps the data from one start to the next.
"""

import shutil
import signal
import sys
from pathlib import Path

from processes import Program, StepFailed, ask

UPSTREAM, HOTSPOT = "http://127.0.0.1:8090", "http://127.0.0.1:8080"


def main() -> int:
    packages, work = Path(sys.argv[1]), Path(sys.argv[2])
    stick = work / "sticks" / "stick"
    stick.parent.mkdir(parents=True, exist_ok=True)
    upstream = Program(
        *("upstream", "run"),
        settings={"HOTSPOT_DATA_DIR": str(work / "upstream"), "HOTSPOT_UPSTREAM_PORT": "8090"},
        log=work / "upstream.log",
    )
    settings = {
        "HOTSPOT_DATA_DIR": str(work / "hotspot"),
        "HOTSPOT_HTTP_PORT": "8080",
        "HOTSPOT_DRIVES_FOLDER": str(stick.parent),
        "HOTSPOT_UPSTREAM_URL": UPSTREAM,
    }
    hotspot = Program("run", settings=settings, log=work / "hotspot.log")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        upstream.start()
        upstream.wait_for(UPSTREAM + "/healthz")
        hotspot.settings["HOTSPOT_UPSTREAM_TOKEN"] = _token(upstream, work / "token")
        for path in sorted(packages.glob("*.bible")):
            ask(upstream, "upstream", "import", str(path))
        hotspot.start()
        hotspot.wait_for(HOTSPOT + "/healthz")
        if not stick.exists():
            coming = shutil.copytree(packages, work / "coming", dirs_exist_ok=True)
            coming.rename(stick)
        print(f"The hotspot answers at {HOTSPOT}, the server at {UPSTREAM}.")
        print(f"{stick} stands for a stick; logs and data are in {work}.")
        print(f"How it is: HOTSPOT_DATA_DIR={work / 'hotspot'} .venv/bin/hotspot status")
        print("Ctrl-C ends it.", flush=True)
        signal.pause()
    except StepFailed as error:
        print(f"FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        print()
    finally:
        hotspot.stop()
        upstream.stop()
    return 0


def _token(upstream: Program, file: Path) -> str:
    """The hotspot's token at the server, made at the first start."""
    if not file.exists():
        made = ask(upstream, "upstream", "add-device", "--name", "Demo hotspot")
        file.write_text(str(made["token"]))
        file.chmod(0o600)
    return file.read_text()


sys.exit(main())
