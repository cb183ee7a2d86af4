"""Asks each URL of the input once and tells what came back: the HTTP status, or 0 and why there was no answer."""

import json
import os
import urllib.error
import urllib.request


def ask(url: str) -> dict:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return {"url": url, "status": answer.status, "said": answer.read(300).decode(errors="replace")}
    except urllib.error.HTTPError as refusal:
        return {"url": url, "status": refusal.code, "said": refusal.read(300).decode(errors="replace")}
    except (urllib.error.URLError, OSError) as unreachable:
        return {"url": url, "status": 0, "said": str(unreachable)[:300]}


with open(os.environ["WFLO_INPUT"], encoding="utf-8") as file:
    urls = json.load(file)["urls"]
with open(os.environ["WFLO_OUTPUT"], "w", encoding="utf-8") as file:
    json.dump({"answers": [ask(url) for url in urls]}, file)
