-- Stock per SKU and location, and the append-only ledger that explains every unit of it.

CREATE TABLE IF NOT EXISTS stock_location (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    name VARCHAR(80) NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO stock_location (id, name) VALUES (1, '总仓');

-- The columns are a cache of the ledger's sums; unsigned, so that no arithmetic can take them below zero.
CREATE TABLE IF NOT EXISTS stock (
    sku_id BIGINT UNSIGNED NOT NULL,
    location_id BIGINT UNSIGNED NOT NULL,
    on_hand BIGINT UNSIGNED NOT NULL,
    reserved BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (sku_id, location_id),
    CONSTRAINT stock_reserved_is_on_hand CHECK (reserved <= on_hand)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- line_id is the order line, 0 for what no order caused; cause tells repeats of one kind apart.
-- settled_line_id equals line_id on DEDUCT and RELEASE alone: a line gets one of them, never both.
CREATE TABLE IF NOT EXISTS stock_ledger (
    line_id BIGINT UNSIGNED NOT NULL,
    kind VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    cause VARCHAR(80) NOT NULL,
    settled_line_id BIGINT UNSIGNED NULL,
    order_id BIGINT UNSIGNED NULL,
    sku_id BIGINT UNSIGNED NOT NULL,
    location_id BIGINT UNSIGNED NOT NULL,
    delta_on_hand BIGINT NOT NULL,
    delta_reserved BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (line_id, kind, cause),
    UNIQUE KEY one_end_per_line (settled_line_id),
    KEY by_sku (sku_id, location_id),
    CONSTRAINT stock_ledger_kind CHECK
        (kind IN ('RESERVE', 'RELEASE', 'DEDUCT', 'OPENING', 'RECEIVE', 'ADJUST', 'RETURN', 'WRITE_OFF')),
    CONSTRAINT stock_ledger_settles CHECK
        ((kind IN ('RELEASE', 'DEDUCT') AND settled_line_id = line_id AND settled_line_id IS NOT NULL)
         OR (kind NOT IN ('RELEASE', 'DEDUCT') AND settled_line_id IS NULL)),
    CONSTRAINT stock_ledger_line CHECK
        ((kind IN ('RESERVE', 'RELEASE', 'DEDUCT', 'RETURN')) = (line_id > 0))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
