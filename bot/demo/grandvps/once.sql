-- What Django keeps beside the business: signed-in people, and what the staff did.
INSERT INTO django_session (session_key, session_data, expire_date)
SELECT md5(n::text), encode(sha256(n::text::bytea), 'base64'), now() + n * interval '7 minutes'
FROM generate_series(1, 2000) AS n;

INSERT INTO django_admin_log (user_id, action_time, object_repr, change_message)
SELECT 1, now() - n * interval '1 day', format('user %s', n * 37), 'Changed e-mail address.'
FROM generate_series(1, 400) AS n;

INSERT INTO django_migrations (app, name, applied)
SELECT app, '0001_initial', now() - interval '730 days'
FROM unnest(ARRAY['contenttypes', 'auth', 'admin', 'sessions']) AS app;
