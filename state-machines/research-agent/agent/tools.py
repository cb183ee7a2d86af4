"""What the agent can do besides talking: search and read its library, and calculate."""

import ast
import json
import math
import operator
import os
import re

HITS = 3

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def function(name, description, properties):
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [
    function(
        "search",
        "Finds documents of the library by words. Returns ids, titles and how well each fits.",
        {"query": {"type": "string", "description": "A few words"}},
    ),
    function("read", "Reads one document of the library.", {"id": {"type": "string"}}),
    function(
        "calculate",
        "Calculates with numbers, + - * / and parentheses.",
        {"expression": {"type": "string", "description": "Such as 8 * 50 / 60 * 310"}},
    ),
]


class Library:
    def __init__(self, documents):
        self.documents = documents
        # In the order of reading, each once.
        self.was_read = []

    @classmethod
    def load(cls):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus.json")
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file))

    def search(self, query):
        words = [words_of(f"{document['title']} {document['text']}") for document in self.documents]
        scores = [score(set(words_of(query)), own, words) for own in words]
        ranked = sorted(zip(scores, self.documents), key=lambda pair: (-pair[0], pair[1]["id"]))
        return [
            {"id": document["id"], "title": document["title"], "score": round(points, 2)}
            for points, document in ranked[:HITS]
            if points > 0
        ]

    def read(self, identity):
        for document in self.documents:
            if document["id"] == identity:
                if document not in self.was_read:
                    self.was_read.append(document)
                return document
        return {"error": f"there is no document {identity}", "ids": [document["id"] for document in self.documents]}


def words_of(text):
    return re.findall(r"[a-z0-9]+", text.lower())


def score(query, own, words):
    """Rare words count for more."""
    return sum(
        own.count(word) * math.log(len(words) / sum(1 for each in words if word in each)) for word in query if word in own
    )


def calculate(expression):
    """Throws ValueError for anything but arithmetic."""
    if len(expression) > 200:
        raise ValueError("the expression is longer than 200 characters")
    return value_of(ast.parse(expression, mode="eval").body)


def value_of(node):
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](value_of(node.left), value_of(node.right))
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](value_of(node.operand))
    raise ValueError("only numbers, + - * / and parentheses are understood")


def run_tool(library, name, arguments):
    """What goes back to the model. Its mistakes are told to it, and do not end the agent."""
    try:
        given = json.loads(arguments)
        if name == "search":
            return library.search(str(given["query"]))
        if name == "read":
            return library.read(str(given["id"]))
        if name == "calculate":
            return {"result": calculate(str(given["expression"]))}
        return {"error": f"there is no tool {name}"}
    except (KeyError, TypeError, ValueError, SyntaxError, ZeroDivisionError, RecursionError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
