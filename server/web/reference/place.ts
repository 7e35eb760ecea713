/** What a page shows, as its address says it after `#`. Pure. */
export type Place =
  | { readonly kind: 'start' }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'operation'; readonly id: string };

const TAG = 'tag/';

export function placeOf(hash: string): Place {
  const text = decoded(hash.replace(/^#/, ''));
  if (text === '' || text === 'main') return { kind: 'start' };
  if (text.startsWith(TAG)) return { kind: 'tag', tag: text.slice(TAG.length) };
  return { kind: 'operation', id: text };
}

export function hashOf(place: Place): string {
  if (place.kind === 'start') return '#';
  if (place.kind === 'tag') return `#${TAG}${encodeURIComponent(place.tag)}`;
  return `#${encodeURIComponent(place.id)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
