"""Tells which code ran."""
import json
import os

with open(os.environ["WFLO_OUTPUT"], "w", encoding="utf-8") as file:
    json.dump({"by": "before", "acted": os.environ["ACTED"]}, file)
