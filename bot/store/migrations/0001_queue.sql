-- procrastinate notifies its workers of new jobs only. A job that waited for another's lock can
-- start when that one ends, so its end wakes the workers of its queue as a new job would.
create function wake_next_of_lock() returns trigger language plpgsql as $$
begin
    perform pg_notify(
        'procrastinate_queue_v1#' || old.queue_name,
        json_build_object('type', 'job_inserted', 'job_id', old.id)::text
    );
    return null;
end;
$$;

create trigger wake_next_of_lock_when_finished
    after update of status on procrastinate_jobs for each row
    when (old.lock is not null and old.status = 'doing' and new.status <> 'doing')
    execute function wake_next_of_lock();

create trigger wake_next_of_lock_when_deleted
    after delete on procrastinate_jobs for each row
    when (old.lock is not null and old.status = 'doing')
    execute function wake_next_of_lock();
