"""The API document and a page to try it; Swagger UI comes with Powertools, so nothing is fetched from outside."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from werkzeug.wrappers import Request, Response

_SWAGGER = "aws_lambda_powertools.event_handler.openapi"
_ASSETS = {
    "/docs/swagger-ui.css": ("swagger-ui.min.css", "text/css"),
    "/docs/swagger-ui.js": ("swagger-ui-bundle.min.js", "text/javascript"),
}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="page"></div>
<script src="/docs/swagger-ui.js"></script>
<script>SwaggerUIBundle({url: "/openapi.json", dom_id: "#page", deepLinking: true, persistAuthorization: true})</script>
</html>
"""


def document_page(document: Path, request: Request) -> Response | None:
    """The answer to GET /docs and /openapi.json; None for every other request."""
    if request.method != "GET":
        return None
    if request.path in _ASSETS:
        name, kind = _ASSETS[request.path]
        return Response(files(_SWAGGER).joinpath("swagger_ui", name).read_bytes(), content_type=kind)
    if request.path not in ("/docs", "/openapi.json"):
        return None
    if not document.is_file():
        text = f"There is no API document at {document}. Make it with: make openapi\n"
        return Response(text, 404, content_type="text/plain; charset=utf-8")
    if request.path == "/docs":
        return Response(_PAGE, content_type="text/html; charset=utf-8")
    content = json.loads(document.read_text(encoding="utf-8"))
    content["servers"] = [{"url": request.host_url.rstrip("/")}]
    return Response(json.dumps(content, ensure_ascii=False), content_type="application/json")
