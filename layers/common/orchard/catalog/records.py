"""What a catalogue file may say, line by line: closed records with limits. Only the import reads this."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from orchard.core.schemas import PlainText, Schema

MAX_SKUS = 200
MAX_TAGS = 3000
_MAX_PRICE_FEN = 10**9
_URL = re.compile(r"https?://[^\s/?#@:\\][^\s/?#@\\]*(?:[/?#]\S*)?")


def _public_url(value: str) -> str:
    """Only syntax is looked at: nothing here or in the shop ever fetches the address."""
    if not _URL.fullmatch(value) or not value.isprintable():
        raise ValueError("not an http or https URL without user name, blanks and control characters")
    return value


def _one_line(value: str) -> str:
    if "\n" in value:
        raise ValueError("line feeds are not allowed")
    return value


def _safe_html(value: str, info: ValidationInfo) -> str:
    """The description as the context's `clean_html` returns it; nothing unclean gets past this type."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair") from None
    # The cleaner's time grows with the square of the nesting, so tags are counted before it runs.
    if value.count("<") > MAX_TAGS:
        raise ValueError(f"more than {MAX_TAGS} tags")
    clean: Callable[[str], str] | None = (info.context or {}).get("clean_html")
    if clean is None and "<" in value:
        raise ValueError("HTML needs clean_html in the validation context")
    return clean(value) if clean else value


Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Url = Annotated[str, Field(max_length=500), AfterValidator(_public_url)]
Line = Annotated[PlainText, AfterValidator(_one_line)]
Name = Annotated[Line, Field(min_length=1)]
Html = Annotated[str, Field(max_length=60_000), AfterValidator(_safe_html)]
Flag = Annotated[bool, Field(strict=True)]
Price = Annotated[int, Field(strict=True, ge=0, le=_MAX_PRICE_FEN)]
Position = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Whole = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
DeliveryMethods = Annotated[list[Literal["express", "pickup", "local"]], Field(min_length=1, max_length=3)]


class CategoryRecord(Schema):
    """A category; `parent` is the code of the one above it."""

    type: Literal["category"]
    code: Code
    parent: Code | None = None
    name: Annotated[Name, Field(max_length=40)]
    description: Annotated[PlainText, Field(max_length=200)] = ""
    icon_url: Url | Literal[""] = ""
    picture_url: Url | Literal[""] = ""
    position: Position = 1000


class BrandRecord(Schema):
    """A brand."""

    type: Literal["brand"]
    code: Code
    name: Annotated[Name, Field(max_length=60)]
    description: Annotated[PlainText, Field(max_length=500)] = ""
    logo_url: Url | Literal[""] = ""
    position: Position = 1000


class ValueRecord(Schema):
    """One value of a specification."""

    value: Annotated[Name, Field(max_length=60)]
    picture_url: Url | Literal[""] = ""


class SpecificationRecord(Schema):
    """A property that the SKUs differ in, with every value it may take."""

    name: Annotated[Name, Field(max_length=20)]
    values: Annotated[list[ValueRecord], Field(min_length=1, max_length=50)]


class AttributeRecord(Schema):
    """A property of the whole product."""

    name: Annotated[Name, Field(max_length=40)]
    value: Annotated[PlainText, Field(min_length=1, max_length=500)]


class SkuRecord(Schema):
    """What is bought. `values` follow the product's specifications; `stock` opens the stock of a new SKU."""

    code: Code
    values: Annotated[list[Annotated[Name, Field(max_length=60)]], Field(max_length=5)] = Field(default_factory=list)
    price_fen: Price
    list_price_fen: Price | None = None
    weight_grams: Whole
    volume_cm3: Whole = 0
    stock: Whole = 0
    picture_url: Url | Literal[""] = ""
    on_sale: Flag = True

    @property
    def name(self) -> str:
        """The values in one line, as orders show them."""
        return " ".join(self.values)

    @property
    def full_price_fen(self) -> int:
        """The list price; the price itself where none is given."""
        return self.price_fen if self.list_price_fen is None else self.list_price_fen

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.full_price_fen < self.price_fen:
            raise ValueError("list_price_fen is below price_fen")
        if len(self.name) > 200:
            raise ValueError("the values are longer than 200 characters together")
        return self


class ProductRecord(Schema):
    """A product with everything that is shown of it."""

    type: Literal["product"]
    code: Code
    name: Annotated[Name, Field(max_length=120)]
    category: Code
    brand: Code | None = None
    brief: Annotated[Line, Field(max_length=200)] = ""
    keywords: Annotated[list[Annotated[Name, Field(max_length=32)]], Field(max_length=12)] = Field(default_factory=list)
    unit: Annotated[Line, Field(max_length=16)] = "件"
    pictures: Annotated[list[Url], Field(min_length=1, max_length=20)]
    video_url: Url | Literal[""] = ""
    description: Html = ""
    attributes: Annotated[list[AttributeRecord], Field(max_length=50)] = Field(default_factory=list)
    specifications: Annotated[list[SpecificationRecord], Field(max_length=5)] = Field(default_factory=list)
    skus: Annotated[list[SkuRecord], Field(min_length=1, max_length=MAX_SKUS)]
    delivery_methods: DeliveryMethods = Field(default=["express", "pickup", "local"])
    freight_template_id: Annotated[int, Field(strict=True, ge=1, lt=2**63)] | None = None
    position: Position = 1000
    sales_count: Whole = 0
    on_sale: Flag = True

    @model_validator(mode="after")
    def _skus_fit_specifications(self) -> Self:
        for reason in self._misfits():
            raise ValueError(reason)
        return self

    def _misfits(self) -> Iterator[str]:
        allowed = [{value.value for value in specification.values} for specification in self.specifications]
        if sum(map(len, allowed)) != sum(len(specification.values) for specification in self.specifications):
            yield "a specification names a value twice"
        if len({specification.name for specification in self.specifications}) != len(allowed):
            yield "two specifications have one name"
        for sku in self.skus:
            if len(sku.values) != len(allowed):
                yield f"SKU {sku.code} has {len(sku.values)} values for {len(allowed)} specifications"
            elif any(value not in choice for value, choice in zip(sku.values, allowed, strict=True)):
                yield f"SKU {sku.code} has a value that its specification does not name"
        if len({tuple(sku.values) for sku in self.skus}) != len(self.skus):
            yield "two SKUs have the same values"
        if len({sku.code for sku in self.skus}) != len(self.skus):
            yield "two SKUs have one code"


Record = CategoryRecord | BrandRecord | ProductRecord
