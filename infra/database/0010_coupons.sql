-- Coupons: templates that merchants define, coupons that members hold with the terms of the day they got them, every
-- step of a coupon's life, codes, and how often members tried codes.

-- issued and budget_spent_fen are moved by conditional UPDATEs alone; NULL in quota or budget_fen means no limit.
-- budget_spent_fen counts only where there is a budget, so that orders touch no shared row without need.
CREATE TABLE IF NOT EXISTS coupon_template (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    version INT UNSIGNED NOT NULL,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    channel VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(40) NOT NULL,
    kind VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    amount_fen BIGINT UNSIGNED NOT NULL,
    percent_off TINYINT UNSIGNED NOT NULL,
    cap_fen BIGINT UNSIGNED NULL,
    threshold_fen BIGINT UNSIGNED NOT NULL,
    scope_kind VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- JSON {"ids": [], "excluded_category_ids": [], "excluded_product_ids": []}
    scope TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    audience VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    quota BIGINT UNSIGNED NULL,
    issued BIGINT UNSIGNED NOT NULL DEFAULT 0,
    per_member_limit SMALLINT UNSIGNED NOT NULL,
    budget_fen BIGINT UNSIGNED NULL,
    budget_spent_fen BIGINT UNSIGNED NOT NULL DEFAULT 0,
    claim_from DATETIME(6) NOT NULL,
    claim_until DATETIME(6) NOT NULL,
    -- Either a fixed time or days after the claim.
    valid_from DATETIME(6) NULL,
    valid_until DATETIME(6) NULL,
    valid_days SMALLINT UNSIGNED NULL,
    returns_on_refund BOOLEAN NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    KEY on_offer (state, channel, claim_until),
    CONSTRAINT coupon_template_state CHECK (state IN ('DRAFT', 'PUBLISHED', 'STOPPED')),
    CONSTRAINT coupon_template_channel CHECK (channel IN ('CENTRE', 'NEWCOMER', 'CODE', 'GRANT')),
    CONSTRAINT coupon_template_audience CHECK (audience IN ('EVERYONE', 'NEWCOMERS')),
    CONSTRAINT coupon_template_scope CHECK (scope_kind IN ('ALL', 'CATEGORIES', 'PRODUCTS') AND JSON_VALID(scope)),
    CONSTRAINT coupon_template_kind CHECK ((kind = 'AMOUNT' AND amount_fen > 0 AND percent_off = 0 AND cap_fen IS NULL)
        OR (kind = 'PERCENT' AND amount_fen = 0 AND percent_off BETWEEN 1 AND 99)),
    CONSTRAINT coupon_template_quota CHECK (quota IS NULL OR issued <= quota),
    CONSTRAINT coupon_template_budget CHECK (budget_fen IS NULL OR budget_spent_fen <= budget_fen),
    CONSTRAINT coupon_template_window CHECK (claim_from < claim_until),
    CONSTRAINT coupon_template_validity CHECK (
        (valid_days IS NULL AND valid_from IS NOT NULL AND valid_until IS NOT NULL AND valid_from < valid_until)
        OR (valid_days IS NOT NULL AND valid_days > 0 AND valid_from IS NULL AND valid_until IS NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- slot counts a member's coupons of one template from 1: the unique key is the per-member limit under concurrency.
-- order_id is the order that holds or used it; the unique key gives an order one coupon.
CREATE TABLE IF NOT EXISTS coupon (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    template_id BIGINT UNSIGNED NOT NULL,
    template_version INT UNSIGNED NOT NULL,
    member_id BIGINT UNSIGNED NOT NULL,
    slot SMALLINT UNSIGNED NOT NULL,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version INT UNSIGNED NOT NULL,
    name VARCHAR(40) NOT NULL,
    kind VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    amount_fen BIGINT UNSIGNED NOT NULL,
    percent_off TINYINT UNSIGNED NOT NULL,
    cap_fen BIGINT UNSIGNED NULL,
    threshold_fen BIGINT UNSIGNED NOT NULL,
    scope_kind VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    scope TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    returns_on_refund BOOLEAN NOT NULL,
    -- Whether its discounts count against the template's budget.
    budgeted BOOLEAN NOT NULL,
    starts_at DATETIME(6) NOT NULL,
    ends_at DATETIME(6) NOT NULL,
    -- When to remind its owner; NULL once done, or where it lives too short a time to be forgotten.
    remind_at DATETIME(6) NULL,
    order_id BIGINT UNSIGNED NULL,
    discount_fen BIGINT UNSIGNED NULL,
    -- What the lines in its scope came to when it was locked.
    eligible_fen BIGINT UNSIGNED NULL,
    locked_at DATETIME(6) NULL,
    claimed_at DATETIME(6) NOT NULL,
    UNIQUE KEY one_per_slot (template_id, member_id, slot),
    UNIQUE KEY one_per_order (order_id),
    KEY by_owner (member_id, state, ends_at, id),
    KEY by_end (state, ends_at, id),
    KEY by_reminder (state, remind_at, id),
    CONSTRAINT coupon_state CHECK (state IN ('AVAILABLE', 'LOCKED', 'USED', 'EXPIRED')),
    CONSTRAINT coupon_slot CHECK (slot > 0),
    CONSTRAINT coupon_life CHECK (starts_at < ends_at),
    CONSTRAINT coupon_order CHECK ((state IN ('LOCKED', 'USED')) = (order_id IS NOT NULL)),
    CONSTRAINT coupon_hold CHECK ((order_id IS NULL) = (discount_fen IS NULL)
        AND (order_id IS NULL) = (eligible_fen IS NULL) AND (order_id IS NULL) = (locked_at IS NULL)),
    CONSTRAINT coupon_discount CHECK (discount_fen IS NULL
        OR (discount_fen > 0 AND discount_fen <= eligible_fen AND threshold_fen <= eligible_fen))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS coupon_event (
    coupon_id BIGINT UNSIGNED NOT NULL,
    version INT UNSIGNED NOT NULL,
    from_state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NULL,
    to_state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_id BIGINT UNSIGNED NULL,
    discount_fen BIGINT UNSIGNED NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (coupon_id, version),
    KEY of_order (order_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Codes are kept as keyed hashes of their canonical form: a leaked table redeems nothing.
CREATE TABLE IF NOT EXISTS coupon_code (
    code_hash BINARY(32) NOT NULL PRIMARY KEY,
    template_id BIGINT UNSIGNED NOT NULL,
    batch_id BIGINT UNSIGNED NOT NULL,
    member_id BIGINT UNSIGNED NULL,
    coupon_id BIGINT UNSIGNED NULL,
    redeemed_at DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    UNIQUE KEY one_coupon_per_code (coupon_id),
    KEY of_batch (batch_id),
    KEY of_template (template_id),
    CONSTRAINT coupon_code_redeemed CHECK ((member_id IS NULL) = (coupon_id IS NULL)
        AND (member_id IS NULL) = (redeemed_at IS NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Tries of codes by a member in the window that began at began_at, right or wrong.
CREATE TABLE IF NOT EXISTS coupon_code_try (
    member_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    began_at DATETIME(6) NOT NULL,
    tries SMALLINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
