-- Stores: where the merchant hands out orders or delivers them from.

CREATE TABLE IF NOT EXISTS store (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    -- The merchant's own number of the store; imports find it again by this.
    code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(60) NOT NULL,
    region_code CHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    address VARCHAR(200) NOT NULL,
    phone VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- GCJ-02, the coordinates that WeChat's location and map use.
    latitude DECIMAL(9, 6) NOT NULL,
    longitude DECIMAL(9, 6) NOT NULL,
    -- Shop time, HH:MM. A store that closes before it opens is open past midnight.
    opens_at CHAR(5) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    closes_at CHAR(5) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    is_open TINYINT UNSIGNED NOT NULL,
    supports_pickup TINYINT UNSIGNED NOT NULL,
    supports_local_delivery TINYINT UNSIGNED NOT NULL,
    local_delivery_fee_fen BIGINT UNSIGNED NOT NULL,
    local_delivery_minimum_fen BIGINT UNSIGNED NOT NULL,
    local_delivery_radius_metres INT UNSIGNED NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    UNIQUE KEY by_code (code),
    KEY by_region (is_open, region_code, id),
    CONSTRAINT store_flags CHECK (is_open IN (0, 1) AND supports_pickup IN (0, 1) AND supports_local_delivery IN (0, 1)),
    CONSTRAINT store_position CHECK (latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
