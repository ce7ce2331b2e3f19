-- Who has how many credits, and why. All times are epoch milliseconds in UTC.

-- One row for each person who ever had credits. It names no row of `users`: an admin may grant
-- credits to somebody who signs in for the first time next week.
CREATE TABLE tenant_credits (
    user_id TEXT PRIMARY KEY NOT NULL CHECK (length(user_id) BETWEEN 1 AND 128),
    purchased_balance INTEGER NOT NULL CHECK (purchased_balance BETWEEN 0 AND 2000000000),
    replenish_balance INTEGER NOT NULL CHECK (replenish_balance BETWEEN 0 AND 2000000000),
    -- The boundary that the replenish bucket was last reset at; NULL is never due.
    last_replenish_at INTEGER CHECK (last_replenish_at >= 0),
    lifetime_granted INTEGER NOT NULL CHECK (lifetime_granted >= 0),
    lifetime_consumed INTEGER NOT NULL CHECK (lifetime_consumed >= 0),
    -- When the seed of sign-up was given; NULL where a grant made the row and it is still to come.
    seeded_at INTEGER CHECK (seeded_at >= 0),
    -- The number of the newest journal entry: one that were missing would be missed.
    entries INTEGER NOT NULL CHECK (entries >= 0)
) STRICT, WITHOUT ROWID;

-- Every change of a balance, numbered for each person from 1 on.
CREATE TABLE credit_journal (
    user_id TEXT NOT NULL CHECK (length(user_id) BETWEEN 1 AND 128),
    entry INTEGER NOT NULL CHECK (entry >= 1),
    at INTEGER NOT NULL CHECK (at >= 0),
    kind TEXT NOT NULL CHECK (kind IN
        ('seed', 'refill', 'debit', 'refund', 'grant', 'purchase', 'trial_carry_over', 'closing')),
    bucket TEXT NOT NULL CHECK (bucket IN ('replenish', 'purchased')),
    -- By how much the bucket changed. 0 where only a date moved, or where a refund came too late.
    amount INTEGER NOT NULL CHECK (amount BETWEEN -2000000000 AND 2000000000),
    purchased_after INTEGER NOT NULL CHECK (purchased_after BETWEEN 0 AND 2000000000),
    replenish_after INTEGER NOT NULL CHECK (replenish_after BETWEEN 0 AND 2000000000),
    -- The job of a debit or refund, the invoice of a purchase, the trial of a carry-over.
    key TEXT CHECK (length(key) BETWEEN 1 AND 200),
    reason TEXT CHECK (length(reason) BETWEEN 1 AND 500),
    -- Who did it: `system`, or an admin's id.
    by_whom TEXT CHECK (length(by_whom) BETWEEN 1 AND 200),
    PRIMARY KEY (user_id, entry)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER credit_journal_is_never_deleted BEFORE DELETE ON credit_journal
BEGIN
    SELECT raise(ABORT, 'the credit journal is append-only');
END;

-- An account that is deleted keeps its numbers under a name that no person can have, without what
-- could lead back to one.
CREATE TRIGGER credit_journal_is_never_changed BEFORE UPDATE ON credit_journal
WHEN NOT (
    OLD.user_id NOT LIKE 'gone/%' AND NEW.user_id LIKE 'gone/%'
    AND NEW.key IS NULL AND NEW.reason IS NULL AND NEW.by_whom IS NULL
    AND NEW.entry = OLD.entry AND NEW.at = OLD.at AND NEW.kind = OLD.kind
    AND NEW.bucket = OLD.bucket AND NEW.amount = OLD.amount
    AND NEW.purchased_after = OLD.purchased_after AND NEW.replenish_after = OLD.replenish_after
)
BEGIN
    SELECT raise(ABORT, 'the credit journal is append-only');
END;

-- What was paid for: each job once, and given back once.
CREATE TABLE credit_debits (
    user_id TEXT NOT NULL CHECK (length(user_id) BETWEEN 1 AND 128),
    job TEXT NOT NULL CHECK (length(job) BETWEEN 1 AND 64),
    bucket TEXT NOT NULL CHECK (bucket IN ('replenish', 'purchased')),
    debited_at INTEGER NOT NULL CHECK (debited_at >= 0),
    -- `last_replenish_at` at that time: where it differs later, the bucket was reset meanwhile.
    period_at INTEGER CHECK (period_at >= 0),
    refunded_at INTEGER CHECK (refunded_at >= 0),
    PRIMARY KEY (user_id, job)
) STRICT, WITHOUT ROWID;

-- What was added under a key (an invoice, a trial): each key once, whoever delivers it how often.
CREATE TABLE credit_additions (
    kind TEXT NOT NULL CHECK (kind IN ('grant', 'purchase', 'trial_carry_over')),
    key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    user_id TEXT NOT NULL CHECK (length(user_id) BETWEEN 1 AND 128),
    amount INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 2000000000),
    added_at INTEGER NOT NULL CHECK (added_at >= 0),
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX credit_additions_of_a_person ON credit_additions (user_id);
