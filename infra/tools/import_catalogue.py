"""Load a catalogue file into the shop: `python -m infra.tools.import_catalogue FILE [--check]`.

All of the file or nothing: with any bad line, each is printed with its number and reason. `--check` only looks.
The database is that of `ORCHARD_DATABASE_*`. Exit code: 0 loaded (or clean), 1 bad lines, 2 file or database trouble.
"""

import argparse
import gc
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pymysql
import rjieba

from infra.tools import catalogue_file
from infra.tools.catalogue_file import ReadCatalogue
from orchard.catalog import checks, importing
from orchard.catalog.checks import LineError
from orchard.catalog.importing import CatalogueRefusedError, Loaded
from orchard.core.errors import AppError
from orchard.runtime.database import Connection, DatabaseLost, connection
from orchard.runtime.settings import ConfigurationError

_MAX_SHOWN = 200


def cut_words(text: str) -> list[str]:
    """A Chinese text in words, by a general dictionary."""
    words: list[str] = rjieba.cut(text)
    return words


def check_file(db: Connection, path: Path) -> list[LineError]:
    """Every bad line of the file, in itself and against the shop; writes nothing. Raises OSError."""
    return _all_errors(db, catalogue_file.read(path))


def import_file(db: Connection, path: Path) -> Loaded:
    """Load the file. Raises CatalogueRefusedError with every bad line, and OSError."""
    with _collector_off():
        found = catalogue_file.read(path)
        if found.errors:
            raise CatalogueRefusedError(_all_errors(db, found))
        return db.run(lambda tx: importing.load(tx, found.catalogue, cut_words))


def _all_errors(db: Connection, found: ReadCatalogue) -> list[LineError]:
    return sorted({*found.errors, *db.run(lambda tx: checks.against_shop(tx, found.catalogue))})


@contextmanager
def _collector_off() -> Iterator[None]:
    """Every record stays alive until the end, so looking for garbage among them only costs a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(prog="import_catalogue", description="Load a catalogue (JSON Lines).")
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="report bad lines, load nothing")
    options = parser.parse_args(arguments)
    try:
        return _check(options.file) if options.check else _import(options.file)
    except OSError as error:
        return _failed(f"{options.file}: {error.strerror}")
    except ConfigurationError as error:
        return _failed(str(error))
    except (pymysql.MySQLError, DatabaseLost, AppError) as error:
        return _failed(f"the database refused, nothing was loaded: {error}")


def _check(path: Path) -> int:
    errors = check_file(connection, path)
    if errors:
        return _refused(errors)
    print(f"{path}: no bad line")
    return 0


def _import(path: Path) -> int:
    started = time.perf_counter()
    try:
        loaded = import_file(connection, path)
    except CatalogueRefusedError as refused:
        return _refused(refused.errors)
    seconds = time.perf_counter() - started
    print(
        f"{path}: {loaded.categories} categories, {loaded.brands} brands, {loaded.products} products"
        f" ({loaded.new_products} new) with {loaded.skus} SKUs ({loaded.new_skus} new) in {seconds:.1f} s"
    )
    return 0


def _refused(errors: Sequence[LineError]) -> int:
    for error in errors[:_MAX_SHOWN]:
        print(f"line {error.line}: {error.reason}", file=sys.stderr)
    if len(errors) > _MAX_SHOWN:
        print(f"... and {len(errors) - _MAX_SHOWN} more", file=sys.stderr)
    print(f"{len(errors)} bad lines, nothing was loaded", file=sys.stderr)
    return 1


def _failed(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
