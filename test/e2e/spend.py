"""Calls a model as often as its input says, one after the other or at once, and writes down what became of each call."""
import concurrent.futures
import json
import os
import urllib.error
import urllib.request

with open(os.environ["WFLO_INPUT"], encoding="utf-8") as file:
    asked = json.load(file)

BODY = json.dumps(
    {
        "model": "scripted-1",
        "messages": [{"role": "user", "content": asked["content"]}],
        "max_completion_tokens": asked["maxTokens"],
    }
).encode()


def call(_):
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        data=BODY,
        headers={"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            usage = json.load(answer)["usage"]
            return {"status": answer.status, "code": "", "usage": usage}
    except urllib.error.HTTPError as error:
        body = json.loads(error.read())
        return {
            "status": error.code,
            "code": error.headers.get("x-wflo-error", ""),
            "retry": error.headers.get("x-should-retry", ""),
            "error": body["error"],
        }


def write(results):
    with open(os.environ["WFLO_OUTPUT"], "w", encoding="utf-8") as file:
        json.dump({"results": results}, file)


if asked["parallel"]:
    with concurrent.futures.ThreadPoolExecutor(max_workers=asked["calls"]) as pool:
        results = list(pool.map(call, range(asked["calls"])))
    write(results)
else:
    results = []
    for number in range(asked["calls"]):
        results.append(call(number))
        # Also when it is ended in the middle: what it knows so far.
        write(results)
