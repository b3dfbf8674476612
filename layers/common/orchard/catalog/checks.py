"""A catalogue file as a whole: codes given once, and everything it refers to in the file or in the shop."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchard.catalog.records import BrandRecord, CategoryRecord, ProductRecord, Record
from orchard.catalog.store import loading
from orchard.runtime.database import Tx

MAX_DEPTH = 4
MAX_CATEGORIES = 2000
Parents = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, order=True)
class LineError:
    """Why a line (counted from 1) cannot be loaded."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The records of a file by code, each with its line number."""

    categories: dict[str, tuple[int, CategoryRecord]] = field(default_factory=dict)
    brands: dict[str, tuple[int, BrandRecord]] = field(default_factory=dict)
    products: dict[str, tuple[int, ProductRecord]] = field(default_factory=dict)
    sku_lines: dict[str, int] = field(default_factory=dict)

    def add(self, line: int, record: Record) -> str | None:
        """Take a record; the reason why not, where one of its codes was there before."""
        if isinstance(record, CategoryRecord):
            first = self.categories.setdefault(record.code, (line, record))[0]
        elif isinstance(record, BrandRecord):
            first = self.brands.setdefault(record.code, (line, record))[0]
        else:
            first = self.products.setdefault(record.code, (line, record))[0]
        if first != line:
            return f"{record.type} {record.code} stands on line {first} too"
        return self._add_skus(line, record) if isinstance(record, ProductRecord) else None

    def _add_skus(self, line: int, record: ProductRecord) -> str | None:
        for sku in record.skus:
            first = self.sku_lines.setdefault(sku.code, line)
            if first != line:
                return f"SKU {sku.code} stands on line {first} too"
        return None


def merged_parents(tx: Tx, catalogue: Catalogue) -> dict[str, str | None]:
    """code -> parent's code of all categories as they will be."""
    return {
        **loading.category_parents(tx),
        **{code: record.parent for code, (_, record) in catalogue.categories.items()},
    }


def chain(code: str, parents: Parents) -> list[str]:
    """The category and everything above it; cut one longer than MAX_DEPTH, which ends cycles too."""
    found = [code]
    while len(found) <= MAX_DEPTH and (up := parents.get(found[-1])) is not None:
        found.append(up)
    return found


def against_shop(tx: Tx, catalogue: Catalogue) -> list[LineError]:
    """Everything in the file that does not fit the rest of it or the shop, by line."""
    parents = merged_parents(tx, catalogue)
    brands = loading.ids_by_code(tx, "brand", (r.brand for _, r in catalogue.products.values() if r.brand))
    owners = loading.owners_of_skus(tx, catalogue.sku_lines)
    found = set(_category_errors(catalogue, parents))
    for line, record in catalogue.products.values():
        if record.category not in parents:
            found.add(LineError(line, f"category: {record.category} is neither in the file nor in the shop"))
        if record.brand and record.brand not in brands and record.brand not in catalogue.brands:
            found.add(LineError(line, f"brand: {record.brand} is neither in the file nor in the shop"))
        for sku in record.skus:
            owner = owners.get(sku.code, (0, record.code))[1]
            if owner != record.code:
                found.add(LineError(line, f"SKU {sku.code} belongs to product {owner}"))
    return sorted(found)


def _category_errors(catalogue: Catalogue, parents: Parents) -> Iterator[LineError]:
    for line, record in catalogue.categories.values():
        if record.parent is not None and record.parent not in parents:
            yield LineError(line, f"parent: {record.parent} is neither in the file nor in the shop")
    # A moved category may push what lies below it too deep, so all chains are walked, not only the file's.
    for code in parents:
        path = chain(code, parents)
        if len(path) > MAX_DEPTH:
            line = min(catalogue.categories[c][0] for c in path if c in catalogue.categories)
            yield LineError(line, f"category {code} lies in a circle or deeper than {MAX_DEPTH} levels")
    if catalogue.categories and len(parents) > MAX_CATEGORIES:
        line = max(line for line, _ in catalogue.categories.values())
        yield LineError(line, f"the shop would have more than {MAX_CATEGORIES} categories")


def products_below(tx: Tx, catalogue: Catalogue) -> list[int]:
    """Products whose lists or words may change because their category, one above it, or their brand is in the file."""
    parents = merged_parents(tx, catalogue)
    moved = [code for code in parents if any(up in catalogue.categories for up in chain(code, parents))]
    categories = loading.ids_by_code(tx, "category", moved)
    brands = loading.ids_by_code(tx, "brand", catalogue.brands)
    return loading.products_in(tx, sorted(categories.values()), sorted(brands.values()))
