"""One Lambda execution environment: a process of the runtime client with one function, and the API that feeds it."""

import contextlib
import json
import os
import queue
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.build.artefacts import Artefacts
from infra.lambda_runtime.runtime_api import Invocation, Reply, RuntimeApi
from infra.local.bundle import Function

_INIT_SECONDS = 60.0
_WITNESS = Path(__file__).with_name("observed.py")


@dataclass(frozen=True, slots=True)
class Observation:
    """Something that the process did: kind is module, compile, write, connect or process; `at` in monotonic seconds."""

    at: float
    kind: str
    what: str


class InitError(Exception):
    """The function could not be loaded; the text is the runtime client's report, or the end of the log."""


class CallTimedOut(Exception):
    """The call took longer than the function may."""


class ExecutionEnvironment:
    """A context manager. The process sees only what Lambda gives: its folder, the layers, its variables.

    With `observed`, `observations` fills with what the process does. Output goes to the file `log`.
    """

    def __init__(
        self,
        function: Function,
        artefacts: Artefacts,
        variables: Mapping[str, str],
        log: Path,
        *,
        observed: bool = False,
    ) -> None:
        self.function, self.observations = function, list[Observation]()
        self.calls = 0
        self.cold_seconds: float | None = None
        self._log_path = log
        self._api = RuntimeApi()
        self.started_at = time.perf_counter()
        with log.open("ab") as output:
            self._process = self._start(artefacts, variables, output.fileno(), observed=observed)
        threading.Thread(target=self._await_end, daemon=True).start()

    def _start(
        self, artefacts: Artefacts, variables: Mapping[str, str], output: int, *, observed: bool
    ) -> subprocess.Popen[bytes]:
        # -S: an interpreter's own site-packages are not what Lambda has.
        command = [str(artefacts.python), "-S"]
        reader, writer = os.pipe()
        command += [str(_WITNESS), str(writer)] if observed else ["-m", "awslambdaric"]
        environment = _variables(self.function, artefacts, self._api.address) | dict(variables)
        process = subprocess.Popen(
            [*command, self.function.handler], cwd=artefacts.folder(self.function), env=environment,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=(writer,),
        )  # fmt: skip
        os.close(writer)
        threading.Thread(target=self._read, args=(reader,), daemon=True).start()
        return process

    def invoke(self, payload: str, *, seconds: float | None = None) -> Reply:
        """Hand one event to the function and wait for its answer.

        `seconds` is the patience, the function's own time-out by default. Raises InitError, or CallTimedOut, after
        which this environment is of no further use.
        """
        self._await_init()
        limit = seconds or self.function.timeout
        deadline = int((time.time() + limit) * 1000)
        self._api.send(Invocation(payload, self.function_arn, deadline))
        try:
            reply = self._api.replies.get(timeout=limit)
        except queue.Empty:
            raise CallTimedOut(f"Task timed out after {limit:.2f} seconds") from None
        if not self.calls:
            self.cold_seconds = reply.received - self.started_at
        self.calls += 1
        return reply

    @property
    def function_arn(self) -> str:
        """What the context's invoked_function_arn says."""
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.function.name}"

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def peak_memory_mb(self) -> float:
        """The most that was resident at once, in millions of bytes; Linux only."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) * 1024 / 1e6 if found else 0.0

    def cpu_seconds(self) -> float:
        """User and system time so far; Linux only."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def during_init(self) -> list[Observation]:
        """What was observed before the function asked for its first event."""
        return [seen for seen in self.observations if seen.at <= self._api.initialised_at]

    def close(self) -> None:
        """End the process and the API."""
        self._process.kill()
        self._process.wait()
        self._api.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _await_init(self) -> None:
        if self._api.initialised.wait(_INIT_SECONDS) and self._process.returncode is None:
            return
        with contextlib.suppress(queue.Empty):
            raise InitError(self._api.replies.get_nowait().payload)
        raise InitError(self._log_path.read_text(encoding="utf-8", errors="replace")[-2000:])

    def _await_end(self) -> None:
        """A process that ends by itself answers every question: what it was asked fails, what waits for it goes on."""
        status = self._process.wait()
        message = {"errorType": "Runtime.ExitError", "errorMessage": f"Runtime exited with exit status {status}"}
        self._api.initialised.set()
        self._api.accept(Reply(json.dumps(message), "Runtime.ExitError", time.perf_counter()))

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, encoding="utf-8") as lines:
            for line in lines:
                self.observations.append(Observation(*json.loads(line)))


def _variables(function: Function, artefacts: Artefacts, address: str) -> dict[str, str]:
    """What Lambda itself sets; AWS Lambda developer guide, "Defined runtime environment variables"."""
    return {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{artefacts.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        # As every function's LoggingConfig says.
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_LAMBDA_RUNTIME_API": address,
        "LAMBDA_TASK_ROOT": str(artefacts.folder(function)),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        # Lambda mounts code read-only, so that nothing could be written there.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(map(str, artefacts.search_path)),
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }
