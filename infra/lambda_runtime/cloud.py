"""The local cloud with every function run from its build under AWS's runtime client."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from infra.build.artefacts import Artefacts
from infra.lambda_runtime.service import BuiltFunctions
from infra.local.cloud import LocalCloud
from infra.local.gateway import Gateway


class BuiltCloud(LocalCloud):
    """As LocalCloud, only that requests, jobs, queues and deployment steps reach `functions`, in this process.

    `variables` are environment variables for every function beside its own and the AWS endpoint's. With `observed`,
    each environment keeps what its process does.
    """

    functions: BuiltFunctions

    def __init__(
        self,
        data_dir: Path,
        artefacts: Artefacts,
        *,
        variables: Mapping[str, str] | None = None,
        observed: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(data_dir, **options)
        self._artefacts, self._variables, self._observed = artefacts, dict(variables or {}), observed

    def _start_gateway(self) -> None:
        self.invoke_port = self._ports.choose("invoke")
        surroundings = self.aws.environment | self._variables
        logs = self.logs / "functions"
        self.functions = BuiltFunctions(self.bundle, self._artefacts, surroundings, logs, observed=self._observed)
        self._undo.callback(self.functions.close)
        apis = {int(url.rsplit(":", 1)[1]): name for name, url in self.urls.items()}
        document = self._template.parent / "docs" / "openapi.json"
        gateway = Gateway(self.bundle, self.functions, apis, document, retire=lambda: None)
        for port in [*apis, self.invoke_port]:
            server = make_server("127.0.0.1", port, gateway, threaded=True, request_handler=_Quiet)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            self._undo.callback(server.shutdown)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 (werkzeug's name)
        """Say nothing."""
