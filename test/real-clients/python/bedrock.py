"""The `boto3` package: Converse of Bedrock."""

import os

import boto3

from result import MAX_TOKENS, TOOL_NAME, TOOL_RESULT, TOOL_SCHEMA, TOOL_TEXT, answer, asked

MODEL = os.environ.get("MODEL", "amazon.nova-lite-v1:0")
TOOLS = [{"toolSpec": {"name": TOOL_NAME, "description": TOOL_TEXT, "inputSchema": {"json": TOOL_SCHEMA}}}]

mode, prompt = asked()
client = boto3.client("bedrock-runtime")
messages = [{"role": "user", "content": [{"text": prompt}]}]
options = {"inferenceConfig": {"maxTokens": MAX_TOKENS}}

if mode == "stream":
    text, usage = "", None
    for event in client.converse_stream(modelId=MODEL, messages=messages, **options)["stream"]:
        text += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
        usage = event.get("metadata", {}).get("usage", usage)
    answer(text, [], [usage])
else:
    if mode == "tool":
        options["toolConfig"] = {"tools": TOOLS}
    used, called = [], []
    while True:
        response = client.converse(modelId=MODEL, messages=messages, **options)
        used.append(response["usage"])
        message = response["output"]["message"]
        calls = [block["toolUse"] for block in message["content"] if "toolUse" in block]
        if not calls:
            break
        messages.append(message)
        called += [{"name": call["name"], "arguments": call["input"]} for call in calls]
        results = [
            {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": TOOL_RESULT}]}} for call in calls
        ]
        messages.append({"role": "user", "content": results})
    answer("".join(block.get("text", "") for block in message["content"]), called, used)
