-- Carts: one row per member to queue up changes on, and the lines.

CREATE TABLE IF NOT EXISTS cart (
    member_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    changed_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS cart_line (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    member_id BIGINT UNSIGNED NOT NULL,
    sku_id BIGINT UNSIGNED NOT NULL,
    product_id BIGINT UNSIGNED NOT NULL,
    quantity SMALLINT UNSIGNED NOT NULL,
    selected TINYINT UNSIGNED NOT NULL,
    added_price_fen BIGINT UNSIGNED NOT NULL,
    added_at DATETIME(6) NOT NULL,
    UNIQUE KEY one_line_per_sku (member_id, sku_id),
    CONSTRAINT cart_line_quantity CHECK (quantity BETWEEN 1 AND 999),
    CONSTRAINT cart_line_selected CHECK (selected IN (0, 1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
