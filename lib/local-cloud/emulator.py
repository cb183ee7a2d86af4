"""Starts the pinned emulator (requirements.txt), corrected in the two points that its settings do not reach.

Every correction first looks for what it replaces: another version of the emulator ends here instead of going on
uncorrected.
"""

import json
import sys

from ministack import app
from ministack.core import iam_actions


def replace(module, name, make):
    original = getattr(module, name, None)
    if not callable(original):
        sys.exit(f"this ministack has no {module.__name__}.{name}: adapt {__file__} to it")
    setattr(module, name, make(original))


# With TLS the emulator also binds port 443 wherever it may, which only helps clients of Cognito token issuers, and makes
# two emulators of one machine collide. This is the question that it asks before it does so, and asks nowhere else.
replace(app, "_port_is_bindable", lambda _original: lambda host, port: False)


def path_as_resource(original):
    """ssm:GetParametersByPath is checked against `*`, where AWS takes the ARN of the path: a grant of one path alone
    would be refused."""

    def resource_arn(service, method, path, headers, body, query_params, region, account_id):
        if service == "ssm":
            try:
                wanted = json.loads(body or b"{}")
            except ValueError:
                wanted = None
            if isinstance(wanted, dict) and isinstance(wanted.get("Path"), str):
                return f"arn:aws:ssm:{region}:{account_id}:parameter/{wanted['Path'].lstrip('/')}"
        return original(service, method, path, headers, body, query_params, region, account_id)

    return resource_arn


replace(iam_actions, "extract_resource_arn", path_as_resource)

app.main()
