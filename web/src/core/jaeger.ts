// To a Jaeger beside this console, and back: the same trace ids are in both.

// What the server says is where Jaeger is, as far as a link may lead there; null leads nowhere.
export function jaegerBase(text: string | null | undefined): string | null {
  if (!text || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  if (url.username !== '' || url.password !== '') return null;
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

export function jaegerTrace(base: string | null, id: string): string | null {
  return base !== null && /^[0-9a-f]{32}$/.test(id) ? `${base}/trace/${id}` : null;
}

// Of an id, the beginning of one, or the address of Jaeger's page of it. Jaeger leaves out zeros in front.
export function traceIdOf(text: string): string {
  const typed = text.trim().toLowerCase();
  const linked = /\/trace\/([0-9a-f]{1,32})(?![0-9a-f])/.exec(typed)?.[1];
  return linked ? linked.padStart(32, '0') : typed;
}
