-- Payments: one payment per order, every call to WeChat Pay, every fen that came and went, and what nobody expected.

-- out_trade_no is the order number. prepay_body holds the exact bytes that were posted, because WeChat Pay refuses
-- any other body under the same number; the payer's openid stands in it and nowhere else.
CREATE TABLE IF NOT EXISTS payment (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    order_id BIGINT UNSIGNED NOT NULL,
    order_number VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    amount_fen BIGINT UNSIGNED NOT NULL,
    -- CREATED: WeChat Pay is not known to have the number. UNKNOWN: a prepay had no trustworthy answer.
    -- PREPAID: WeChat Pay has it, unpaid. SUCCESS: paid. CLOSED: can never be paid.
    state VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    prepay_body BLOB NULL,
    prepay_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    prepay_expires_at DATETIME(6) NULL,
    -- Set once somebody began to close it: no new prepay from then on.
    closing_at DATETIME(6) NULL,
    -- The ladder of queries for payments that brought no notification; NULL: nothing to ask.
    next_query_at DATETIME(6) NULL,
    query_attempt SMALLINT UNSIGNED NOT NULL DEFAULT 0,
    paid_at DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    UNIQUE KEY one_per_order (order_id),
    UNIQUE KEY by_number (order_number),
    KEY due_queries (next_query_at),
    CONSTRAINT payment_state CHECK (state IN ('CREATED', 'UNKNOWN', 'PREPAID', 'SUCCESS', 'CLOSED')),
    CONSTRAINT payment_paid CHECK ((state = 'SUCCESS') = (paid_at IS NOT NULL)),
    CONSTRAINT payment_body CHECK (amount_fen = 0 OR prepay_body IS NOT NULL)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A call that changes something at WeChat Pay: written before it, ended after it. What stays open is finished by
-- the sweep. Refunds are their own intents.
CREATE TABLE IF NOT EXISTS payment_call (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    payment_id BIGINT UNSIGNED NOT NULL,
    kind VARCHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- OPEN: under way, or its caller died. UNKNOWN: no trustworthy answer. Both are decided by a query alone.
    state VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    note VARCHAR(80) NOT NULL DEFAULT '',
    tries SMALLINT UNSIGNED NOT NULL DEFAULT 1,
    started_at DATETIME(6) NOT NULL,
    next_try_at DATETIME(6) NULL,
    ended_at DATETIME(6) NULL,
    KEY of_payment (payment_id, state),
    KEY open_calls (next_try_at),
    CONSTRAINT payment_call_kind CHECK (kind IN ('PREPAY', 'CLOSE')),
    CONSTRAINT payment_call_state CHECK (state IN ('OPEN', 'UNKNOWN', 'DONE', 'NOT_DONE', 'REFUSED')),
    CONSTRAINT payment_call_end CHECK ((state IN ('OPEN', 'UNKNOWN')) = (ended_at IS NULL)),
    CONSTRAINT payment_call_try CHECK ((ended_at IS NULL) = (next_try_at IS NOT NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Money that arrived. effective is 1 for the one that pays the order and NULL for surplus, which goes back by itself.
CREATE TABLE IF NOT EXISTS payment_receipt (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    payment_id BIGINT UNSIGNED NOT NULL,
    transaction_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    amount_fen BIGINT UNSIGNED NOT NULL,
    effective TINYINT UNSIGNED NULL,
    source VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    succeeded_at DATETIME(6) NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    UNIQUE KEY by_transaction (transaction_id),
    UNIQUE KEY one_effective (payment_id, effective),
    CONSTRAINT payment_receipt_effective CHECK (effective = 1),
    CONSTRAINT payment_receipt_amount CHECK (amount_fen > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Money that goes back. out_refund_no is fixed with the row: every retry uses it, another one would be another refund.
-- receipt_id names what is given back; NULL for the refund of an order that cost nothing.
CREATE TABLE IF NOT EXISTS refund (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    payment_id BIGINT UNSIGNED NOT NULL,
    receipt_id BIGINT UNSIGNED NULL,
    order_id BIGINT UNSIGNED NOT NULL,
    order_number VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    out_refund_no VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- ORDER: asked for here, with its lines. SURPLUS: by itself. EXTERNAL: begun in the merchant console.
    kind VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    request_key VARCHAR(80) NOT NULL,
    amount_fen BIGINT UNSIGNED NOT NULL,
    reason VARCHAR(80) NOT NULL,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    wechat_refund_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    -- Fixed with the first call, since the whole body must stay the same.
    notify_url VARCHAR(256) NULL,
    tries SMALLINT UNSIGNED NOT NULL DEFAULT 0,
    problem VARCHAR(80) NOT NULL DEFAULT '',
    next_try_at DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    ended_at DATETIME(6) NULL,
    UNIQUE KEY by_number (out_refund_no),
    UNIQUE KEY one_per_request (payment_id, request_key),
    KEY of_order (order_id),
    KEY due_refunds (next_try_at),
    CONSTRAINT refund_kind CHECK (kind IN ('ORDER', 'SURPLUS', 'EXTERNAL')),
    CONSTRAINT refund_state CHECK (state IN ('CREATED', 'PROCESSING', 'SUCCESS', 'CLOSED', 'ABNORMAL')),
    CONSTRAINT refund_receipt CHECK (receipt_id IS NOT NULL OR amount_fen = 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What of an order line a refund gives back. Goods and freight apart, so that neither exceeds what was paid for it.
CREATE TABLE IF NOT EXISTS refund_line (
    refund_id BIGINT UNSIGNED NOT NULL,
    order_line_id BIGINT UNSIGNED NOT NULL,
    units INT UNSIGNED NOT NULL,
    goods_fen BIGINT UNSIGNED NOT NULL,
    freight_fen BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (refund_id, order_line_id),
    KEY of_line (order_line_id),
    CONSTRAINT refund_line_units CHECK (units > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Double entry: debits positive, credits negative, every entry sums to zero. cause is the business key of the entry
-- (payment:<transaction>, surplus:<transaction>, refund:<out_refund_no>), so that no event is posted twice.
CREATE TABLE IF NOT EXISTS money_posting (
    entry_id BIGINT UNSIGNED NOT NULL,
    account VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    amount_fen BIGINT NOT NULL,
    cause VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_number VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (entry_id, account),
    UNIQUE KEY once (cause, account),
    KEY of_order (order_number),
    CONSTRAINT money_posting_account CHECK (account IN ('gateway_clearing', 'customer_wallet', 'revenue', 'freight',
        'discount_expense', 'refund_payable', 'commission_payable', 'fee')),
    CONSTRAINT money_posting_amount CHECK (amount_fen <> 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What an operator must look at. One row per kind and subject, however often it comes again.
CREATE TABLE IF NOT EXISTS payment_exception (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    kind VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    detail TEXT NOT NULL,
    times INT UNSIGNED NOT NULL DEFAULT 1,
    first_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    last_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    resolved_at DATETIME(6) NULL,
    resolution VARCHAR(40) NULL,
    UNIQUE KEY one_per_subject (kind, subject),
    KEY open_exceptions (resolved_at, id),
    CONSTRAINT payment_exception_detail CHECK (JSON_VALID(detail))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
