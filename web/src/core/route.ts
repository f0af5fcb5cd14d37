// Where we are: a page, what follows it in the path, and the query. Every view is a URL, so whatever a view depends on
// is here.

import { useCallback, useSyncExternalStore } from 'react';

export const PAGES = [
  'topology',
  'nodes',
  'cache',
  'timeline',
  'traces',
  'boot',
  'services',
  'messages',
  'charts',
  'alerts',
] as const;
export type Page = (typeof PAGES)[number];

export interface Route {
  page: Page | 'missing';
  rest: string;
  query: URLSearchParams;
}

export function parseRoute(pathname: string, search: string): Route {
  const [, first = '', ...others] = pathname.split('/');
  const query = new URLSearchParams(search);
  const rest = decodeSafely(others.join('/'));
  if (first === '') return { page: 'topology', rest: '', query };
  const page = PAGES.find((name) => name === first);
  return { page: page ?? 'missing', rest, query };
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// The query with changes: null or an empty text removes. Keys are sorted, so that one view has one address.
export function changedQuery(query: URLSearchParams, changes: Record<string, string | null>): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(key);
    else next.set(key, value);
  }
  next.sort();
  return next;
}

// Names with dots go into the query: a server may take a path with a dot for that of a file.
export function href(page: Page, rest = '', query: Record<string, string | null> = {}): string {
  const text = changedQuery(new URLSearchParams(), query).toString();
  return `/${page}${rest === '' ? '' : `/${encodeURIComponent(rest)}`}${text === '' ? '' : `?${text}`}`;
}

const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('popstate', listener);
  };
}

export function navigate(to: string, how: 'push' | 'replace' = 'push'): void {
  if (to === window.location.pathname + window.location.search) return;
  if (how === 'push') window.history.pushState(null, '', to);
  else window.history.replaceState(null, '', to);
  tell();
}

export function useRoute(): Route {
  const text = useSyncExternalStore(subscribe, () => window.location.pathname + '\n' + window.location.search);
  const [pathname = '/', search = ''] = text.split('\n');
  return parseRoute(pathname, search);
}

// Changes the query of the present page; typing replaces, choosing pushes.
export function useQueryChange(): (changes: Record<string, string | null>, how?: 'push' | 'replace') => void {
  return useCallback((changes, how = 'replace') => {
    const query = changedQuery(new URLSearchParams(window.location.search), changes).toString();
    navigate(window.location.pathname + (query === '' ? '' : `?${query}`), how);
  }, []);
}
