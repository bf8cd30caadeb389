ALTER TABLE support_tickets ADD COLUMN priority text NOT NULL DEFAULT 'normal'
    CHECK (priority IN ('low', 'normal', 'critical'));
UPDATE support_tickets SET priority = 'critical' WHERE category = 'access' AND closed_at IS NULL;
