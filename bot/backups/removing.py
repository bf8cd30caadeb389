"""SQL that removes a database and ends sessions, the same for every version of PostgreSQL."""

# One whose removal was cut off (-2) can be removed, and nothing else: nobody gets in any more.
DROP = r"""
select format('alter database %I with is_template false allow_connections false', datname)
from pg_catalog.pg_database where datname = :'name' and datconnlimit <> -2 \gexec
select format(
    'do $$begin
        for round in 1..200 loop
            perform pg_catalog.pg_stat_clear_snapshot();
            perform pg_catalog.pg_terminate_backend(pid)
            from pg_catalog.pg_stat_activity where datid = %s;
            exit when not found;
            perform pg_catalog.pg_sleep(0.05);
        end loop;
    end$$', oid)
from pg_catalog.pg_database where datname = :'name' \gexec
select format('drop database %I', datname)
from pg_catalog.pg_database where datname = :'name' \gexec
"""
"""Removes the database :'name', whoever is connected; one that is not there is no error. Nobody can
come back in meanwhile, so that this also ends tools that try again."""

END_SESSIONS = r"""
do $$begin
    for round in 1..400 loop
        perform pg_catalog.pg_stat_clear_snapshot();
        perform pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
        where application_name = current_setting('application_name')
            and pid <> pg_catalog.pg_backend_pid();
        exit when not found;
        perform pg_catalog.pg_sleep(0.05);
    end loop;
end$$;
select count(*) from pg_catalog.pg_stat_activity
where application_name = current_setting('application_name')
    and pid <> pg_catalog.pg_backend_pid();
"""
"""Ends the other sessions that bear the own session's name, and answers how many are left."""
