import { path } from '../api/paths.js';
import type { NodeInstanceRecord } from '../api/wire.js';
import type { Command } from '../command.js';
import { fetchList, LIST_OPTIONS } from '../listing.js';
import { type Entry, inline } from '../output.js';
import { statusTone } from '../terminal/style.js';
import { clean } from '../terminal/text.js';

export const nodeInstances: Record<string, Command> = {
  list: {
    summary: 'The node instances of a deployment, or of all',
    options: [
      { name: 'deployment', short: 'd', value: 'ID', summary: 'those of a deployment' },
      { name: 'node', value: 'NAME', summary: 'those of a node' },
      {
        name: 'state',
        short: 's',
        value: 'STATE',
        multiple: true,
        summary: 'those in a state: started, deleted, …',
      },
      ...LIST_OPTIONS,
    ],
    async run(call) {
      const client = await call.client();
      const page = await fetchList<NodeInstanceRecord>(client, '/node-instances', call, {
        deployment_id: call.text('deployment'),
        node_id: call.text('node'),
        ...(call.texts('state').length > 0 ? { state: call.texts('state') } : {}),
      });
      await call.print.list(
        page,
        [
          { title: 'instance', value: (row) => row.id, tone: () => 'strong', shrinks: 'last' },
          { title: 'node', value: (row) => row.node_id, shrinks: 'last' },
          { title: 'deployment', value: (row) => row.deployment_id, shrinks: 'first' },
          { title: 'state', value: (row) => row.state, tone: (row) => statusTone(row.state) },
          { title: 'host', value: (row) => row.host_id, shrinks: 'first' },
          {
            title: 'runtime properties',
            value: (row) => Object.keys(row.runtime_properties ?? {}).join(', '),
            shrinks: 'first',
          },
        ],
        (row) => row.id,
        { one: 'node instance', many: 'node instances' },
      );
      return undefined;
    },
  },
  get: {
    summary: 'One node instance, with its runtime properties',
    arguments: [{ name: 'INSTANCE', summary: 'id of the node instance' }],
    async run(call) {
      const client = await call.client();
      const record = await client.get<NodeInstanceRecord>(path('node-instances', call.argument('INSTANCE')));
      await call.print.record(record, record.id, () => {
        const entries: Entry[] = [
          ['instance', clean(record.id), 'strong'],
          ['node', clean(record.node_id)],
          ['deployment', clean(record.deployment_id)],
          ['state', clean(record.state), statusTone(record.state)],
          ['host', clean(record.host_id ?? '-')],
          ['version', String(record.version ?? '-')],
        ];
        for (const each of record.relationships ?? []) {
          entries.push(['related to', clean(`${each.target_id}  (${each.type})`)]);
        }
        const properties = Object.entries(record.runtime_properties ?? {});
        if (properties.length > 0) {
          entries.push([
            'runtime',
            properties.map(([key, value]) => `${clean(key)} = ${inline(value)}`).join('\n'),
          ]);
        }
        return entries;
      });
      return undefined;
    },
  },
};
