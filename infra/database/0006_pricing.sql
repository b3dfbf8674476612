-- Freight: one policy row that carries the version of everything here, templates, their rates and free rows by region.

-- version changes with every change of any freight table, in the same transaction, and never comes back.
CREATE TABLE IF NOT EXISTS freight_policy (
    id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    version BIGINT UNSIGNED NOT NULL,
    combination VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    free_threshold_fen BIGINT UNSIGNED NULL,
    default_template_id BIGINT UNSIGNED NULL,
    CONSTRAINT freight_policy_is_one CHECK (id = 1),
    CONSTRAINT freight_policy_combination CHECK (combination IN ('sum', 'dearest_first'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO freight_policy (id, version, combination) VALUES (1, 1, 'sum');

CREATE TABLE IF NOT EXISTS freight_template (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    name VARCHAR(80) NOT NULL,
    charge_by VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    CONSTRAINT freight_template_charge_by CHECK (charge_by IN ('piece', 'weight', 'volume'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row per region of a template: its rate, or, with served = 0, no delivery. 000000 is the whole country.
CREATE TABLE IF NOT EXISTS freight_rate (
    template_id BIGINT UNSIGNED NOT NULL,
    region_code CHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    served TINYINT UNSIGNED NOT NULL,
    first_units BIGINT UNSIGNED NOT NULL,
    first_fee_fen BIGINT UNSIGNED NOT NULL,
    step_units BIGINT UNSIGNED NOT NULL,
    step_fee_fen BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (template_id, region_code),
    CONSTRAINT freight_rate_steps CHECK (served IN (0, 1) AND step_units > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS freight_free_row (
    template_id BIGINT UNSIGNED NOT NULL,
    region_code CHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    minimum_quantity BIGINT UNSIGNED NOT NULL,
    minimum_amount_fen BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (template_id, region_code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
