"""The `openai` package, responses."""

import json
import os

from openai import OpenAI

from result import MAX_TOKENS, TOOL_NAME, TOOL_RESULT, TOOL_SCHEMA, TOOL_TEXT, answer, asked

MODEL = os.environ.get("MODEL", "gpt-4o-mini")
TOOLS = [{"type": "function", "name": TOOL_NAME, "description": TOOL_TEXT, "parameters": TOOL_SCHEMA, "strict": False}]

mode, prompt = asked()
client = OpenAI()

if mode == "stream":
    with client.responses.stream(model=MODEL, input=prompt, max_output_tokens=MAX_TOKENS) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    answer(text, [], [final.usage.model_dump() if final.usage else None])
else:
    options = {"tools": TOOLS} if mode == "tool" else {}
    items = [{"role": "user", "content": prompt}]
    used, called = [], []
    while True:
        response = client.responses.create(model=MODEL, input=items, max_output_tokens=MAX_TOKENS, **options)
        used.append(response.usage.model_dump() if response.usage else None)
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            break
        items += [item.model_dump(exclude_none=True) for item in response.output]
        for call in calls:
            called.append({"name": call.name, "arguments": json.loads(call.arguments)})
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": TOOL_RESULT})
    answer(response.output_text, called, used)
