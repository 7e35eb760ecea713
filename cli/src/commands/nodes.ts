import type { NodeRecord, Page } from '../api/wire.js';
import type { Command, Option } from '../command.js';
import { CliError, ExitCode, UsageError } from '../errors.js';
import { fetchList, LIST_OPTIONS } from '../listing.js';
import { type Entry, inline } from '../output.js';
import { clean } from '../terminal/text.js';

const DEPLOYMENT: Option = { name: 'deployment', short: 'd', value: 'ID', summary: 'those of a deployment' };

export const nodes: Record<string, Command> = {
  list: {
    summary: 'The nodes of a deployment, or of all',
    options: [DEPLOYMENT, ...LIST_OPTIONS],
    async run(call) {
      const client = await call.client();
      const page = await fetchList<NodeRecord>(client, '/nodes', call, {
        deployment_id: call.text('deployment'),
      });
      await call.print.list(
        page,
        [
          { title: 'node', value: (row) => row.id, tone: () => 'strong', shrinks: 'last' },
          { title: 'deployment', value: (row) => row.deployment_id, shrinks: 'first' },
          { title: 'type', value: (row) => row.type, shrinks: 'first' },
          { title: 'host', value: (row) => row.host_id },
          { title: 'instances', value: (row) => row.number_of_instances, align: 'right' },
          {
            title: 'related to',
            value: (row) => (row.relationships ?? []).map((each) => each.target_id).join(', '),
            shrinks: 'first',
          },
        ],
        (row) => row.id,
        { one: 'node', many: 'nodes' },
      );
      return undefined;
    },
  },
  get: {
    summary: 'One node, with its properties and operations',
    arguments: [{ name: 'NODE', summary: 'name of the node' }],
    options: [{ ...DEPLOYMENT, summary: 'its deployment (required)' }],
    async run(call) {
      const deployment = call.text('deployment');
      if (deployment === null) throw new UsageError('Of which deployment? --deployment is missing.');
      const name = call.argument('NODE');
      const client = await call.client();
      const page = await client.get<Page<NodeRecord & Record<string, unknown>>>('/nodes', {
        deployment_id: deployment,
        id: name,
      });
      const node = page.items[0];
      if (node === undefined) {
        throw new CliError(`Deployment ${deployment} has no node ${name}.`, ExitCode.failed, [
          `See them: orrery nodes list -d ${deployment}`,
        ]);
      }
      await call.print.record(node, node.id, () => {
        const properties = Object.entries((node.properties ?? {}) as Record<string, unknown>);
        const operations = Object.entries(
          (node.operations ?? {}) as Record<
            string,
            { operation?: string; inputs?: { script_path?: string } }
          >,
        )
          .filter(([operationName, operation]) => operation.operation && operationName.includes('.'))
          .map(
            ([operationName, operation]) =>
              `${clean(operationName)}  ${clean(operation.inputs?.script_path ?? operation.operation ?? '')}`,
          );
        const entries: Entry[] = [
          ['node', clean(node.id), 'strong'],
          ['deployment', clean(node.deployment_id)],
          ['type', clean(node.type)],
          ['host', clean(node.host_id ?? '-')],
          ['instances', String(node.number_of_instances)],
        ];
        for (const each of node.relationships ?? [])
          entries.push(['related to', clean(`${each.target_id}  (${each.type})`)]);
        if (properties.length > 0) {
          entries.push([
            'properties',
            properties.map(([key, value]) => `${clean(key)} = ${inline(value)}`).join('\n'),
          ]);
        }
        if (operations.length > 0) entries.push(['operations', operations.join('\n')]);
        return entries;
      });
      return undefined;
    },
  },
};
