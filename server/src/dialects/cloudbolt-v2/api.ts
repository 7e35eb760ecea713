/** What holds for every call of this dialect, for the published description. */
import { Type } from 'typebox';
import type { ApiDescription } from '../dialect.js';

const DESCRIPTION = `CloudBolt's API v2: a catalogue of what may be ordered, orders and their approval, the jobs that build it, and the servers and
resources that came of it. Answers are HAL: follow \`_links\`.

\`POST /api/v2/api-token-auth/\` gives a token for \`Authorization: Bearer\`. Paths may end in a slash or not. Lists take \`page\`, \`page_size\`,
\`filter=key:value;key:value\` with the lookups of Django, and \`attributes\`. Times are of the server's zone, and do not say so.`;

export const ErrorAnswer = Type.Object(
  {
    status_code: Type.Integer(),
    error: Type.String({ description: 'Short, or technical' }),
    detail: Type.String({ description: 'For people' }),
  },
  { title: 'Error' },
);

export const API: ApiDescription = {
  description: DESCRIPTION,
  // A tag without a route is refused: it comes with the first of them.
  tags: {
    Start: 'Signing in, and where everything is.',
    Users: 'Who orders.',
    Groups: 'People who order together, as a tree.',
    Environments: 'Where servers are built, and of what.',
    Catalogue: 'What may be ordered.',
    Actions: 'What may be run, and where; rules.',
    Servers: 'What was built, and what can be done with it.',
    'Resource handlers': 'Where servers are built and found.',
    Orders:
      'What people want built, changed or taken away: put together, submitted, approved, and carried out.',
    'Quotas and rates': 'How much there may be, and what it costs.',
    Parameters: 'What may be said of a server, and what groups and environments say of that.',
    Jobs: 'What carries orders and actions out, while it does and afterwards.',
  },
  securitySchemes: {
    bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    basic: { type: 'http', scheme: 'basic' },
  },
  security: () => [['bearer'], ['basic']],
  error: { schema: ErrorAnswer, mediaType: 'application/json' },
  refusals: {
    400: { name: 'BadRequest', description: 'The request breaks a rule' },
    401: { name: 'Unauthorized', description: 'No credentials, or wrong ones' },
    403: { name: 'Forbidden', description: 'The caller lacks the permission' },
    404: { name: 'NotFound', description: 'There is none, or none that the caller may see' },
    409: { name: 'Conflict', description: 'A fair request at the wrong moment' },
    413: { name: 'TooLarge', description: 'The body is longer than the server takes' },
    429: { name: 'TooManyRequests', description: 'Too much at once; try again later' },
    500: { name: 'InternalError', description: 'A fault of the server, which its log tells' },
    503: { name: 'Unavailable', description: 'A part that is needed is down; try again' },
  },
  refusalsOf: ({ method, body, open }) => [
    400,
    ...(open ? [] : [401, 403]),
    404,
    ...(method === 'GET' ? [] : [409]),
    ...(body === 'none' ? [] : [413]),
    429,
    500,
    503,
  ],
};
