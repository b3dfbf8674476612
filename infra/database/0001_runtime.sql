-- What the runtime keeps: sessions, idempotency rows, outbox, consumer de-duplication, callback inbox, platform tokens.

CREATE TABLE IF NOT EXISTS member_session (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    member_id BIGINT UNSIGNED NOT NULL,
    created_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    revoked_at DATETIME(6) NULL,
    KEY by_member (member_id),
    KEY by_expiry (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS idempotency (
    member_id BIGINT UNSIGNED NOT NULL,
    operation VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    idempotency_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    request_hash BINARY(32) NOT NULL,
    status SMALLINT UNSIGNED NULL,
    body MEDIUMTEXT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (member_id, operation, idempotency_key),
    KEY by_age (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS outbox (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    topic VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject VARCHAR(64) NOT NULL,
    payload MEDIUMTEXT NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    published_at DATETIME(6) NULL,
    KEY by_publication (published_at, id),
    KEY by_subject (subject, topic),
    CONSTRAINT outbox_payload_is_json CHECK (JSON_VALID(payload))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS consumed_event (
    consumer VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    event_id BIGINT UNSIGNED NOT NULL,
    consumed_at DATETIME(6) NOT NULL,
    PRIMARY KEY (consumer, event_id),
    KEY by_age (consumed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS callback_inbox (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    source VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    event_id VARCHAR(64) NOT NULL,
    subject VARCHAR(64) NOT NULL,
    payload MEDIUMTEXT NOT NULL,
    received_at DATETIME(6) NOT NULL,
    processed_at DATETIME(6) NULL,
    outcome VARCHAR(40) NULL,
    UNIQUE KEY one_event (source, event_id),
    KEY open_events (source, processed_at, id),
    KEY by_processing (processed_at),
    CONSTRAINT inbox_payload_is_json CHECK (JSON_VALID(payload))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS access_token (
    name VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    token_sealed VARBINARY(4096) NOT NULL,
    expires_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
