-- Members: who they are at WeChat, how they show themselves, where their parcels go.

CREATE TABLE IF NOT EXISTS member (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    -- The openid itself is encrypted, so a leaked table names nobody at WeChat; the keyed hash finds it again.
    openid_hash BINARY(32) NOT NULL,
    openid_sealed VARBINARY(255) NOT NULL,
    state VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    nickname VARCHAR(32) NOT NULL DEFAULT '',
    avatar_url VARCHAR(500) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    gender VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'UNKNOWN',
    birthday DATE NULL,
    phone_hash BINARY(32) NULL,
    phone_sealed VARBINARY(255) NULL,
    phone_bound_at DATETIME(6) NULL,
    joined_at DATETIME(6) NOT NULL,
    UNIQUE KEY one_member_per_openid (openid_hash),
    UNIQUE KEY one_member_per_phone (phone_hash),
    CONSTRAINT member_state CHECK (state IN ('ACTIVE', 'FROZEN')),
    CONSTRAINT member_gender CHECK (gender IN ('UNKNOWN', 'MALE', 'FEMALE')),
    CONSTRAINT member_phone CHECK ((phone_hash IS NULL) = (phone_sealed IS NULL)
        AND (phone_hash IS NULL) = (phone_bound_at IS NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS member_address (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    member_id BIGINT UNSIGNED NOT NULL,
    -- 1 or NULL: a unique key lets any number of NULLs stand, so each member has one default at most.
    default_mark TINYINT UNSIGNED NULL,
    region_code CHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    province VARCHAR(40) NOT NULL,
    city VARCHAR(40) NOT NULL,
    district VARCHAR(40) NOT NULL,
    tag VARCHAR(10) NOT NULL,
    recipient_sealed VARBINARY(255) NOT NULL,
    phone_sealed VARBINARY(255) NOT NULL,
    detail_sealed VARBINARY(1024) NOT NULL,
    -- "latitude,longitude" in GCJ-02 degrees.
    position_sealed VARBINARY(255) NULL,
    UNIQUE KEY one_default (member_id, default_mark),
    KEY by_member (member_id, id),
    CONSTRAINT member_address_default CHECK (default_mark IS NULL OR default_mark = 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
