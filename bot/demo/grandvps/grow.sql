-- GrandVPS's business from where its tables end until now: two years of it in an empty database,
-- the last minutes at a later start. The same rows at every run, as far as their number goes:
-- hashint8extended stands in for chance, with another seed for each column.

-- One at a time, and nobody writes meanwhile: each goes on from the highest number there is, and
-- sets the sequences by it.
LOCK TABLE users, vps_instances, payments, support_tickets IN SHARE ROW EXCLUSIVE MODE;

INSERT INTO users (id, email, name, country, is_active, is_staff, last_login, created_at)
SELECT n,
       lower(format('%s.%s%s@example.com', first, last, n)),
       format('%s %s', first, last),
       (ARRAY['DE', 'DE', 'FI', 'PT', 'FR', 'NL', 'GB', 'US'])[1 + abs(hashint8extended(n, 3) % 8)],
       n % 23 <> 0,
       n % 9973 = 1,
       greatest(at, now() - abs(hashint8extended(n, 4) % 90) * interval '1 day' - interval '1 hour'),
       at
FROM (
    SELECT n, at,
           (ARRAY['Ada', 'Ben', 'Chloe', 'David', 'Elif', 'Finn', 'Grace', 'Hugo', 'Ines', 'Jonas',
                  'Kira', 'Liam', 'Mia', 'Noah', 'Olga', 'Pedro', 'Rosa', 'Sami', 'Tom', 'Yara'])
               [1 + abs(hashint8extended(n, 1) % 20)] AS first,
           (ARRAY['Anders', 'Becker', 'Costa', 'Dubois', 'Evans', 'Fischer', 'Garcia', 'Hansen',
                  'Ivanov', 'Jansen', 'Keller', 'Lopes', 'Moreau', 'Nguyen', 'Olsen', 'Pereira',
                  'Rossi', 'Schmidt', 'Turner', 'Virtanen'])
               [1 + abs(hashint8extended(n, 2) % 20)] AS last
    FROM (SELECT coalesce(max(id), 0) AS before,
                 coalesce(max(created_at), now() - interval '730 days') AS since FROM users) AS known,
         generate_series(since + interval '1051 s', now(), interval '1051 s')
             WITH ORDINALITY AS step (at, position),
         LATERAL (SELECT before + position AS n) AS numbered
) AS people;

INSERT INTO vps_instances (id, user_id, hostname, address, plan, region, status, created_at)
SELECT n,
       1 + abs(hashint8extended(n, 5) % greatest(1, floor(extract(epoch FROM at - opened) / 1051)::bigint)),
       format('vps-%s.grandvps.example', n),
       '10.0.0.0'::inet + n,
       (ARRAY['nano', 'small', 'small', 'medium', 'large'])[1 + abs(hashint8extended(n, 6) % 5)],
       (ARRAY['fra', 'hel', 'lis'])[1 + abs(hashint8extended(n, 7) % 3)],
       CASE WHEN n % 9000 = 0 THEN 'failed' WHEN n % 4 = 0 THEN 'deleted'
            WHEN n % 11 = 0 THEN 'stopped' ELSE 'running' END,
       at
FROM (SELECT coalesce(max(id), 0) AS before,
             coalesce(max(created_at), now() - interval '730 days') AS since FROM vps_instances) AS known,
     (SELECT min(created_at) - interval '1051 s' AS opened FROM users) AS business,
     generate_series(since + interval '1400 s', now(), interval '1400 s')
         WITH ORDINALITY AS step (at, position),
     LATERAL (SELECT before + position AS n) AS numbered;

-- Three in four hundred fail, which is three a day.
INSERT INTO payments
    (id, user_id, amount, method, status, gateway_reference, failure_reason, created_at)
SELECT n,
       1 + abs(hashint8extended(n, 8) % greatest(1, floor(extract(epoch FROM at - opened) / 1051)::bigint)),
       (ARRAY[4.99, 9.99, 9.99, 19.99, 39.99, 79.99])[1 + abs(hashint8extended(n, 9) % 6)],
       (ARRAY['card', 'card', 'sepa', 'paypal'])[1 + abs(hashint8extended(n, 10) % 4)],
       CASE WHEN n % 133 = 0 THEN 'failed' ELSE 'paid' END,
       'pi_' || md5(n::text),
       CASE WHEN n % 133 = 0 THEN (ARRAY['card_declined', 'insufficient_funds', 'expired_card'])
           [1 + abs(hashint8extended(n, 11) % 3)] END,
       at
FROM (SELECT coalesce(max(id), 0) AS before,
             coalesce(max(created_at) FILTER (WHERE gateway_reference LIKE 'pi_%'),
                      now() - interval '730 days') AS since FROM payments) AS known,
     (SELECT min(created_at) - interval '1051 s' AS opened FROM users) AS business,
     generate_series(since + interval '216 s', now(), interval '216 s')
         WITH ORDINALITY AS step (at, position),
     LATERAL (SELECT before + position AS n) AS numbered;

INSERT INTO support_tickets (id, user_id, subject, body, category, opened_at)
SELECT n,
       1 + abs(hashint8extended(n, 12) % greatest(1, floor(extract(epoch FROM at - opened) / 1051)::bigint)),
       (ARRAY['My payment was declined', 'I cannot reach my server', 'I cannot sign in',
              'Question about my invoice'])[kind],
       (ARRAY['The card is valid, but the payment fails. What can I do?',
              'Since this morning my server does not answer on port 22.',
              'The password reset mail does not arrive.',
              'The last invoice shows two servers; I have one.'])[kind],
       (ARRAY['payment', 'access', 'login', 'billing'])[kind],
       at
FROM (SELECT coalesce(max(id), 0) AS before,
             coalesce(max(opened_at), now() - interval '730 days') AS since FROM support_tickets) AS known,
     (SELECT min(created_at) - interval '1051 s' AS opened FROM users) AS business,
     generate_series(since + interval '2102 s', now(), interval '2102 s')
         WITH ORDINALITY AS step (at, position),
     LATERAL (SELECT before + position AS n, 1 + abs(hashint8extended(before + position, 13) % 4) AS kind)
         AS numbered;

-- Answered within the hour, closed within the working day, as the guide asks.
UPDATE support_tickets
SET answered_at = opened_at + (5 + abs(hashint8extended(id, 14) % 50)) * interval '1 minute'
WHERE answered_at IS NULL AND opened_at < now() - interval '1 hour';

UPDATE support_tickets
SET closed_at = opened_at + (60 + abs(hashint8extended(id, 15) % 420)) * interval '1 minute'
WHERE closed_at IS NULL AND opened_at < now() - interval '8 hours';

SELECT setval(pg_get_serial_sequence('users', 'id'), (SELECT max(id) FROM users)),
       setval(pg_get_serial_sequence('vps_instances', 'id'), (SELECT max(id) FROM vps_instances)),
       setval(pg_get_serial_sequence('payments', 'id'), (SELECT max(id) FROM payments)),
       setval(pg_get_serial_sequence('support_tickets', 'id'), (SELECT max(id) FROM support_tickets));
