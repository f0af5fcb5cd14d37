// The token that lets this tab change something, and on another address than loopback look. It comes behind the `#` of the link that `grapevine up` prints, so
// that it is in no request's line; it leaves the address bar at once, and lives as long as the tab.

const KEY = 'grapevine.token';

export function takeToken(hash: string): { token: string | null; rest: string } {
  const parts = hash
    .replace(/^#/, '')
    .split('&')
    .filter((part) => part !== '');
  const found = parts.find((part) => part.startsWith('token='));
  const token = found ? decodeURIComponent(found.slice('token='.length)) : null;
  const rest = parts.filter((part) => part !== found).join('&');
  return { token: token === '' ? null : token, rest: rest === '' ? '' : `#${rest}` };
}

export function keepTokenOfLocation(): void {
  const { token, rest } = takeToken(window.location.hash);
  if (token === null) return;
  try {
    window.sessionStorage.setItem(KEY, token);
  } catch {
    // A browser that stores nothing leaves these pages read-only.
  }
  window.history.replaceState(null, '', window.location.pathname + window.location.search + rest);
}

export function currentToken(): string | null {
  try {
    return window.sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function forgetToken(): void {
  try {
    window.sessionStorage.removeItem(KEY);
  } catch {
    // Nothing was stored.
  }
}
