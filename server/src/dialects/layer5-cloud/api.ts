/** What holds for every call of this API, for its published description. */
import Type from 'typebox';
import type { ApiDescription } from '../dialect.js';

const Refusal = Type.Object(
  {
    error: Type.String(),
    code: Type.String({ description: '`l5-` and the status' }),
    severity: Type.String(),
    probable_cause: Type.String(),
    suggested_remediation: Type.String(),
    long_description: Type.String(),
  },
  { title: 'Error' },
);

const DESCRIPTION = `The API of Layer5 Cloud, which Meshery uses as its remote provider.

A security token is its user's: it reaches every organization that the user is in. The header \`layer5-current-orgid\` says in
which one a request acts; without it the preference \`selectedOrganization\` does, and without that the organization that the
user has been in for the longest. An organization that is named and not yours is refused.

Every key of several words is told in both spellings, \`total_count\` and \`totalCount\`; requests may use either.`;

export const API: ApiDescription = {
  description: DESCRIPTION,
  tags: {
    Tokens: 'Signing in, and security tokens.',
    Users: 'You, and whom you know.',
    Organizations: 'Organizations and their members.',
    Teams: 'Members who work together.',
    'Roles and keys': 'Roles, keychains of roles, keys on keychains.',
    'Invitations and badges': 'Ways into an organization, and what it awards.',
    Workspaces: 'Where things are kept that belong together.',
    Environments: 'Sets of connections.',
    Connections: 'Clusters, clouds and other systems.',
    Credentials: 'What you sign in to them with.',
    Designs: 'Pictures of what shall run.',
    Filters: 'Filters for traffic, kept like designs.',
    Views: 'Stored filters.',
    Sharing: 'Who else sees and changes something.',
    Catalog: 'What everybody may see.',
    Academy: 'What can be learnt, and who learns it.',
    Events: 'What you are told.',
    System: 'The server itself.',
  },
  securitySchemes: {
    bearer: { type: 'http', scheme: 'bearer', description: 'A security token: `l5_…`' },
    cookie: { type: 'apiKey', in: 'cookie', name: 'provider_token', description: 'The same, or a sign-in' },
    organization: {
      type: 'apiKey',
      in: 'header',
      name: 'layer5-current-orgid',
      description: 'UUID of the organization to act in; not a secret',
    },
  },
  security: () => [['bearer', 'organization'], ['bearer'], ['cookie']],
  error: { schema: Refusal, mediaType: 'application/json' },
  refusals: {
    400: { name: 'BadRequest', description: 'The request breaks a rule' },
    401: { name: 'Unauthorized', description: 'No token, or none that is good' },
    403: { name: 'Forbidden', description: 'Not yours to do, or not your organization' },
    404: { name: 'NotFound', description: 'There is none, or none that you may see' },
    409: { name: 'Conflict', description: 'A fair request at the wrong moment' },
    413: { name: 'TooLarge', description: 'More than the server keeps' },
    500: { name: 'InternalError', description: 'A fault of the server, which its log tells' },
    503: { name: 'Unavailable', description: 'A part that is needed is down; try again' },
  },
  refusalsOf: ({ method, open, body }) => [
    400,
    ...(open ? [] : [401, 403]),
    404,
    ...(method === 'GET' ? [] : [409]),
    ...(body === 'none' ? [] : [413]),
    500,
    503,
  ],
};
