/** The services of this room, built together. */
import type { Members } from '../membership/members.js';
import type { Pool } from '../store/pool.js';
import { Curricula } from './curricula.js';
import { Registrations } from './registrations.js';

export interface AcademyServices {
  readonly curricula: Curricula;
  readonly registrations: Registrations;
}

export function academyServices(pool: Pool, members: Members): AcademyServices {
  return { curricula: new Curricula(pool), registrations: new Registrations({ pool, members }) };
}
