"""The `openai` package, chat completions."""

import json
import os

from openai import OpenAI

from result import MAX_TOKENS, TOOL_NAME, TOOL_RESULT, TOOL_SCHEMA, TOOL_TEXT, answer, asked

MODEL = os.environ.get("MODEL", "gpt-4o-mini")
TOOLS = [{"type": "function", "function": {"name": TOOL_NAME, "description": TOOL_TEXT, "parameters": TOOL_SCHEMA}}]

mode, prompt = asked()
client = OpenAI()
messages = [{"role": "user", "content": prompt}]

if mode == "stream":
    text, usage = "", None
    stream = client.chat.completions.create(
        model=MODEL,
        messages=messages,
        max_tokens=MAX_TOKENS,
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            text += chunk.choices[0].delta.content
        if chunk.usage is not None:
            usage = chunk.usage
    answer(text, [], [usage.model_dump() if usage else None])
else:
    options = {"tools": TOOLS} if mode == "tool" else {}
    used, called = [], []
    while True:
        completion = client.chat.completions.create(model=MODEL, messages=messages, max_tokens=MAX_TOKENS, **options)
        used.append(completion.usage.model_dump() if completion.usage else None)
        message = completion.choices[0].message
        if not message.tool_calls:
            break
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            called.append({"name": call.function.name, "arguments": json.loads(call.function.arguments)})
            messages.append({"role": "tool", "tool_call_id": call.id, "content": TOOL_RESULT})
    answer(message.content, called, used)
