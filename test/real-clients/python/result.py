"""What all scripts of this folder share: how they are asked, and how they answer.

`python <script>.py <plain|stream|tool> [prompt]` prints {"text", "toolCalls", "usage"}: the usage of each call in the
client's own words. In a sandbox the prompt is in the input, and the result goes to the output.
"""

import json
import os
import sys

TOOL_NAME = "lookup"
TOOL_TEXT = "Looks a word up"
TOOL_SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string"}},
    "required": ["word"],
}
TOOL_RESULT = "a word"
MAX_TOKENS = 200


def asked():
    """Mode and prompt."""
    mode = sys.argv[1]
    if mode not in ("plain", "stream", "tool"):
        raise SystemExit(f"unknown mode {mode}")
    if len(sys.argv) > 2:
        return mode, sys.argv[2]
    if "WFLO_INPUT" in os.environ:
        with open(os.environ["WFLO_INPUT"], encoding="utf-8") as file:
            return mode, json.load(file)["prompt"]
    return mode, "Say something."


def answer(text, tool_calls, usage):
    result = {"text": text, "toolCalls": tool_calls, "usage": usage}
    print(json.dumps(result, default=str))
    if "WFLO_OUTPUT" in os.environ:
        with open(os.environ["WFLO_OUTPUT"], "w", encoding="utf-8") as file:
            json.dump(result, file, default=str)
