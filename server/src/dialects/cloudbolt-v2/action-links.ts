/** What can be run on a thing, as its item lists it (specs: cloudbolt.md §5.4, §5.9). Pure. */
import type { Hrefs, Link, Linked } from './hrefs.js';

/** `{"Say Hello": link}` */
export function actionLinks(
  hrefs: Hrefs,
  collection: string,
  thing: Linked & { readonly title: string },
  offered: readonly { readonly number: number; readonly label: string }[],
): Record<string, Link>[] {
  return offered.map(({ number, label }) => ({
    [label]: { href: hrefs.action(collection, thing, String(number)), title: `${label} '${thing.title}'` },
  }));
}
