// What the alerts and sources come to. Well is said only when every source is up and the stream is live: what is not
// known is unknown, never well.

import type { AlertRow, SourceRow } from '../core/contract';

export type Overall = 'critical' | 'warning' | 'info' | 'unknown' | 'well';

const ORDER: Overall[] = ['critical', 'warning', 'unknown', 'info', 'well'];

export function sourceIsUp(source: SourceRow): boolean {
  return source.state === 'up' || source.state === 'ok';
}

export function severityRank(severity: string): number {
  const at = (ORDER as string[]).indexOf(severity);
  return at < 0 ? ORDER.indexOf('unknown') : at;
}

export function summary(
  store: { loaded: boolean; alerts: ReadonlyMap<string, AlertRow>; sources: readonly SourceRow[] },
  live: boolean,
): { overall: Overall; count: number } {
  const found = [...store.alerts.values()].map((alert) => severityRank(alert.severity));
  const blind = !store.loaded || !live || store.sources.length === 0 || !store.sources.every(sourceIsUp);
  if (blind) found.push(severityRank('unknown'));
  const worst = Math.min(ORDER.length - 1, ...found);
  return { overall: ORDER[worst] ?? 'unknown', count: store.alerts.size };
}
