"""Structured logs and EMF metrics. Bodies, headers and queries are never logged, so no personal data can be."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit, single_metric

# Service and namespace come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_METRICS_NAMESPACE in the template.
logger = Logger(utc=True)
# The namespace is the installation's own, so that two in one account are told apart.
_NAMESPACE = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Orchard")
metrics = Metrics(namespace=_NAMESPACE)


def count(name: str, value: int = 1) -> None:
    """Add to a CloudWatch counter; written with the invocation's other metrics."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def gauge(name: str, value: float) -> None:
    """How something stands now; a name that ends in `Seconds` is a duration, any other a number of things."""
    unit = MetricUnit.Seconds if name.endswith("Seconds") else MetricUnit.Count
    metrics.add_metric(name=name, unit=unit, value=value)


def count_by_version(name: str) -> None:
    """Count one for this function and this version of it, in a metric of its own that is written at once.

    Its dimensions are function_name, function_version and, by Powertools, service.
    """
    with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace=_NAMESPACE) as metric:
        for dimension in ("function_name", "function_version"):
            metric.add_dimension(name=dimension, value=os.environ.get(f"AWS_LAMBDA_{dimension.upper()}", "-"))


@contextmanager
def invocation(operation: str, request_id: str) -> Iterator[None]:
    """Frame one invocation: request id on every line, its duration as a metric, metrics flushed at the end."""
    logger.append_keys(operation=operation, request_id=request_id)
    started = time.perf_counter()
    try:
        yield
    finally:
        milliseconds = (time.perf_counter() - started) * 1000
        metrics.add_metric(name="Duration", unit=MetricUnit.Milliseconds, value=milliseconds)
        metrics.add_dimension(name="operation", value=operation)
        metrics.flush_metrics()
        logger.remove_keys(["operation", "request_id"])


def request_id_of(context: Any) -> str:
    """Lambda's request id, or a dash where there is none."""
    return str(getattr(context, "aws_request_id", "-"))
