-- A hosting platform's database in small: what a backup must bring back, and what checks ask about.
-- The rows are the same at every run, apart from their times, which end now.
BEGIN;

CREATE ROLE grandvps_readonly NOLOGIN;

CREATE TYPE vps_status AS ENUM ('provisioning', 'running', 'stopped', 'failed');

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    preferences jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL
);

CREATE TABLE vps_instances (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    hostname text NOT NULL UNIQUE,
    address inet NOT NULL,
    status vps_status NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL
);
CREATE INDEX ON vps_instances (user_id);

CREATE TABLE payments (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    amount numeric(10, 2) NOT NULL CHECK (amount > 0),
    currency char(3) NOT NULL DEFAULT 'EUR',
    status text NOT NULL CHECK (status IN ('paid', 'pending', 'failed')),
    receipt bytea,
    created_at timestamptz NOT NULL
);
CREATE INDEX ON payments (created_at) WHERE status = 'failed';

CREATE TABLE support_tickets (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    subject text NOT NULL,
    body text NOT NULL,
    priority text NOT NULL CHECK (priority IN ('low', 'normal', 'critical')),
    opened_at timestamptz NOT NULL,
    answered_at timestamptz,
    closed_at timestamptz
);

CREATE SEQUENCE invoice_numbers START 10000;

CREATE VIEW revenue_by_day AS
    SELECT date_trunc('day', created_at) AS day, currency, sum(amount) AS revenue
    FROM payments WHERE status = 'paid' GROUP BY 1, 2;

CREATE FUNCTION forbid_deleting_payments() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'payments are kept'; END$$;
CREATE TRIGGER keep_payments BEFORE DELETE ON payments
    FOR EACH ROW EXECUTE FUNCTION forbid_deleting_payments();

GRANT SELECT ON ALL TABLES IN SCHEMA public TO grandvps_readonly;

INSERT INTO users (email, name, is_active, preferences, created_at)
SELECT format('user%s@example.com', i), format('Üser "%s" O''Neill', i), i % 17 <> 0,
       jsonb_build_object('theme', CASE WHEN i % 2 = 0 THEN 'dark' ELSE 'light' END, 'n', i),
       now() - i * interval '3 hours'
FROM generate_series(1, 1000) AS i;

INSERT INTO vps_instances (user_id, hostname, address, status, tags, created_at)
SELECT 1 + i % 1000, format('vps-%s.example.com', i), '10.0.0.0'::inet + i,
       (ARRAY['running', 'running', 'running', 'stopped', 'provisioning', 'failed'])[1 + i % 6]::vps_status,
       ARRAY['eu', format('plan-%s', i % 4)], now() - i * interval '1 hour'
FROM generate_series(1, 1500) AS i;

-- One in ten failed; the newest of them lie within the last day.
INSERT INTO payments (user_id, amount, status, receipt, created_at)
SELECT 1 + i % 1000, 5 + i % 95 + 0.99,
       CASE WHEN i % 10 = 0 THEN 'failed' WHEN i % 10 = 1 THEN 'pending' ELSE 'paid' END,
       decode(md5(i::text), 'hex'), now() - i * interval '20 minutes'
FROM generate_series(1, 3000) AS i;

INSERT INTO support_tickets (user_id, subject, body, priority, opened_at, answered_at, closed_at)
SELECT 1 + i % 1000, format('Ticket %s', i), repeat(md5(i::text) || E'\n', 8),
       (ARRAY['low', 'normal', 'normal', 'critical'])[1 + i % 4], now() - i * interval '2 hours',
       CASE WHEN i > 5 THEN now() - i * interval '2 hours' + interval '40 minutes' END,
       CASE WHEN i > 20 THEN now() - i * interval '2 hours' + interval '9 hours' END
FROM generate_series(1, 500) AS i;

SELECT setval('invoice_numbers', 13000);
SELECT lo_from_bytea(4711, convert_to(repeat('a scanned contract ', 500), 'UTF8'));

COMMIT;
ANALYZE;
