/** Small choices, kept in this browser. Never anything secret. */
export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(`orrery.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`orrery.${name}`, value);
  } catch {
    // Storage is refused: the choice holds until the page is left.
  }
}
