"""The `google-genai` package."""

import os

from google import genai
from google.genai import types

from result import MAX_TOKENS, TOOL_NAME, TOOL_RESULT, TOOL_SCHEMA, TOOL_TEXT, answer, asked

MODEL = os.environ.get("MODEL", "gemini-2.5-flash")
TOOLS = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(name=TOOL_NAME, description=TOOL_TEXT, parameters_json_schema=TOOL_SCHEMA)
        ]
    )
]


def usage_of(response):
    return response.usage_metadata.model_dump(exclude_none=True) if response.usage_metadata else None


mode, prompt = asked()
client = genai.Client()
contents = [types.Content(role="user", parts=[types.Part(text=prompt)])]
config = types.GenerateContentConfig(
    max_output_tokens=MAX_TOKENS,
    tools=TOOLS if mode == "tool" else None,
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)

if mode == "stream":
    text, usage = "", None
    for chunk in client.models.generate_content_stream(model=MODEL, contents=contents, config=config):
        text += chunk.text or ""
        usage = usage_of(chunk) or usage
    answer(text, [], [usage])
else:
    used, called = [], []
    while True:
        response = client.models.generate_content(model=MODEL, contents=contents, config=config)
        used.append(usage_of(response))
        if not response.function_calls:
            break
        contents.append(response.candidates[0].content)
        called += [{"name": call.name, "arguments": call.args} for call in response.function_calls]
        parts = [
            types.Part.from_function_response(name=call.name, response={"result": TOOL_RESULT})
            for call in response.function_calls
        ]
        contents.append(types.Content(role="user", parts=parts))
    answer(response.text, called, used)
