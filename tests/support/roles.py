"""The template's roles as IAM would see them: grants resolved, the functions and queues that stand behind each."""

from dataclasses import dataclass, field, replace
from typing import Any

from infra.build.permissions import Grant, grants
from infra.local.intrinsics import Resolver


@dataclass
class Role:
    """One role of the expanded template: its grants, and whatever makes use of it."""

    name: str
    grants: set[Grant]
    functions: set[str] = field(default_factory=set)
    consumed: set[str] = field(default_factory=set)
    destinations: set[str] = field(default_factory=set)
    scheduled: set[tuple[str, str]] = field(default_factory=set)


def roles(expanded: dict[str, Any], resolver: Resolver) -> dict[str, Role]:
    """Every role, by logical id; references are resolved as the local cloud resolves the template's."""
    expanded = _without_aliases(expanded, expanded)
    found = {name: _role(name, body, expanded, resolver) for name, body in _of(expanded, "AWS::IAM::Role")}
    used = {name: found[_target(body["Role"])] for name, body in _of(expanded, "AWS::Lambda::Function")}
    for name, role in used.items():
        role.functions.add(name)
    for _, body in _of(expanded, "AWS::Lambda::EventSourceMapping"):
        used[_target(body["FunctionName"])].consumed.add(resolver.resolve(body["EventSourceArn"]))
    for _, body in _of(expanded, "AWS::Lambda::EventInvokeConfig"):
        destination = body["DestinationConfig"]["OnFailure"]["Destination"]
        used[_target(body["FunctionName"])].destinations.add(resolver.resolve(destination))
    for _, body in _of(expanded, "AWS::Scheduler::Schedule"):
        wanted = found[_target(body["Target"]["RoleArn"])].scheduled
        wanted.add(("lambda:InvokeFunction", resolver.resolve(body["Target"]["Arn"])))
        wanted.add(("sqs:SendMessage", resolver.resolve(body["Target"]["DeadLetterConfig"]["Arn"])))
    return found


def _role(name: str, body: dict[str, Any], expanded: dict[str, Any], resolver: Resolver) -> Role:
    """With the managed policies that it has under any condition."""
    named = {policy for policy, _ in _of(expanded, "AWS::IAM::ManagedPolicy")} & set(_references(body))
    managed = [expanded["Resources"][policy]["Properties"] for policy in sorted(named)]
    policies = resolver.resolve({"Policies": body.get("Policies", []), "Managed": managed})
    held = grants({"Policies": policies["Policies"]}, policies["Managed"])
    return Role(name, {replace(grant, resource=_arn(grant.resource)) for grant in held})


def _arn(resource: str) -> str:
    """A secret that is a parameter: its ARN on AWS, its name in the local cloud."""
    return resource if resource == "*" or resource.startswith("arn:") else f"arn:*:secret:{resource}-??????"


def _of(expanded: dict[str, Any], kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(name, body["Properties"]) for name, body in expanded["Resources"].items() if body["Type"] == kind]


def _without_aliases(value: Any, expanded: dict[str, Any]) -> Any:
    """References to an alias, which only the transform makes, as the ARN that they stand for."""
    if isinstance(value, list):
        return [_without_aliases(item, expanded) for item in value]
    if not isinstance(value, dict):
        return value
    target = expanded["Resources"].get(value["Ref"], {}) if value.keys() == {"Ref"} else {}
    if target.get("Type") == "AWS::Lambda::Alias":
        alias = target["Properties"]
        return {"Fn::Sub": f"${{{_target(alias['FunctionName'])}.Arn}}:{alias['Name']}"}
    return {name: _without_aliases(item, expanded) for name, item in value.items()}


def _target(reference: dict[str, Any]) -> str:
    """The logical id that a Ref, a GetAtt or an alias's ARN leads to."""
    if "Fn::Sub" in reference:
        return str(reference["Fn::Sub"][2:].partition(".")[0])
    return str(reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0])


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [str(value["Ref"])] if value.keys() == {"Ref"} else []
        return own + [name for item in value.values() for name in _references(item)]
    return [name for item in value for name in _references(item)] if isinstance(value, list) else []
