-- Orders: what was bought at which price, where it goes, and every step it took.

CREATE TABLE IF NOT EXISTS orders (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    order_number VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    member_id BIGINT UNSIGNED NOT NULL,
    state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version INT UNSIGNED NOT NULL,
    delivery_method VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    store_id BIGINT UNSIGNED NULL,
    region_code CHAR(6) CHARACTER SET ascii COLLATE ascii_bin NULL,
    -- JSON of the address at the time of the order, encrypted as personal data.
    address_sealed VARBINARY(4096) NULL,
    remark VARCHAR(200) NOT NULL,
    line_count SMALLINT UNSIGNED NOT NULL,
    goods_fen BIGINT UNSIGNED NOT NULL,
    discount_fen BIGINT UNSIGNED NOT NULL,
    freight_fen BIGINT UNSIGNED NOT NULL,
    payable_fen BIGINT UNSIGNED NOT NULL,
    -- The pricing trace: later operations read it and never recompute.
    trace MEDIUMTEXT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    paid_at DATETIME(6) NULL,
    closed_at DATETIME(6) NULL,
    close_reason VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NULL,
    UNIQUE KEY by_number (order_number),
    KEY by_member (member_id, id),
    KEY by_member_state (member_id, state, id),
    KEY by_state_expiry (state, expires_at),
    CONSTRAINT orders_state CHECK (state IN ('PENDING_PAY', 'PAID', 'GROUPING', 'TO_SHIP', 'PART_SHIPPED', 'SHIPPED',
        'RECEIVED', 'FINISHED', 'CLOSED', 'REFUNDING', 'REFUNDED')),
    CONSTRAINT orders_sum CHECK (payable_fen + discount_fen = goods_fen + freight_fen),
    CONSTRAINT orders_closed CHECK ((state = 'CLOSED') = (closed_at IS NOT NULL)),
    CONSTRAINT orders_lines CHECK (line_count BETWEEN 1 AND 100)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS order_line (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    order_id BIGINT UNSIGNED NOT NULL,
    position SMALLINT UNSIGNED NOT NULL,
    product_id BIGINT UNSIGNED NOT NULL,
    sku_id BIGINT UNSIGNED NOT NULL,
    location_id BIGINT UNSIGNED NOT NULL,
    product_name VARCHAR(200) NOT NULL,
    sku_name VARCHAR(200) NOT NULL,
    picture_url VARCHAR(1000) NOT NULL,
    quantity INT UNSIGNED NOT NULL,
    unit_list_price_fen BIGINT UNSIGNED NOT NULL,
    unit_price_fen BIGINT UNSIGNED NOT NULL,
    gross_fen BIGINT UNSIGNED NOT NULL,
    discount_fen BIGINT UNSIGNED NOT NULL,
    freight_fen BIGINT UNSIGNED NOT NULL,
    payable_fen BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY one_line_per_sku (order_id, sku_id),
    CONSTRAINT order_line_quantity CHECK (quantity BETWEEN 1 AND 999),
    CONSTRAINT order_line_gross CHECK (gross_fen = unit_price_fen * quantity),
    CONSTRAINT order_line_sum CHECK (payable_fen + discount_fen = gross_fen + freight_fen)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS order_event (
    order_id BIGINT UNSIGNED NOT NULL,
    version INT UNSIGNED NOT NULL,
    from_state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
    to_state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    actor VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (order_id, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
