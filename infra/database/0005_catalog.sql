-- Catalogue: categories, brands, products with their SKUs, the listing they are paged from, and the search index.

-- One row: locked by an import, so that two never run at once.
CREATE TABLE IF NOT EXISTS catalog_revision (
    id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    revision BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO catalog_revision (id, revision) VALUES (1, 0);

CREATE TABLE IF NOT EXISTS category (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    code VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    parent_id BIGINT UNSIGNED NULL,
    name VARCHAR(40) NOT NULL,
    description VARCHAR(200) NOT NULL,
    icon_url VARCHAR(500) NOT NULL,
    picture_url VARCHAR(500) NOT NULL,
    position INT UNSIGNED NOT NULL,
    UNIQUE KEY by_code (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Each category with itself, everything above it, and 0 for the whole shop.
CREATE TABLE IF NOT EXISTS category_ancestor (
    category_id BIGINT UNSIGNED NOT NULL,
    ancestor_id BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (category_id, ancestor_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS brand (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    code VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(60) NOT NULL,
    description VARCHAR(500) NOT NULL,
    logo_url VARCHAR(500) NOT NULL,
    position INT UNSIGNED NOT NULL,
    UNIQUE KEY by_code (code),
    KEY by_position (position, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Prices are the lowest and highest of the SKUs on sale; in_stock is moved by refresh_availability.
CREATE TABLE IF NOT EXISTS product (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    code VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    category_id BIGINT UNSIGNED NOT NULL,
    brand_id BIGINT UNSIGNED NULL,
    name VARCHAR(120) NOT NULL,
    -- The folded name, for suggestions by prefix.
    folded_name VARCHAR(400) NOT NULL,
    brief VARCHAR(200) NOT NULL,
    keywords VARCHAR(400) NOT NULL,
    unit VARCHAR(16) NOT NULL,
    picture_url VARCHAR(500) NOT NULL,
    freight_template_id BIGINT UNSIGNED NULL,
    delivery_methods VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    position INT UNSIGNED NOT NULL,
    list_price_fen BIGINT UNSIGNED NOT NULL,
    price_fen BIGINT UNSIGNED NOT NULL,
    highest_price_fen BIGINT UNSIGNED NOT NULL,
    -- JSON list of the SKUs on sale, so that a page knows whose stock to read.
    sku_ids VARCHAR(4400) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    on_sale BOOLEAN NOT NULL,
    in_stock BOOLEAN NOT NULL,
    sales_count BIGINT UNSIGNED NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    UNIQUE KEY by_code (code),
    KEY by_category (category_id),
    KEY by_brand (brand_id),
    KEY by_folded_name (folded_name(32)),
    CONSTRAINT product_prices CHECK (price_fen <= highest_price_fen AND price_fen <= list_price_fen),
    CONSTRAINT product_skus_is_json CHECK (JSON_VALID(sku_ids))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS product_detail (
    product_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    pictures MEDIUMTEXT NOT NULL,
    video_url VARCHAR(500) NOT NULL,
    specifications MEDIUMTEXT NOT NULL,
    attributes MEDIUMTEXT NOT NULL,
    -- HTML, made safe when it was imported.
    description MEDIUMTEXT NOT NULL,
    CONSTRAINT product_detail_is_json
        CHECK (JSON_VALID(pictures) AND JSON_VALID(specifications) AND JSON_VALID(attributes))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS sku (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    code VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    product_id BIGINT UNSIGNED NOT NULL,
    position SMALLINT UNSIGNED NOT NULL,
    name VARCHAR(200) NOT NULL,
    -- JSON list, one value per specification of the product, in its order.
    specification_values VARCHAR(1500) NOT NULL,
    picture_url VARCHAR(500) NOT NULL,
    list_price_fen BIGINT UNSIGNED NOT NULL,
    price_fen BIGINT UNSIGNED NOT NULL,
    weight_grams INT UNSIGNED NOT NULL,
    volume_cm3 INT UNSIGNED NOT NULL,
    on_sale BOOLEAN NOT NULL,
    UNIQUE KEY by_code (code),
    KEY by_product (product_id, position),
    CONSTRAINT sku_prices CHECK (price_fen <= list_price_fen),
    CONSTRAINT sku_values_is_json CHECK (JSON_VALID(specification_values))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Every product on sale, once for each list it appears in: the whole shop (0), its categories upwards, its brand.
-- Derived from product; one index per sort makes any page of any list one range.
CREATE TABLE IF NOT EXISTS product_listing (
    product_id BIGINT UNSIGNED NOT NULL,
    scope_id BIGINT UNSIGNED NOT NULL,
    brand_id BIGINT UNSIGNED NULL,
    position INT UNSIGNED NOT NULL,
    price_fen BIGINT UNSIGNED NOT NULL,
    sales_count BIGINT UNSIGNED NOT NULL,
    in_stock BOOLEAN NOT NULL,
    PRIMARY KEY (product_id, scope_id),
    KEY by_age (scope_id, product_id),
    KEY by_position (scope_id, position, product_id),
    KEY by_price (scope_id, price_fen, product_id),
    KEY by_sales (scope_id, sales_count, product_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- weight: in how telling a field of the product the token stands.
CREATE TABLE IF NOT EXISTS search_token (
    token VARCHAR(32) NOT NULL,
    product_id BIGINT UNSIGNED NOT NULL,
    weight TINYINT UNSIGNED NOT NULL,
    PRIMARY KEY (token, product_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- How many products bear a token or word; words also cut queries and are suggested. Signed: changed by differences.
CREATE TABLE IF NOT EXISTS search_term (
    term VARCHAR(32) NOT NULL PRIMARY KEY,
    products INT NOT NULL,
    is_word BOOLEAN NOT NULL,
    -- How the word is written, where that differs from its folded form.
    label VARCHAR(64) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What the index holds of each product (JSON, token or word -> weight, 0 for words), to index the differences only.
CREATE TABLE IF NOT EXISTS search_document (
    product_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    terms MEDIUMTEXT NOT NULL,
    CONSTRAINT search_document_is_json CHECK (JSON_VALID(terms))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
