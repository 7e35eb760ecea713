/**
 * Where somebody goes after signing in. Pure. A page that sends people wherever its address says is a gift to whoever makes up
 * addresses: `ref` names a path of this server and nothing else; `source` names another server, which somebody must have
 * allowed by setting, or allows now.
 */

/** Where there is nothing better. What is to be seen there is `OVERVIEW` for now. */
export const HOME = '/dashboard';
export const OVERVIEW = '/security/tokens';

/** The path that `ref` names, as it is or in base64url; null: it names none of ours. */
export function returnPath(ref: string | undefined): string | null {
  if (ref === undefined || ref === '' || ref.length > 4096) return null;
  const text = ref.startsWith('/') ? ref : fromBase64(ref);
  if (text === null || !/^\/(?![/\\])/.test(text) || /[\\\p{Cc}]/u.test(text)) return null;
  const base = 'http://own.invalid';
  try {
    const url = new URL(text, base);
    const path = `${url.pathname}${url.search}`;
    // What is left when dots are resolved may begin with two slashes, and so name another server.
    return url.origin === base && !path.startsWith('//') ? path : null;
  } catch {
    return null;
  }
}

/** The server that asks for a token, from its base64url address; null: it is no address of a server. */
export function sourceServer(source: string | undefined): URL | null {
  if (source === undefined || source === '' || source.length > 4096) return null;
  const text = /^https?:/i.test(source) ? source : fromBase64(source);
  if (text === null || /[\p{Cc}\\]/u.test(text)) return null;
  try {
    const url = new URL(text);
    const sound = ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === '';
    return sound ? url : null;
  } catch {
    return null;
  }
}

/** The address at which that server takes the token. `ref` goes back as it came: it is theirs. */
export function tokenReceiver(
  server: URL,
  answer: { readonly token: string; readonly session: string; readonly ref: string },
): string {
  const path = server.pathname.replace(/\/+$/, '');
  const url = new URL(`${server.origin}${path}/api/user/token`);
  url.searchParams.set('token', answer.token);
  url.searchParams.set('session_cookie', answer.session);
  url.searchParams.set('ref', answer.ref);
  return url.href;
}

function fromBase64(text: string): string | null {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return null;
  const decoded = Buffer.from(text, 'base64');
  const read = decoded.toString('utf8');
  // Bytes that are no text come back as something else.
  return Buffer.from(read, 'utf8').equals(decoded) ? read : null;
}
