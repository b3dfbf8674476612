"""Queues feed functions: batches, partial failures, dead letters, and nothing lost over a restart."""

from collections.abc import Callable
from pathlib import Path

from infra.local.cloud import LocalCloud
from infra.local.processes import wait_until
from tests.support.local_bundle import fixture_cloud


def _send(cloud: LocalCloud, *bodies: str) -> None:
    sqs = cloud.aws.sqs()
    for body in bodies:
        sqs.send_message(QueueUrl=cloud.queue_urls["Work"], MessageBody=body)


def _consumed(folder: Path) -> list[str]:
    path = folder / "consumed.txt"
    return path.read_text().splitlines() if path.exists() else []


def _eventually(condition: Callable[[], bool]) -> None:
    assert wait_until(condition, seconds=30)


def test_failed_messages_come_again_until_they_are_dead_letters(cloud: LocalCloud, cloud_folder: Path) -> None:
    _send(cloud, "good-1", "bad-1", "good-2", "good-3")
    sqs = cloud.aws.sqs()
    dead: list[str] = []

    def arrived() -> bool:
        answer = sqs.receive_message(QueueUrl=cloud.queue_urls["WorkFailures"], VisibilityTimeout=0)
        dead.extend(message["Body"] for message in answer.get("Messages", []))
        return bool(dead)

    _eventually(arrived)
    assert dead == ["bad-1"]
    handled = [line.split()[:2] for line in _consumed(cloud_folder)]
    assert sorted(handled) == [["bad-1", "1"], ["bad-1", "2"], ["good-1", "1"], ["good-2", "1"], ["good-3", "1"]]
    assert max(int(line.split()[2]) for line in _consumed(cloud_folder)) == 3


def test_waiting_messages_survive_a_restart(tmp_path: Path) -> None:
    with fixture_cloud(tmp_path, pollers=False) as first:
        _send(first, "kept-1", "kept-2")
        ports = dict(first.urls)
    assert _consumed(tmp_path) == []
    with fixture_cloud(tmp_path) as second:
        assert second.urls == ports
        _eventually(lambda: len(_consumed(tmp_path)) == 2)
    assert sorted(line.split()[0] for line in _consumed(tmp_path)) == ["kept-1", "kept-2"]
