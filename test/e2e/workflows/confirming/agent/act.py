import json
import os

with open(os.environ["WFLO_INPUT"]) as file:
    given = json.load(file)
with open(os.environ["WFLO_OUTPUT"], "w") as file:
    json.dump({"id": given["id"]}, file)
