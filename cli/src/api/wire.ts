/** What the program reads of the server's answers (Cloudify REST v3.1). Only the fields it uses are named. */

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly metadata: {
    readonly pagination: { readonly total: number; readonly offset: number; readonly size: number };
  };
}

export interface Label {
  readonly key: string;
  readonly value: string;
}

export interface BlueprintRecord {
  readonly id: string;
  readonly description: string | null;
  readonly main_file_name: string | null;
  readonly state?: string | null;
  readonly error?: string | null;
  readonly created_at: string;
  readonly created_by: string;
  readonly visibility: string;
  readonly tenant_name: string;
  readonly labels?: readonly Label[];
  readonly plan?: {
    readonly nodes?: readonly unknown[];
    readonly inputs?: Readonly<
      Record<string, { readonly default?: unknown; readonly type?: string; readonly description?: string }>
    >;
  } | null;
}

export interface DeploymentRecord {
  readonly id: string;
  readonly display_name?: string | null;
  readonly blueprint_id: string;
  readonly description?: string | null;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly workflows?: readonly { readonly name: string }[] | null;
  readonly labels?: readonly Label[];
  readonly installation_status?: string | null;
  readonly deployment_status?: string | null;
  readonly latest_execution?: string | null;
  readonly latest_execution_status?: string | null;
  readonly latest_execution_workflow_id?: string | null;
  readonly created_at: string;
  readonly created_by: string;
  readonly visibility: string;
  readonly tenant_name: string;
}

export interface ExecutionRecord {
  readonly id: string;
  readonly deployment_id: string | null;
  readonly blueprint_id: string | null;
  readonly workflow_id: string;
  readonly status: string;
  readonly status_display?: string | null;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly error: string | null;
  readonly is_dry_run?: boolean;
  readonly created_at: string;
  readonly created_by: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly total_operations?: number | null;
  readonly finished_operations?: number | null;
}

export interface EventRecord {
  readonly _storage_id?: number | string;
  readonly type: string;
  readonly event_type?: string | null;
  readonly level?: string | null;
  readonly logger?: string | null;
  readonly timestamp: string;
  readonly reported_timestamp?: string | null;
  readonly message: string;
  readonly operation: string | null;
  readonly execution_id?: string | null;
  readonly deployment_id?: string | null;
  readonly workflow_id?: string | null;
  readonly node_instance_id: string | null;
  readonly node_name: string | null;
  readonly source_id?: string | null;
  readonly target_id?: string | null;
  readonly error_causes?:
    | readonly { readonly message?: string; readonly type?: string; readonly traceback?: string | null }[]
    | null;
}

export interface NodeRecord {
  readonly id: string;
  readonly deployment_id: string;
  readonly type: string;
  readonly host_id: string | null;
  readonly number_of_instances: number | string;
  readonly planned_number_of_instances?: number | string;
  readonly actual_number_of_instances?: number | string;
  readonly relationships?: readonly { readonly target_id: string; readonly type: string }[];
}

export interface NodeInstanceRecord {
  readonly id: string;
  readonly node_id: string;
  readonly deployment_id: string;
  readonly host_id: string | null;
  readonly index?: number;
  readonly state: string;
  readonly version?: number;
  readonly runtime_properties: Readonly<Record<string, unknown>> | null;
  readonly relationships?: readonly { readonly target_id: string; readonly type: string }[];
}

/** Executions that will not change any more. */
export function isFinal(status: string): boolean {
  return status === 'terminated' || status === 'failed' || status === 'cancelled';
}
