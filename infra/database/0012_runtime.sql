-- What scheduled jobs remember between runs: items that must wait for their next turn, and how far a walk has come.

-- An item that a sweep could not finish is left alone until next_try_at, longer after each try.
CREATE TABLE IF NOT EXISTS retry_pause (
    sweep VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    item_id BIGINT UNSIGNED NOT NULL,
    tries SMALLINT UNSIGNED NOT NULL,
    next_try_at DATETIME(6) NOT NULL,
    PRIMARY KEY (sweep, item_id),
    KEY by_age (next_try_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A walk through a table by its ids: everything up to position was seen since started_at; completed_at is when the
-- last row was reached the last time.
CREATE TABLE IF NOT EXISTS walk_cursor (
    walk VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    position BIGINT UNSIGNED NOT NULL,
    started_at DATETIME(6) NOT NULL,
    completed_at DATETIME(6) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
