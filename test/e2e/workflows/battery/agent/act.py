"""Ends in the way that its input says."""
import json
import os
import sys
import time

with open(os.environ["WFLO_INPUT"], encoding="utf-8") as file:
    mode = json.load(file)["mode"]


def write(text):
    with open(os.environ["WFLO_OUTPUT"], "w", encoding="utf-8") as file:
        file.write(text)


print(f"mode {mode}")
if mode == "ok":
    write(json.dumps({"mode": mode, "size": 0}))
elif mode == "exit-3":
    print("about to give up", file=sys.stderr)
    sys.exit(3)
elif mode == "no-output":
    pass
elif mode == "not-json":
    write("{ mode: ")
elif mode == "wrong-shape":
    write(json.dumps({"mode": 1}))
elif mode == "sleep":
    time.sleep(60)
elif mode == "noise":
    line = "x" * 99 + "\n"
    for _ in range(1024):
        sys.stdout.write(line * 1000)
    write(json.dumps({"mode": mode, "size": 0}))
elif mode == "large-output":
    write(json.dumps({"mode": "y" * 200_000, "size": 200_000}))
elif mode == "crash":
    raise ValueError("a bug in the agent")
else:
    sys.exit(f"unknown mode {mode}")
