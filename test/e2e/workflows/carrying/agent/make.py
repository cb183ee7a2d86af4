"""Writes files of several kinds into the workspace: nested, with a name that is not ASCII, executable, and a link."""
import json
import os
from pathlib import Path

with open(os.environ["WFLO_INPUT"], encoding="utf-8") as file:
    mode = json.load(file)["mode"]

workspace = Path(os.environ["WFLO_WORKSPACE"])
assert list(workspace.iterdir()) == [], "the first workspace is not empty"
(workspace / "src" / "deep").mkdir(parents=True)
(workspace / "src" / "deep" / "ünïcödé 🦊.txt").write_text("from python\n", encoding="utf-8")
(workspace / "run.sh").write_text("#!/bin/sh\n")
(workspace / "run.sh").chmod(0o700)
(workspace / "link").symlink_to(Path("src") / "deep" / "ünïcödé 🦊.txt")
if mode == "pipe":
    os.mkfifo(workspace / "src" / "pipe")
