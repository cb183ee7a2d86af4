"""Starts the pinned emulator (requirements.txt), corrected where its settings do not reach: the port 443 that it takes,
which resource and which condition keys a call is checked against, and what it tells of a task definition. Without the
second, grants that are right and narrow on AWS would be refused here, and would have to be widened there; without the
third, a container would get another user, other capabilities and other limits than its task definition says. And a
state that waits for a task token fails where the function that was to hand the token on fails. Where it is asked to, it
also writes down what roles call.

A correction first looks for what it replaces: with another version of the emulator this ends instead of going on
uncorrected. The resources and keys are those of AWS's service authorization reference.
"""

import json
import os
import sys
import threading

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam, stepfunctions
from ministack.services.cloudformation import provisioners


def replace(module, name, make):
    original = getattr(module, name, None)
    if not callable(original):
        sys.exit(f"this ministack has no {module.__name__}.{name}: adapt {__file__} to it")
    setattr(module, name, make(original))


def fields(body):
    """The request of a JSON protocol; empty where it is not one."""
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def without_port_443(_original):
    """With TLS the emulator also binds port 443 wherever it may. That helps only clients of Cognito token issuers, and
    makes two emulators of one machine collide. This is the question that it asks before, and asks nowhere else."""
    return lambda host, port: False


def cluster_name(request):
    return str(request.get("cluster") or "default").split("/")[-1]


LOG_STREAM_ACTIONS = (
    "CreateLogStream",
    "DeleteLogStream",
    "DescribeLogStreams",
    "FilterLogEvents",
    "GetLogEvents",
    "PutLogEvents",
)


# The execution that each thread moves, and the state machine that each task token is of.
moving = threading.local()
machine_of_token = {}


def aws_resource(action, request, region, account_id):
    """The ARN that AWS checks this action against; None where the emulator's own is right."""
    if action.startswith("SendTask"):
        # The emulator: `*`. AWS: the state machine that waits. (For a token that nobody knows it answers InvalidToken.)
        unknown = f"arn:aws:states:{region}:{account_id}:stateMachine:unknown"
        return machine_of_token.get(request.get("taskToken"), unknown)
    if action in ("GetParameters", "GetParametersByPath"):
        # The emulator: `*`. (Of several names the first is checked; AWS checks all.)
        names = [request.get("Path")] if action == "GetParametersByPath" else request.get("Names")
        if isinstance(names, list) and names and isinstance(names[0], str):
            return f"arn:aws:ssm:{region}:{account_id}:parameter/{names[0].lstrip('/')}"
    if action in LOG_STREAM_ACTIONS and isinstance(request.get("logGroupName"), str):
        # The emulator: the group without a tail, which the `…:log-group:<name>:*` of every policy does not match.
        stream = request.get("logStreamName") or ""
        return f"arn:aws:logs:{region}:{account_id}:log-group:{request['logGroupName']}:log-stream:{stream}"
    ecs = f"arn:aws:ecs:{region}:{account_id}"
    # The emulator, for all of these: the cluster. (Of several tasks the first is checked; AWS checks all.)
    if action in ("DescribeTasks", "StopTask"):
        tasks = request.get("tasks") if action == "DescribeTasks" else [request.get("task")]
        if isinstance(tasks, list) and tasks and isinstance(tasks[0], str):
            if tasks[0].startswith("arn:"):
                return tasks[0]
            return f"{ecs}:task/{cluster_name(request)}/{tasks[0]}"
    if action == "ListTasks":
        return f"{ecs}:container-instance/{cluster_name(request)}/*"
    return None


def with_aws_resources(original):
    def extract_resource_arn(service, method, path, headers, body, query_params, region, account_id):
        if service in ("ssm", "ecs", "logs", "states"):
            action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
            resource = aws_resource(action, fields(body), region, account_id)
            if resource is not None:
                return resource
        return original(service, method, path, headers, body, query_params, region, account_id)

    return extract_resource_arn


def with_ecs_cluster(original):
    """The condition key `ecs:cluster`, which the emulator does not know."""

    def request_tag_context(service, iam_action, body, query_params):
        context = original(service, iam_action, body, query_params)
        if service != "ecs":
            return context
        cluster = str(fields(body).get("cluster") or "default")
        if not cluster.startswith("arn:"):
            from ministack.core.responses import get_region

            cluster = f"arn:aws:ecs:{get_region()}:{get_account_id()}:cluster/{cluster}"
        return {**context, "ecs:cluster": cluster}

    return request_tag_context


def camel_case(value):
    """As ECS names what CloudFormation names with a capital."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: camel_case(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [camel_case(inner) for inner in value]
    return value


def with_inner_names(original):
    """The emulator stores these of a template as they are, so DescribeTaskDefinition would tell none of them."""

    def normalize_container_defs(definitions):
        return [
            {**each, **{name: camel_case(each[name]) for name in ("ulimits", "linuxParameters") if name in each}}
            for each in original(definitions)
        ]

    return normalize_container_defs


def remembering_execution(original):
    def add_event(execution, *arguments, **options):
        moving.execution = execution
        return original(execution, *arguments, **options)

    return add_event


def remembering_machine(original):
    def invoke_with_callback(resource, input_data, token, state_def):
        machine_of_token[token] = moving.execution.get("stateMachineArn")
        moving.token = token
        try:
            return original(resource, input_data, token, state_def)
        finally:
            # The machine stays known: of a state that waits no more AWS says so, to whoever may resume its machine.
            moving.token = None

    return invoke_with_callback


def failing_where_the_request_fails(original):
    """The emulator goes on waiting for a token that a failed function never handed on. On AWS the state fails."""

    def call_lambda(func_ref, event):
        try:
            return original(func_ref, event)
        except stepfunctions._ExecutionError as error:
            waiting = stepfunctions._task_tokens.get(getattr(moving, "token", None) or "")
            if waiting:
                waiting["error"] = {"Error": error.error, "Cause": error.cause}
                waiting["event"].set()
            raise

    return call_lambda


# The condition keys of the simulation that is going on.
simulated = {}


def reading_context_entries(original):
    """The emulator simulates without the condition keys of the request: what is granted under a condition is refused."""

    def extract_simulate_params(p):
        simulated.clear()
        for number in range(1, 1000):
            entry = f"ContextEntries.member.{number}"
            key = iam._p(p, f"{entry}.ContextKeyName")
            if not key:
                break
            simulated[key.lower()] = iam._p(p, f"{entry}.ContextKeyValues.member.1")
        return original(p)

    return extract_simulate_params


def with_context_entries(original):
    def build_simulate_results(*arguments):
        evaluate = iam_evaluator.evaluate

        def evaluate_in_context(context, *policies):
            context.service_context.update(simulated)
            return evaluate(context, *policies)

        # It is looked up while the results are built, and nothing else runs until they are.
        iam_evaluator.evaluate = evaluate_in_context
        try:
            return original(*arguments)
        finally:
            iam_evaluator.evaluate = evaluate

    return build_simulate_results


def recording_calls(path):
    """Appends each call that a role makes to a file, once, one JSON object a line: here, where its policies are asked, a
    transaction is already its items and a presigned URL the role that signed it. The emulator's CloudTrail has neither,
    and forgets all but the last ten thousand."""

    def with_recording(original):
        file = open(path, "a", encoding="utf-8")
        written = set()

        def enforce(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
            # Forgotten once it is checked.
            signed = iam_evaluator._signed_request.get()
            denied = original(access_key_id, iam_action, service, region, resource_arn, service_context)
            if isinstance(denied, iam_evaluator.AuthError):
                return denied
            caller = iam_evaluator.resolve_credential(access_key_id or "", get_account_id())
            if getattr(caller, "principal_type", None) == "AssumedRole":
                call = {
                    "role": caller.principal_arn.split("/")[-2],
                    "action": iam_action,
                    "resource": resource_arn,
                    "presigned": signed is not None and signed.presigned,
                    "allowed": denied is None,
                }
                line = json.dumps(call)
                if line not in written:
                    written.add(line)
                    file.write(f"{line}\n")
                    file.flush()
            return denied

        return enforce

    return with_recording


replace(app, "_port_is_bindable", without_port_443)
replace(iam_actions, "extract_resource_arn", with_aws_resources)
replace(iam_actions, "request_tag_context", with_ecs_cluster)
replace(stepfunctions, "_add_event", remembering_execution)
replace(stepfunctions, "_invoke_with_callback", remembering_machine)
replace(stepfunctions, "_call_lambda", failing_where_the_request_fails)
replace(iam, "_extract_simulate_params", reading_context_entries)
replace(iam, "_build_simulate_results_real", with_context_entries)
replace(provisioners, "_normalize_container_defs", with_inner_names)
if os.environ.get("WFLO_RECORD_CALLS"):
    replace(iam_evaluator, "enforce", recording_calls(os.environ["WFLO_RECORD_CALLS"]))

app.main()
