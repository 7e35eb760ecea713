-- Whatever is deleted is looked for in every table that refers to it. Where such a table may be long, an index answers: else each
-- execution that goes with its deployment read all deployments twice (15 ms each at 100,000). test/foreign-keys.test.ts holds this.

create index deployments_created_by_execution on deployments (create_execution_uid) where create_execution_uid is not null;
create index deployments_latest_execution on deployments (latest_execution_uid) where latest_execution_uid is not null;
create index dispatched_operations_worker on dispatched_operations (worker_uid) where worker_uid is not null;
create index server_history_server on server_history (server_uid);
create index server_syncs_account on server_syncs (cloud_account_uid);
create index services_offer on services (offer_uid) where offer_uid is not null;
create index order_errands_of_order on order_errands (order_uid);
create index quota_holds_of_item on quota_holds (order_item_uid);
create index deployment_dependencies_of_source on deployment_dependencies (source_uid) where source_uid is not null;
create index service_history_service on service_history (service_uid);
