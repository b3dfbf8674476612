"""The functions of a bundle, run from their artefacts, behind the same `invoke` as the local cloud's own service."""

import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from infra.build.artefacts import Artefacts
from infra.lambda_runtime.environment import CallTimedOut, ExecutionEnvironment, InitError
from infra.local.bundle import Bundle, Function
from infra.local.lambda_service import Outcome


class BuiltFunctions:
    """A context manager. Environments start at need, one per call under way, and are kept warm up to a number.

    `surroundings` are variables for every function beside its own. Each function signs its AWS calls with a key that
    carries its name, as each role has its own on AWS: `key_of` tells them apart in what a recorder saw.
    """

    def __init__(
        self,
        bundle: Bundle,
        artefacts: Artefacts,
        surroundings: Mapping[str, str],
        logs: Path,
        *,
        kept: int = 12,
        observed: bool = False,
    ) -> None:
        self.bundle, self._artefacts, self._surroundings = bundle, artefacts, dict(surroundings)
        self._logs, self._kept, self._observed = logs, kept, observed
        self._lock = threading.Lock()
        self._idle: list[ExecutionEnvironment] = []
        self._busy: set[ExecutionEnvironment] = set()
        logs.mkdir(parents=True, exist_ok=True)

    def invoke(self, name: str, payload: str, *, limit_seconds: float | None = None) -> Outcome:
        """Call a function with a JSON payload. Raises LocalCloudError for an unknown one."""
        function = self.bundle.function(name)
        environment = self._taken(function)
        try:
            reply = environment.invoke(payload, seconds=min(function.timeout, limit_seconds or function.timeout))
        except (CallTimedOut, InitError) as error:
            self._drop(environment)
            return Outcome(str(error), f"{type(error).__name__}: {error}", isinstance(error, CallTimedOut))
        self._give_back(environment)
        return Outcome(reply.payload, None if reply.error_type is None else f"{reply.error_type}: {reply.payload}")

    def environment(self, name: str) -> ExecutionEnvironment:
        """A new environment for the caller to use and to close."""
        function = self.bundle.function(name)
        log = self._logs / f"{function.short_name}.log"
        return ExecutionEnvironment(function, self._artefacts, self.variables(function), log, observed=self._observed)

    def close(self) -> None:
        """End every environment."""
        for environment in [*self._idle, *self._busy]:
            environment.close()
        self._idle.clear()
        self._busy.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def variables(self, function: Function) -> dict[str, str]:
        """What a function finds in its environment beside what Lambda itself sets."""
        identity = {"AWS_ACCESS_KEY_ID": key_of(function), "AWS_SESSION_TOKEN": secrets.token_hex(16)}
        return {**self._surroundings, **identity, **function.environment}

    def _taken(self, function: Function) -> ExecutionEnvironment:
        with self._lock:
            warm = next((found for found in self._idle if found.function == function and found.alive), None)
            if warm:
                self._idle.remove(warm)
                self._busy.add(warm)
                return warm
        started = self.environment(function.name)
        with self._lock:
            self._busy.add(started)
        return started

    def _give_back(self, environment: ExecutionEnvironment) -> None:
        with self._lock:
            self._busy.discard(environment)
            self._idle.append(environment)
            surplus = self._idle[: -self._kept]
            del self._idle[: -self._kept]
        for old in surplus:
            old.close()

    def _drop(self, environment: ExecutionEnvironment) -> None:
        with self._lock:
            self._busy.discard(environment)
        environment.close()


def key_of(function: Function) -> str:
    """The AWS access key id that stands for a function's credentials."""
    return f"ASIA{function.name}"
