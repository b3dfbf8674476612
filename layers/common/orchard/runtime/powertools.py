"""Powertools' HTTP resolver, without the resolvers and event sources that an HTTP API never meets.

The `__init__` of `event_handler` imports every resolver (the AppSync one brings asyncio), that of `data_classes` every
event source: a fifth of a function's import time. So both packages are entered without running their `__init__`, which
runs after all if anybody asks for a name that is not there yet. See docs/decisions/0006-imports-on-a-diet.md.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

_ROOT = "aws_lambda_powertools"
# What Powertools' own api_gateway module takes from the package of event sources, by the module that defines it.
_EVENT_SOURCES = {
    "ALBEvent": "alb_event",
    "APIGatewayProxyEvent": "api_gateway_proxy_event",
    "APIGatewayProxyEventV2": "api_gateway_proxy_event",
    "BedrockAgentEvent": "bedrock_agent_event",
    "LambdaFunctionUrlEvent": "lambda_function_url_event",
    "VPCLatticeEvent": "vpc_lattice",
    "VPCLatticeEventV2": "vpc_lattice",
}


class _Package(ModuleType):
    """A package whose `__init__` waits until a name is asked for that no known submodule defines."""

    known: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self.known:
            return getattr(importlib.import_module(f"{self.__name__}.{self.known[name]}"), name)
        if importlib.util.find_spec(f"{self.__name__}.{name}") is not None:
            return importlib.import_module(f"{self.__name__}.{name}")
        return self._run_init(name)

    def _run_init(self, name: str) -> Any:
        self.__class__ = ModuleType  # type: ignore[assignment]  # it was one all along
        if self.__spec__ is None or self.__spec__.loader is None:
            raise ImportError(self.__name__)
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def _enter(name: str, known: dict[str, str]) -> None:
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ImportError(name)
    package = _Package(name)
    package.known = known
    package.__spec__, package.__loader__, package.__package__ = spec, spec.loader, name
    package.__file__, package.__path__ = spec.origin, list(spec.submodule_search_locations or [])
    sys.modules[name] = package


_enter(f"{_ROOT}.utilities.data_classes", _EVENT_SOURCES)
_enter(f"{_ROOT}.event_handler", {"ApiGatewayResolver": "api_gateway", "Response": "api_gateway"})

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayHttpResolver, Response  # noqa: E402
from aws_lambda_powertools.event_handler.depends import Depends  # noqa: E402
from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError  # noqa: E402
from aws_lambda_powertools.event_handler.openapi.exceptions import (  # noqa: E402
    RequestUnsupportedContentType,
    RequestValidationError,
)
from aws_lambda_powertools.event_handler.openapi.params import Path, Query  # noqa: E402
from aws_lambda_powertools.event_handler.request import Request  # noqa: E402

__all__ = [
    "APIGatewayHttpResolver",
    "Depends",
    "NotFoundError",
    "Path",
    "Query",
    "Request",
    "RequestUnsupportedContentType",
    "RequestValidationError",
    "Response",
    "ServiceError",
]
