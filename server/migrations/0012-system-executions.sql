-- Few executions are the system's own. Lists leave them out, and count the others as all but these.
create index executions_system on executions (tenant_id, uid) where system;
