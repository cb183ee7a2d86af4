"""The `anthropic` package."""

import os

from anthropic import Anthropic

from result import MAX_TOKENS, TOOL_NAME, TOOL_RESULT, TOOL_SCHEMA, TOOL_TEXT, answer, asked

MODEL = os.environ.get("MODEL", "claude-sonnet-4-5")
TOOLS = [{"name": TOOL_NAME, "description": TOOL_TEXT, "input_schema": TOOL_SCHEMA}]

mode, prompt = asked()
client = Anthropic()
messages = [{"role": "user", "content": prompt}]

if mode == "stream":
    with client.messages.stream(model=MODEL, max_tokens=MAX_TOKENS, messages=messages) as stream:
        text = "".join(stream.text_stream)
        usage = stream.get_final_message().usage
    answer(text, [], [usage.model_dump()])
else:
    options = {"tools": TOOLS} if mode == "tool" else {}
    used, called = [], []
    while True:
        message = client.messages.create(model=MODEL, max_tokens=MAX_TOKENS, messages=messages, **options)
        used.append(message.usage.model_dump())
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            break
        messages.append({"role": "assistant", "content": message.content})
        called += [{"name": call.name, "arguments": call.input} for call in calls]
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": TOOL_RESULT} for call in calls]
        messages.append({"role": "user", "content": results})
    answer("".join(block.text for block in message.content if block.type == "text"), called, used)
