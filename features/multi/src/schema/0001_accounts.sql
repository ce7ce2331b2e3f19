-- Placeholder until the accounts are built.
CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) BETWEEN 1 AND 128)
) STRICT;
