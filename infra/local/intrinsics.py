"""CloudFormation's YAML and its intrinsic functions, as far as a template of functions, APIs and queues uses them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.local.processes import LocalCloudError

_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:secretsmanager:(.+?):SecretString:([^:}]+)(?::[^}]*)?\}\}")
_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")


class TemplateError(LocalCloudError):
    """The template cannot be read or resolved."""


class _NoValue:
    """What `AWS::NoValue` stands for: the property is left out."""


NO_VALUE = _NoValue()


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags turned into their long forms."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]  # the third and last kind of node
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)


def load_yaml(path: Path) -> dict[str, Any]:
    """The template's document, short tags in their long form.

    Raises TemplateError when it is missing or not YAML.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  # derived from SafeLoader
    except OSError as error:
        raise TemplateError(f"{path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise TemplateError(f"{path} is not YAML: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"{path} has no Resources")
    return document


class Resolver:
    """Resolves values of one template.

    `ref` and `get_att` answer for resources (logical id, attribute) and return None for what they do not know;
    `secret(id, json key)` answers dynamic references.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        parameters: Mapping[str, str],
        *,
        pseudo: Mapping[str, str],
        ref: Callable[[str], str | None],
        get_att: Callable[[str, str], str | None],
        secret: Callable[[str, str], str],
    ) -> None:
        self._conditions = document.get("Conditions", {})
        self._mappings = document.get("Mappings", {})
        self._pseudo = pseudo
        self._parameters = _parameter_values(document.get("Parameters", {}), parameters)
        self._ref_resource, self._att_resource, self._secret = ref, get_att, secret
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::If": self._if,
            "Fn::Equals": lambda pair: self.resolve(pair[0]) == self.resolve(pair[1]),
            "Fn::Not": lambda items: not self.resolve(items[0]),
            "Fn::And": lambda items: all(self.resolve(item) for item in items),
            "Fn::Or": lambda items: any(self.resolve(item) for item in items),
            "Fn::Sub": self._sub,
            "Fn::GetAtt": lambda pair: self._get_att(*(self.resolve(part) for part in pair)),
            "Fn::Join": lambda pair: str(pair[0]).join(str(item) for item in self.resolve(pair[1])),
            "Fn::Select": lambda pair: self.resolve(pair[1])[int(self.resolve(pair[0]))],
            "Fn::Split": lambda pair: str(self.resolve(pair[1])).split(pair[0]),
            "Fn::FindInMap": lambda keys: self._find_in_map(*(self.resolve(key) for key in keys)),
        }

    def resolve(self, value: Any) -> Any:
        """The value with every intrinsic function and dynamic reference replaced; TemplateError for unknown ones."""
        if isinstance(value, dict):
            if len(value) == 1:
                (name, argument), *_ = value.items()
                if name in self._functions and (name != "Condition" or isinstance(argument, str)):
                    return self._functions[name](argument)
                if name.startswith("Fn::"):
                    raise TemplateError(f"the local cloud does not know {name}")
            resolved = {key: self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not NO_VALUE}
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        return self._dynamic(value) if isinstance(value, str) else value

    def condition(self, name: str) -> bool:
        """Whether a named condition of the template holds."""
        if name not in self._conditions:
            raise TemplateError(f"the template has no condition {name}")
        return bool(self.resolve(self._conditions[name]))

    def _dynamic(self, text: str) -> str:
        return _DYNAMIC_REFERENCE.sub(lambda match: self._secret(match[1], match[2]), text)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        for known in (self._pseudo, self._parameters):
            if name in known:
                return known[name]
        found = self._ref_resource(name)
        if found is None:
            raise TemplateError(f"Ref {name}: no parameter or resource of that name")
        return found

    def _get_att(self, name: str, attribute: str) -> str:
        found = self._att_resource(name, attribute)
        if found is None:
            raise TemplateError(f"GetAtt {name}.{attribute}: no resource of that name")
        return found

    def _if(self, parts: list[Any]) -> Any:
        return self.resolve(parts[1] if self.condition(parts[0]) else parts[2])

    def _sub(self, argument: Any) -> str:
        text, own = argument if isinstance(argument, list) else (argument, {})

        def replace(match: re.Match[str]) -> str:
            literal, name = match[1], match[2]
            if literal:
                return f"${{{name}}}"
            if name in own:
                return str(self.resolve(own[name]))
            return self._get_att(*name.split(".", 1)) if "." in name else str(self._ref(name))

        return self._dynamic(_PLACEHOLDER.sub(replace, text))

    def _find_in_map(self, name: str, first: str, second: str) -> Any:
        try:
            return self._mappings[name][first][second]
        except KeyError:
            raise TemplateError(f"FindInMap {name}.{first}.{second}: no such entry") from None


def _parameter_values(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise TemplateError(f"the template has no parameter {', '.join(unknown)}")
    values: dict[str, Any] = {}
    for name, declaration in declared.items():
        value = given.get(name, declaration.get("Default"))
        if value is None:
            raise TemplateError(f"the template's parameter {name} needs a value")
        text = str(value)
        is_list = "List" in declaration.get("Type", "")
        values[name] = [item for item in text.split(",") if item] if is_list else text
    return values
