/** What a policy document of a cloud allows, as far as two questions go. Pure. */
import { Reading } from './harvested.js';

/** Whether it lets anybody in without a condition. */
export function isOpenToAll(document: string | null): boolean {
  return allowing(document).some((statement) => {
    const conditions = statement.get('Condition');
    if (typeof conditions === 'object' && conditions !== null && Object.keys(conditions).length > 0)
      return false;
    const principal = statement.get('Principal');
    if (principal === '*') return true;
    const named = [new Reading(principal).get('AWS')].flat();
    return named.includes('*');
  });
}

/** Whether it allows everything on everything. */
export function grantsAll(document: string | null): boolean {
  const names = (statement: Reading, member: string) => [statement.get(member)].flat();
  return allowing(document).some(
    (statement) => names(statement, 'Action').includes('*') && names(statement, 'Resource').includes('*'),
  );
}

function allowing(document: string | null): Reading[] {
  if (document === null) return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(document);
  } catch {
    return [];
  }
  const statements = [new Reading(parsed).get('Statement')].flat();
  return statements.map((each) => new Reading(each)).filter((each) => each.get('Effect') === 'Allow');
}
