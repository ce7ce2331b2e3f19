-- Tenants, their sessions, magic links, trials, what is still to be mailed and moved, and counters.
-- Ids are text, times are epoch milliseconds, secrets are kept as SHA-256 only.

-- A signed-up person. The id is a folder name and the relay's user id: made by the daemon alone.
CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL
        CHECK (length(id) BETWEEN 1 AND 128 AND id NOT GLOB '*[^a-z0-9-]*' AND id GLOB '[a-z0-9]*'
            AND id NOT IN ('owner', 'anon')),
    email TEXT NOT NULL UNIQUE
        CHECK (length(email) BETWEEN 3 AND 254 AND email = lower(email) AND instr(email, '@') > 1),
    tier TEXT NOT NULL DEFAULT 'core' CHECK (tier IN ('core', 'pro', 'max')),
    -- NULL: without an end.
    tier_expires_at INTEGER CHECK (tier_expires_at >= 0),
    -- When the relay last told the tier; NULL where this database owns it.
    tier_read_at INTEGER CHECK (tier_read_at >= 0),
    is_admin INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
    password_hash TEXT CHECK (password_hash LIKE '$argon2id$%'),
    created_at INTEGER NOT NULL,
    last_signin_at INTEGER
) STRICT;
CREATE INDEX users_by_age ON users (created_at, id);
CREATE INDEX users_admins ON users (is_admin, created_at);

-- Who had a seed of credits once has none again after deleting the account: SHA-256 of the address.
CREATE TABLE former_addresses (
    address_hash BLOB PRIMARY KEY NOT NULL CHECK (length(address_hash) = 32),
    left_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A sign-in: of a person for weeks, or a pass that the daemon holds for minutes.
CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY NOT NULL CHECK (length(token_hash) = 32),
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('person', 'pass')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at),
    last_seen_at INTEGER NOT NULL,
    label TEXT NOT NULL CHECK (length(label) <= 120)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id, kind, last_seen_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- One row for each mail that was made; two tries of one ask are two rows, and either one signs in.
CREATE TABLE magic_links (
    token_hash BLOB PRIMARY KEY NOT NULL CHECK (length(token_hash) = 32),
    code_hash BLOB NOT NULL CHECK (length(code_hash) = 32),
    -- Of the secret cookie that the asking browser got: the code works only with it.
    browser_hash BLOB NOT NULL CHECK (length(browser_hash) = 32),
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    -- Wrong codes.
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 5)
) STRICT, WITHOUT ROWID;
CREATE INDEX magic_links_by_browser ON magic_links (browser_hash);
CREATE INDEX magic_links_by_email ON magic_links (email);
CREATE INDEX magic_links_by_expiry ON magic_links (expires_at);

-- What is to be mailed: what to say, never the words. A link's secret is made when the mail is.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    payload TEXT NOT NULL CHECK (json_valid(payload)),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at),
    not_before INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0)
) STRICT;
CREATE INDEX outbox_by_turn ON outbox (not_before, created_at);
CREATE INDEX outbox_by_expiry ON outbox (expires_at);

-- An anonymous visitor's trial; its folder is history/anon/<id>/.
CREATE TABLE trials (
    id TEXT PRIMARY KEY NOT NULL
        CHECK (length(id) BETWEEN 1 AND 128 AND id NOT GLOB '*[^a-z0-9-]*' AND id GLOB '[a-z0-9]*'),
    cookie_hash BLOB NOT NULL UNIQUE CHECK (length(cookie_hash) = 32),
    network TEXT NOT NULL,
    credits_total INTEGER NOT NULL CHECK (credits_total BETWEEN 0 AND 1000),
    credits_used INTEGER NOT NULL DEFAULT 0 CHECK (credits_used BETWEEN 0 AND credits_total),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at),
    -- Whose it became at sign-up, once.
    user_id TEXT REFERENCES users (id) ON DELETE SET NULL,
    linked_at INTEGER,
    CHECK (user_id IS NULL OR linked_at IS NOT NULL)
) STRICT;
CREATE INDEX trials_by_age ON trials (created_at, id);
CREATE INDEX trials_by_expiry ON trials (expires_at);
CREATE INDEX trials_by_user ON trials (user_id);

-- How many trials a network ever had: outlives the trials, since the cap is for life.
CREATE TABLE trial_networks (
    network TEXT PRIMARY KEY NOT NULL,
    trials INTEGER NOT NULL CHECK (trials >= 0)
) STRICT, WITHOUT ROWID;

-- Each job of a trial pays once and is refunded at most once.
CREATE TABLE trial_debits (
    trial_id TEXT NOT NULL REFERENCES trials (id) ON DELETE CASCADE,
    job TEXT NOT NULL,
    debited_at INTEGER NOT NULL,
    refunded_at INTEGER,
    PRIMARY KEY (trial_id, job)
) STRICT, WITHOUT ROWID;

-- Folders that follow a commit: adopted by another scope, or erased where `into_scope` is NULL.
CREATE TABLE folder_work (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL,
    into_scope TEXT,
    created_at INTEGER NOT NULL,
    CHECK (into_scope IS NULL OR into_scope <> scope)
) STRICT;

-- Rates: the time at which the bucket of this key will be empty again.
CREATE TABLE rate_limits (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    empty_at INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX rate_limits_by_end ON rate_limits (empty_at);

-- The link by which the first admin comes in where no address is configured; one row.
CREATE TABLE set_up (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    token_hash BLOB NOT NULL CHECK (length(token_hash) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
