/** Badges as a condition on clouds (specs: insightcloudsec.md §5). Pure. */
import type { CloudAccountField } from '../../inventory/cloud-accounts.js';
import type { ListFilter } from '../../store/list.js';
import { invalidInput } from './errors.js';

interface Badge {
  readonly key: string;
  readonly value: string;
}

/** Every cloud has it without its being written anywhere. */
const isImplicit = ({ key, value }: Badge) => key === 'system.resource_type' && value === 'cloud';

/** As the list's selections want it. */
export const pairOf = ({ key, value }: Badge) => `${key}\u0001${value}`;

export function badgeFilters(
  badges: readonly Badge[] | undefined,
  operator: string | undefined,
): ListFilter<CloudAccountField>[] {
  if (badges === undefined || badges.length === 0) return [];
  const word = (operator ?? 'OR').toUpperCase() || 'OR';
  if (word !== 'AND' && word !== 'OR') {
    throw invalidInput(
      'badge_filter_operator',
      `badge_filter_operator is AND or OR, not "${word.slice(0, 20)}"`,
    );
  }
  const others = badges.filter((badge) => !isImplicit(badge));
  if (others.length === 0 || (word === 'OR' && others.length < badges.length)) return [];
  return [{ selection: word === 'AND' ? 'every-badge' : 'any-badge', values: others.map(pairOf) }];
}
