/**
 * Making elements. Texts go in as texts: nothing in these pages ever becomes markup, whatever a document or an answer holds.
 */
type Child = Node | string | null | undefined | false;
type Given = Readonly<
  Record<string, string | number | boolean | null | undefined | ((event: never) => unknown)>
>;

/** @param given attributes; `onclick` and the like are listeners; null, undefined and false are left out, true is empty */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  given: Given = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    const spoken = key.startsWith('aria-');
    if (value === null || value === undefined || (value === false && !spoken)) continue;
    if (typeof value === 'function') element.addEventListener(key.slice(2), value as EventListener);
    else element.setAttribute(key, value === true && !spoken ? '' : String(value));
  }
  put(element, ...children);
  return element;
}

export function put(parent: Node, ...children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(typeof child === 'string' ? document.createTextNode(child) : child);
  }
}

export function refill(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren();
  put(parent, ...children);
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/** Whether a key pressed here is typed into something. */
export function isTyping(event: KeyboardEvent): boolean {
  const at = event.target;
  return at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
}
