import { sql } from 'kysely';
import type { ListSpec } from '../store/list.js';

export type HistoryField = 'number' | 'at' | 'event' | 'message' | 'user' | 'userName' | 'executionId';

/** What happened to one server, the last first. */
export function historyList(server: number): ListSpec<HistoryField> {
  return {
    from: 'server_history h left join users u on u.id = h.user_id',
    fields: {
      number: { sql: 'h.uid', type: 'integer' },
      at: { sql: 'h.at', type: 'time' },
      event: { sql: 'h.event', type: 'name' },
      message: { sql: 'h.message', type: 'text' },
      user: { sql: 'u.id', type: 'integer' },
      userName: { sql: 'u.username', type: 'text' },
      executionId: { sql: 'h.execution_id', type: 'text' },
    },
    confine: (scope) => sql`h.tenant_id = ${scope.tenantId} and h.server_uid = ${server}`,
    defaultSort: [{ field: 'number', descending: true }],
    tieBreak: 'h.uid',
    search: [],
  };
}
