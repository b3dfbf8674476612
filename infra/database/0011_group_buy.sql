-- Group-buy: activities that merchants define, groups that members open and fill, and every seat that was ever taken.

CREATE TABLE IF NOT EXISTS group_buy_activity (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    version INT UNSIGNED NOT NULL,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(40) NOT NULL,
    size TINYINT UNSIGNED NOT NULL,
    hours SMALLINT UNSIGNED NOT NULL,
    per_order_limit SMALLINT UNSIGNED NOT NULL,
    per_member_limit SMALLINT UNSIGNED NOT NULL,
    starts_at DATETIME(6) NOT NULL,
    ends_at DATETIME(6) NOT NULL,
    -- Whoever pays for a seat that is gone: another open group, or the money back.
    moves_payers BOOLEAN NOT NULL,
    -- Whether empty seats count as taken when a group's time is over.
    simulates BOOLEAN NOT NULL,
    -- Whether refunded units may be sold again within the quota.
    returns_quota BOOLEAN NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    KEY on_offer (state, ends_at, id),
    CONSTRAINT group_buy_activity_state CHECK (state IN ('DRAFT', 'PUBLISHED', 'STOPPED')),
    CONSTRAINT group_buy_activity_size CHECK (size BETWEEN 2 AND 50),
    CONSTRAINT group_buy_activity_hours CHECK (hours BETWEEN 1 AND 720),
    CONSTRAINT group_buy_activity_limits CHECK (per_order_limit BETWEEN 1 AND per_member_limit),
    CONSTRAINT group_buy_activity_window CHECK (starts_at < ends_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The activity's own stock: taken is moved by conditional UPDATEs alone, beside the ordinary stock.
CREATE TABLE IF NOT EXISTS group_buy_sku (
    activity_id BIGINT UNSIGNED NOT NULL,
    sku_id BIGINT UNSIGNED NOT NULL,
    price_fen BIGINT UNSIGNED NOT NULL,
    quota INT UNSIGNED NOT NULL,
    taken INT UNSIGNED NOT NULL DEFAULT 0,
    PRIMARY KEY (activity_id, sku_id),
    CONSTRAINT group_buy_sku_price CHECK (price_fen > 0),
    CONSTRAINT group_buy_sku_quota CHECK (taken <= quota)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The row that joins, payments and settlement lock. Its terms are the activity's on the day it was opened.
-- PENDING: its leader has not paid, nobody can join. expires_at begins with the leader's payment.
CREATE TABLE IF NOT EXISTS group_buy_group (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    activity_id BIGINT UNSIGNED NOT NULL,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version INT UNSIGNED NOT NULL,
    leader_id BIGINT UNSIGNED NOT NULL,
    size TINYINT UNSIGNED NOT NULL,
    hours SMALLINT UNSIGNED NOT NULL,
    moves_payers BOOLEAN NOT NULL,
    simulates BOOLEAN NOT NULL,
    returns_quota BOOLEAN NOT NULL,
    paid TINYINT UNSIGNED NOT NULL DEFAULT 0,
    -- Seats that nobody took and that count nevertheless; they have no identity.
    simulated TINYINT UNSIGNED NOT NULL DEFAULT 0,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    expires_at DATETIME(6) NULL,
    ended_at DATETIME(6) NULL,
    KEY by_deadline (state, expires_at, id),
    KEY open_of_activity (activity_id, state, expires_at),
    CONSTRAINT group_buy_group_state CHECK (state IN ('PENDING', 'OPEN', 'SUCCESS', 'FAILED', 'CANCELLED')),
    CONSTRAINT group_buy_group_size CHECK (size BETWEEN 2 AND 50),
    CONSTRAINT group_buy_group_seats CHECK (paid + simulated <= size),
    CONSTRAINT group_buy_group_full CHECK (state <> 'SUCCESS' OR paid + simulated = size),
    CONSTRAINT group_buy_group_simulated CHECK (simulated = 0 OR (simulates = 1 AND state = 'SUCCESS')),
    CONSTRAINT group_buy_group_begun CHECK ((state IN ('PENDING', 'CANCELLED')) = (expires_at IS NULL)),
    CONSTRAINT group_buy_group_ended CHECK ((state IN ('PENDING', 'OPEN')) = (ended_at IS NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS group_buy_group_event (
    group_id BIGINT UNSIGNED NOT NULL,
    version INT UNSIGNED NOT NULL,
    from_state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NULL,
    to_state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (group_id, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One seat of one order. RESERVED counts until seat_until; live is 1 while the member is in a group of the activity,
-- so that the unique key allows one. An order that moved to another group has a row in each; the later one has order_id.
CREATE TABLE IF NOT EXISTS group_buy_member (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    group_id BIGINT UNSIGNED NOT NULL,
    activity_id BIGINT UNSIGNED NOT NULL,
    member_id BIGINT UNSIGNED NOT NULL,
    order_id BIGINT UNSIGNED NULL,
    order_number VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sku_id BIGINT UNSIGNED NOT NULL,
    units SMALLINT UNSIGNED NOT NULL,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    live TINYINT UNSIGNED NULL,
    -- 1 while the units count as taken of the activity's quota.
    quota_held TINYINT UNSIGNED NOT NULL,
    seat_until DATETIME(6) NOT NULL,
    paid_at DATETIME(6) NULL,
    refund_asked_at DATETIME(6) NULL,
    moved_to BIGINT UNSIGNED NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    UNIQUE KEY one_per_order (order_id),
    UNIQUE KEY one_live_group (activity_id, member_id, live),
    KEY of_group (group_id, state),
    KEY of_member (member_id, id),
    KEY to_refund (state, refund_asked_at, id),
    CONSTRAINT group_buy_member_state CHECK (
        state IN ('RESERVED', 'PAID', 'SUCCESS', 'REFUNDING', 'REFUNDED', 'MOVED', 'CANCELLED')),
    CONSTRAINT group_buy_member_live CHECK ((state IN ('RESERVED', 'PAID')) = (live IS NOT NULL) AND
        (live IS NULL OR live = 1)),
    CONSTRAINT group_buy_member_moved CHECK ((state = 'MOVED') = (moved_to IS NOT NULL)
        AND (state = 'MOVED') = (order_id IS NULL)),
    CONSTRAINT group_buy_member_paid CHECK (state NOT IN ('PAID', 'SUCCESS') OR paid_at IS NOT NULL),
    CONSTRAINT group_buy_member_units CHECK (units > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
