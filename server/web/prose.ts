/** The little Markdown that descriptions are written in, as data: paragraphs, lists, fenced code; code, strong and emphasised words. Pure. */
export interface Span {
  readonly kind: 'text' | 'code' | 'strong' | 'em';
  readonly text: string;
}

export type Block =
  | { readonly kind: 'paragraph'; readonly spans: readonly Span[] }
  | { readonly kind: 'list'; readonly items: readonly (readonly Span[])[] }
  | { readonly kind: 'code'; readonly text: string };

export function blocksOf(text: string): readonly Block[] {
  const blocks: Block[] = [];
  let lines: string[] = [];
  const end = () => {
    if (lines.length === 0) return;
    const items = itemsOf(lines);
    if (items === null) blocks.push({ kind: 'paragraph', spans: spansOf(lines.join(' ')) });
    else blocks.push({ kind: 'list', items: items.map(spansOf) });
    lines = [];
  };
  let code: string[] | null = null;
  for (const line of text.split('\n')) {
    if (/^\s*```/.test(line)) {
      end();
      if (code !== null) blocks.push({ kind: 'code', text: code.join('\n') });
      code = code === null ? [] : null;
    } else if (code !== null) code.push(line);
    else if (line.trim() === '') end();
    else lines.push(line.trim());
  }
  end();
  if (code !== null) blocks.push({ kind: 'code', text: code.join('\n') });
  return blocks;
}

/** Null: these lines are no list. */
function itemsOf(lines: readonly string[]): string[] | null {
  if (!/^[-*] /.test(lines[0] ?? '')) return null;
  const items: string[] = [];
  for (const line of lines) {
    if (/^[-*] /.test(line)) items.push(line.slice(2));
    else items[items.length - 1] += ` ${line}`;
  }
  return items;
}

export function spansOf(text: string): readonly Span[] {
  const spans: Span[] = [];
  let rest = 0;
  for (const match of text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])/g)) {
    if (match.index > rest) spans.push({ kind: 'text', text: text.slice(rest, match.index) });
    const [whole, code, strong, em] = match;
    if (code !== undefined) spans.push({ kind: 'code', text: code });
    else if (strong !== undefined) spans.push({ kind: 'strong', text: strong });
    else spans.push({ kind: 'em', text: em ?? '' });
    rest = match.index + whole.length;
  }
  if (rest < text.length) spans.push({ kind: 'text', text: text.slice(rest) });
  return spans;
}
