"""Tells what is in the workspace."""
import json
import os
from pathlib import Path

workspace = Path(os.environ["WFLO_WORKSPACE"])
found = {
    "names": sorted(str(path.relative_to(workspace)) for path in workspace.rglob("*")),
    "text": (workspace / "link").read_text(encoding="utf-8"),
    "target": os.readlink(workspace / "link"),
    "mode": oct((workspace / "run.sh").stat().st_mode & 0o7777),
}
with open(os.environ["WFLO_OUTPUT"], "w", encoding="utf-8") as file:
    json.dump(found, file)
