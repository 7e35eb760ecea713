/** What the published description says beyond the routes. */
import type { ApiDescription } from '../dialect.js';
import { ErrorBody } from './errors.js';

export const API: ApiDescription = {
  description: [
    'The InsightCloudSec API, spoken by Orrery.',
    '',
    '**Signing in.** Send `Api-Key: KEY`, the way for scripts: a user has one key, and a new one ends the one before. Or log in',
    'with `POST /v2/public/user/login` and send the `session_id` as `X-Auth-Token`. People who sign in elsewhere use keys.',
    '',
    '**User types.** Basic User, Organization Admin, Domain Viewer, Domain Admin; each operation names those it is for.',
    'Domain users work in one organisation at a time and switch between them.',
    '',
    '**Bodies** are JSON whatever they are called, on GET and DELETE too. **Answers** are compressed if and only if the',
    'request lists `gzip`.',
    '',
    '**Prototypes.** Paths with `/prototype/` in them may change their form.',
  ].join('\n'),
  tags: {
    Session: 'Logging in and out, and who one is',
    Users: 'Users, their types, and their ways in',
    Keys: 'API keys',
    'Second factor': 'One-time codes beside the password',
    Organizations: 'Organisations, their figures, and moving between them',
    Clouds: 'Cloud accounts',
    Harvesting: 'Regions, harvests, strategies and imports of cloud accounts',
    Badges: 'Marks on cloud accounts',
    Resources: 'What was found in cloud accounts',
    System: 'The server itself',
  },
  securitySchemes: {
    'Api-Key': { type: 'apiKey', in: 'header', name: 'Api-Key', description: 'The one key of a user' },
    'X-Auth-Token': {
      type: 'apiKey',
      in: 'header',
      name: 'X-Auth-Token',
      description: 'The session_id that logging in gave',
    },
  },
  security: () => [['Api-Key'], ['X-Auth-Token']],
  error: { schema: ErrorBody, mediaType: 'application/json' },
  refusals: {
    400: { name: 'BadRequest', description: 'A part of the request is wrong; the message names it' },
    401: { name: 'Unauthorized', description: 'No credentials, or a session that is over' },
    403: { name: 'Forbidden', description: 'The key is not active, or the user may not' },
    404: { name: 'NotFound', description: 'There is none, or none that the caller may see' },
    409: { name: 'Conflict', description: 'A fair request at the wrong moment' },
    413: { name: 'TooLarge', description: 'The body is longer than the server takes' },
    429: { name: 'TooManyRequests', description: 'Too many failed sign-ins; try again later' },
    500: { name: 'InternalError', description: 'A fault of the server, which its log tells' },
    503: { name: 'Unavailable', description: 'A part that is needed is down; try again' },
  },
  refusalsOf: ({ open, method }) => [
    400,
    ...(open ? [] : [401, 403, 404]),
    ...(method === 'GET' ? [] : [409]),
    413,
    429,
    500,
    503,
  ],
};
