CREATE INDEX payments_created_at ON payments (created_at);
CREATE INDEX payments_user ON payments (user_id);
CREATE INDEX vps_instances_user ON vps_instances (user_id);
CREATE INDEX support_tickets_open ON support_tickets (opened_at) WHERE closed_at IS NULL;
CREATE INDEX django_session_expire_date ON django_session (expire_date);
