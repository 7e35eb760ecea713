/** Who else vouches for users: directories and providers (specs: insightcloudsec.md §6.1). */
import { Type } from 'typebox';
import { add, DOMAIN } from './endpoint.js';
import { Flag, Int, ListBody, Text } from './fields.js';
import type { Mounting } from './mounting.js';

const Server = Type.Object(
  {
    server_id: Int,
    server_name: Text,
    server_host: Text,
    server_port: Int,
    secure: Type.Union([Type.Literal(0), Type.Literal(1)]),
    server_type: Text,
    global_scope: Flag,
    mapped_groups: Type.Integer({ description: 'Groups here that are groups there' }),
  },
  { title: 'AuthenticationServer' },
);

const PORTS: Readonly<Record<string, number>> = { 'ldap:': 389, 'ldaps:': 636, 'https:': 443, 'http:': 80 };

export function addAuthenticationServers(mounting: Mounting): void {
  add(mounting, {
    methods: ['POST'],
    path: '/v2/prototype/authenticationservers/list',
    name: 'users_list_servers',
    tag: 'Users',
    summary: 'List the servers that vouch for users',
    may: DOMAIN,
    body: ListBody,
    answer: Type.Object({ servers: Type.Array(Server) }),
    async handle({ core, caller }) {
      const servers = await core.authorities.list(caller);
      return {
        servers: servers.map(({ id, name, kind, settings, mappedGroups }) => {
          const { url, issuer } = settings as { readonly url?: string; readonly issuer?: string };
          const { protocol, hostname, port } = new URL(url ?? issuer ?? 'https://unknown');
          return {
            server_id: id,
            server_name: name,
            server_host: hostname,
            server_port: port === '' ? (PORTS[protocol] ?? 443) : Number(port),
            secure: ['ldaps:', 'https:'].includes(protocol) ? 1 : 0,
            server_type: kind,
            global_scope: true,
            mapped_groups: kind === 'ldap' ? mappedGroups : 0,
          };
        }),
      };
    },
  });
}
