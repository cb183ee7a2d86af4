"""Greets the person named in the input. Shows the whole contract between a sandbox and its agent."""

import json
import os


def main() -> None:
    # The step's `input`, as the workflow declares it.
    with open(os.environ["WFLO_INPUT"], encoding="utf-8") as file:
        name = json.load(file)["name"]

    message = f"Hello, {name}!"
    # What an agent prints becomes the log of its step.
    print(message, flush=True)

    # The step's output; it must fit the declared schema.
    with open(os.environ["WFLO_OUTPUT"], "w", encoding="utf-8") as file:
        json.dump({"message": message}, file, ensure_ascii=False)


if __name__ == "__main__":
    main()
