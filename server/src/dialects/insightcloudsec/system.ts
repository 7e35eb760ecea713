/** The server itself (specs: insightcloudsec.md §6.11, as far as it is served). */
import { Type } from 'typebox';
import { add } from './endpoint.js';
import type { Mounting } from './mounting.js';

/** The version of the API that is spoken: clients compare it. */
const SPOKEN = '23.6.6';

export function addSystem(mounting: Mounting): void {
  add(mounting, {
    methods: ['GET'],
    path: '/client_version',
    name: 'system_get_version',
    tag: 'System',
    summary: 'Tell the version of the API that is spoken',
    answer: Type.String({ description: 'A bare text' }),
    handle: () => SPOKEN,
  });
}
