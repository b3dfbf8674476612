"""SKU snapshots for tests of rules that read no database."""

from orchard.catalog.models import SkuSnapshot

ALL_METHODS = frozenset({"express", "pickup", "local"})


def snapshot(
    sku_id: int,
    price_fen: int = 1000,
    *,
    list_price_fen: int | None = None,
    weight_grams: int = 500,
    volume_cm3: int = 1000,
    freight_template_id: int | None = None,
    delivery_methods: frozenset[str] = ALL_METHODS,
    on_sale: bool = True,
) -> SkuSnapshot:
    """A plausible SKU on sale."""
    return SkuSnapshot(
        sku_id=sku_id,
        product_id=sku_id + 10_000,
        category_id=1,
        product_name=f"红富士苹果{sku_id}",
        sku_name="5斤装",
        picture_url="https://shop.test/apple.jpg",
        list_price_fen=price_fen if list_price_fen is None else list_price_fen,
        price_fen=price_fen,
        weight_grams=weight_grams,
        volume_cm3=volume_cm3,
        freight_template_id=freight_template_id,
        on_sale=on_sale,
        delivery_methods=delivery_methods,
    )
