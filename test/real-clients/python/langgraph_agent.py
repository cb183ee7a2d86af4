"""The `langgraph` package with `langchain-openai`: an agent as its documentation builds one."""

import os

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from result import MAX_TOKENS, TOOL_RESULT, answer, asked


@tool
def lookup(word: str) -> str:
    """Looks a word up"""
    return TOOL_RESULT


mode, prompt = asked()
model = ChatOpenAI(model=os.environ.get("MODEL", "gpt-4o-mini"), max_tokens=MAX_TOKENS, stream_usage=True)
bound = model.bind_tools([lookup]) if mode == "tool" else model

graph = StateGraph(MessagesState)
graph.add_node("model", lambda state: {"messages": [bound.invoke(state["messages"])]})
graph.add_node("tools", ToolNode([lookup]))
graph.add_edge(START, "model")
graph.add_conditional_edges("model", tools_condition)
graph.add_edge("tools", "model")
agent = graph.compile()

start = {"messages": [{"role": "user", "content": prompt}]}
if mode == "stream":
    text, usage = "", None
    for chunk, _ in agent.stream(start, stream_mode="messages"):
        if isinstance(chunk, AIMessageChunk):
            text += chunk.text if isinstance(chunk.text, str) else chunk.text()
            usage = chunk.usage_metadata or usage
    answer(text, [], [usage])
else:
    messages = agent.invoke(start)["messages"]
    answers = [message for message in messages if isinstance(message, AIMessage)]
    called = [{"name": call["name"], "arguments": call["args"]} for each in answers for call in each.tool_calls]
    answer(answers[-1].content, called, [each.usage_metadata for each in answers])
