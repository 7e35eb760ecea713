import { MARK, type Rows } from './rows.js';

export const rows: Rows = {
  // The audit trail tells that values were carried away.
  'GET /secrets/share/export': { may: 'user', changes: true },
  // Each secret goes into the tenant that it names, whatever tenant asks; who may not write there is told so.
  'POST /secrets/share/import': {
    may: 'user',
    body: (world) => ({
      override_collisions: false,
      secrets_list: [
        {
          key: world.newName(),
          value: MARK,
          visibility: 'tenant',
          tenant_name: world.tenant,
          is_hidden_value: false,
          encrypted: false,
        },
      ],
    }),
  },
};
