import { sql } from 'kysely';
import type { ListSpec } from '../store/list.js';

export type HistoryField = 'number' | 'at' | 'event' | 'message' | 'user' | 'userName' | 'executionId';

/** What happened to one server, the last first. */
export function historyList(server: number): ListSpec<HistoryField> {
  return historyIn('server_history', 'server_uid', server);
}

/** What happened to what was built under one name, likewise. */
export function serviceHistoryList(service: number): ListSpec<HistoryField> {
  return historyIn('service_history', 'service_uid', service);
}

function historyIn(table: string, column: string, key: number): ListSpec<HistoryField> {
  return {
    from: `${table} h left join users u on u.id = h.user_id`,
    fields: {
      number: { sql: 'h.uid', type: 'integer' },
      at: { sql: 'h.at', type: 'time' },
      event: { sql: 'h.event', type: 'name' },
      message: { sql: 'h.message', type: 'text' },
      user: { sql: 'u.id', type: 'integer' },
      userName: { sql: 'u.username', type: 'text' },
      executionId: { sql: 'h.execution_id', type: 'text' },
    },
    confine: (scope) => sql`h.tenant_id = ${scope.tenantId} and ${sql.ref(`h.${column}`)} = ${key}`,
    defaultSort: [{ field: 'number', descending: true }],
    tieBreak: 'h.uid',
    search: [],
  };
}
