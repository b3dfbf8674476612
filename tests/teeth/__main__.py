"""`make teeth`: apply each seeded mistake to a copy of the tree; the tests that it names must fail on it.

`make teeth NAME=float` takes those whose name holds the word, `make teeth WHOLE=1` runs the whole suite on each.
"""

import argparse
import queue
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.teeth import patches
from tests.teeth.copies import Broken, Copy, Stale
from tests.teeth.patches import Patch
from tests.teeth.runs import Run, run

_NAMED_SECONDS, _WHOLE_SECONDS, _BASELINE_SECONDS = 300, 3600, 1800
_WHOLE_SUITE = ("--numprocesses", "auto", "--maxprocesses", "4", "--dist", "loadfile")
_REFRESH = """
A stale patch is made anew: make the same mistake by hand, `git diff -U2 FILE > /tmp/diff`, keep the patch's header,
put that diff behind it, take the mistake out again (`git checkout FILE`)."""


class Session:
    """The seeded mistakes of one call, shared out over `workers` copies."""

    def __init__(self, wanted: list[Patch], *, whole: bool, workers: int) -> None:
        self._whole, self._workers = whole, 1 if whole else workers
        self._waiting: queue.SimpleQueue[Patch] = queue.SimpleQueue()
        for patch in wanted:
            self._waiting.put(patch)
        self._all = wanted
        self._printing = threading.Lock()
        self.counts: Counter[str] = Counter()

    def sound(self, copy: Copy) -> bool:
        """Whether the named tests pass where no mistake is seeded: else their failing would mean nothing."""
        if self._whole:
            return True
        started = time.monotonic()
        end = run(copy, sorted({test for patch in self._all for test in patch.tests}), _BASELINE_SECONDS)
        self._line("unseeded", "all named tests", started, end.by or end.problem or "passed")
        return end == Run()

    def work(self, copy: Copy) -> None:
        """Take patches until none is left."""
        while True:
            try:
                patch = self._waiting.get_nowait()
            except queue.Empty:
                return
            started = time.monotonic()
            word, remark = self._tried(copy, patch)
            copy.clean()
            self.counts[word] += 1
            self._line(word, patch.name, started, remark)

    def _tried(self, copy: Copy, patch: Patch) -> tuple[str, str]:
        try:
            copy.seed(patch)
        except Stale as error:
            return "STALE", str(error)
        except Broken as error:
            return "BROKEN", str(error)
        tests, seconds = ([], _WHOLE_SECONDS) if self._whole else (patch.tests, _NAMED_SECONDS)
        end = run(copy, tests, seconds, _WHOLE_SUITE if self._whole else ())
        if end.problem:
            return "BROKEN", f"{end.by} {end.problem}".strip()
        return ("bitten", end.by) if end.by else ("SURVIVED", patch.mistake)

    def _line(self, word: str, name: str, started: float, remark: str) -> None:
        with self._printing:
            print(f"{word:9} {name:36} {time.monotonic() - started:5.1f} s  {remark}", flush=True)

    def bite(self, folder: Path) -> bool:
        """Try all of them in copies below `folder`; whether every one was bitten."""
        copies = [Copy(folder / str(number)) for number in range(self._workers)]
        if not self.sound(copies[0]):
            return False
        threads = [threading.Thread(target=self.work, args=(copy,)) for copy in copies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(", ".join(f"{number} {word}" for word, number in sorted(self.counts.items())))
        if self.counts["STALE"]:
            print(_REFRESH)
        return self.counts.total() == self.counts["bitten"]


def main() -> int:
    """0 if every seeded mistake was bitten, 1 if not, 2 if there is none of that name."""
    parser = argparse.ArgumentParser(prog="make teeth")
    parser.add_argument("--name", default="", help="only those whose name holds this word")
    parser.add_argument("--whole", action="store_true", help="run the whole suite on each, not the tests it names")
    parser.add_argument("--workers", type=int, default=2, help="how many at a time")
    asked = parser.parse_args()
    wanted = [patch for patch in patches.every() if asked.name in patch.name]
    if not wanted:
        print(f"no seeded mistake is named {asked.name}", file=sys.stderr)
        return 2
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="orchard-teeth-") as folder:
        bitten = Session(wanted, whole=asked.whole, workers=asked.workers).bite(Path(folder))
    print(f"{len(wanted)} seeded mistakes in {time.monotonic() - started:.0f} seconds")
    return 0 if bitten else 1


if __name__ == "__main__":
    sys.exit(main())
