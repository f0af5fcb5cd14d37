// Which nodes a view shows, by its query: mesh, type, state and a text.

import type { NodeRow } from './contract';
import { healthOf } from '../topology/looks';

export interface NodeFilter {
  mesh: string;
  type: string;
  state: string;
  text: string;
}

export function filterOf(query: URLSearchParams): NodeFilter {
  return {
    mesh: query.get('mesh') ?? '',
    type: query.get('type') ?? '',
    state: query.get('state') ?? '',
    text: (query.get('q') ?? '').trim().toLowerCase(),
  };
}

export function passes(node: NodeRow, filter: NodeFilter): boolean {
  if (filter.mesh !== '' && node.mesh !== filter.mesh) return false;
  if (filter.type !== '' && node.type !== filter.type) return false;
  if (filter.state !== '') {
    const health = healthOf(node);
    if (filter.state === 'trouble' ? health === 'well' : health !== filter.state) return false;
  }
  if (filter.text === '') return true;
  return (
    node.name.toLowerCase().includes(filter.text) ||
    node.id.startsWith(filter.text) ||
    node.addrs.some((addr) => addr.includes(filter.text))
  );
}

export const STATE_CHOICES = [
  ['trouble', 'not well'],
  ['well', 'member'],
  ['suspected', 'suspected'],
  ['dead', 'dead'],
  ['left', 'left'],
  ['wedged', 'wedged'],
  ['starting', 'starting or stopping'],
  ['ended', 'process ended'],
  ['unknown', 'unknown'],
] as const;
