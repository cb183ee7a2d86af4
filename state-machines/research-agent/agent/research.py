"""Answers a question from a small library, with citations: an agent with tools, on the `openai` package.

Input:  {"question": str, "model": str, "maxTurns": int, "maxOutputTokens": int}
Output: see the schema of `research` in workflow.ts

The model plans, calls tools (`search`, `read`, `calculate`) and answers. When the budget ends first, what was read by
then is the output: the agent does not fail, and does not try again.
"""

import json
import os

import openai

from tools import TOOLS, Library, run_tool

SYSTEM = (
    "You answer questions about Lantern Ferries from its library, and from nothing else. Say first, in one sentence, "
    "how you will find the answer. Search the library, read the documents that look useful, and calculate with the "
    "tool instead of by yourself. Then answer in a few sentences. Put the id of the document in brackets after each "
    "fact, like [fleet]. If the library does not hold the answer, say so."
)

# HTTP: the gateway refuses a call that could cost more than is left.
BUDGET_EXHAUSTED = 402


def complete(client, task, messages):
    # A ceiling makes the worst case of a call small, and so lets more calls fit into what is left of a budget.
    return client.chat.completions.create(
        model=task["model"],
        messages=messages,
        tools=TOOLS,
        max_completion_tokens=task["maxOutputTokens"],
    )


def research(client, library, task, log=print):
    """The output of the step."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": task["question"]}]
    used = []
    for turn in range(1, task["maxTurns"] + 1):
        try:
            message = complete(client, task, messages).choices[0].message
        except openai.APIStatusError as error:
            if error.status_code != BUDGET_EXHAUSTED:
                raise
            log(f"turn {turn}: refused: {error.message}")
            return output("out_of_budget", "", library, used, turn - 1, refusal=error.message)
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            log(f"turn {turn}: answered")
            return output("answered", message.content or "", library, used, turn)
        for call in message.tool_calls:
            result = run_tool(library, call.function.name, call.function.arguments)
            used.append(call.function.name)
            log(f"turn {turn}: {call.function.name} {call.function.arguments}")
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    return output("out_of_turns", "", library, used, task["maxTurns"])


def output(outcome, answer, library, used, turns, refusal=None):
    """Only what was read can be cited: a document that the agent names without having read it is not a source."""
    cited = [document for document in library.was_read if f"[{document['id']}]" in answer]
    return {
        "outcome": outcome,
        "answer": answer,
        "citations": [{"id": document["id"], "title": document["title"]} for document in cited],
        "read": [document["id"] for document in library.was_read],
        "toolCalls": used,
        "turns": turns,
        **({} if refusal is None else {"refusal": refusal}),
    }


if __name__ == "__main__":
    with open(os.environ["WFLO_INPUT"], encoding="utf-8") as file:
        given = json.load(file)
    # Address and key come from the environment.
    result = research(openai.OpenAI(), Library.load(), given)
    with open(os.environ["WFLO_OUTPUT"], "w", encoding="utf-8") as file:
        json.dump(result, file)
