/** Times of records: UTC, `YYYY-MM-DD HH:MM:SS` (specs: insightcloudsec.md §4). Pure. */
export function recordTime(time: Date | string): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ');
}

/** Nothing for what never was: clients test for the member. */
export function maybeTime<Name extends string>(
  name: Name,
  time: Date | string | null,
): { [N in Name]?: string } {
  return (time === null ? {} : { [name]: recordTime(time) }) as { [N in Name]?: string };
}
