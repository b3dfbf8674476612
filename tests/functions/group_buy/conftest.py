"""Every test here leaves the books sound, or fails."""

from collections.abc import Iterator

import pytest

from orchard.runtime.database import Connection
from tests.support import books


@pytest.fixture(autouse=True)
def _sound_books(db: Connection) -> Iterator[None]:
    yield
    books.assert_sound(db)
