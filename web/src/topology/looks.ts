// What things look like: each type has a colour and a shape, each state a mark, each kind of link a pattern, so that
// colour never stands alone. The renderer, the legend and the marks in tables read this one table.

import type { LinkRow, NodeRow } from '../core/contract';

export const TYPES = ['gateway', 'broker', 'compute', 'registry', 'console'] as const;

// Numbers that the shader knows.
export const SHAPES = { circle: 0, square: 1, diamond: 2, hexagon: 3, triangle: 4, pentagon: 5 } as const;
export type Shape = keyof typeof SHAPES;

const SHAPE_OF: Record<string, Shape> = {
  gateway: 'diamond',
  broker: 'square',
  compute: 'circle',
  registry: 'hexagon',
  console: 'triangle',
};

export function shapeOf(type: string): Shape {
  return SHAPE_OF[type] ?? 'pentagon';
}

export function typeOrder(type: string): number {
  const at = (TYPES as readonly string[]).indexOf(type);
  return at < 0 ? TYPES.length : at;
}

// The custom property of the style sheet that holds a type's colour.
export function typeVariable(type: string): string {
  return (TYPES as readonly string[]).includes(type) ? `--type-${type}` : '--type-other';
}

export type Health = 'well' | 'suspected' | 'dead' | 'left' | 'unknown' | 'wedged' | 'starting' | 'ended';
export const HEALTH_MARK: Record<Health, number> = {
  well: 0,
  suspected: 1,
  dead: 2,
  left: 3,
  unknown: 4,
  wedged: 5,
  starting: 6,
  ended: 2,
};

export const HEALTH_WORDS: Record<Health, string> = {
  well: 'member',
  suspected: 'suspected',
  dead: 'dead',
  left: 'left',
  unknown: 'unknown',
  wedged: 'wedged',
  starting: 'starting',
  ended: 'process ended',
};

// The directory's word and the supervisor's, in one: what is wrong wins. A state that these pages do not know is
// unknown, not well.
export function healthOf(node: Pick<NodeRow, 'state' | 'process'>): Health {
  if (node.state === 'dead' || node.state === 'left' || node.state === 'suspected') return node.state;
  if (node.process === 'ended') return 'ended';
  if (node.process === 'wedged') return 'wedged';
  if (node.process === 'starting' || node.process === 'stopping') return 'starting';
  return node.state === 'member' ? 'well' : 'unknown';
}

export function loadOf(
  node: Pick<NodeRow, 'cpu_millicores' | 'cpu_budget_millicores' | 'memory_kib' | 'memory_budget_kib'>,
): number | null {
  const parts: number[] = [];
  if (node.cpu_budget_millicores > 0) parts.push(node.cpu_millicores / node.cpu_budget_millicores);
  if (node.memory_budget_kib > 0) parts.push(node.memory_kib / node.memory_budget_kib);
  return parts.length === 0 ? null : Math.max(...parts);
}

export type LinkLook = 'eager' | 'half' | 'lazy' | 'plain' | 'disputed' | 'delivery';
export const LINK_WORDS: Record<LinkLook, string> = {
  eager: 'eager both ways',
  half: 'eager one way',
  lazy: 'lazy both ways',
  plain: 'overlay link; eager or lazy not known',
  disputed: 'one end says it, the other does not',
  delivery: 'messages of the last minute',
};

export function lookOf(link: Pick<LinkRow, 'kind' | 'said_by' | 'eager'>): LinkLook {
  if (link.kind === 'delivery') return 'delivery';
  if (link.said_by !== 'both') return 'disputed';
  if (link.eager === 'both') return 'eager';
  if (link.eager === 'neither') return 'lazy';
  return link.eager === 'a' || link.eager === 'b' ? 'half' : 'plain';
}

// For a line of text under the pointer.
export function linkSentence(link: LinkRow, a: string, b: string): string {
  if (link.kind === 'delivery') {
    return `${a} → ${b}: ${link.rate === undefined ? 'messages' : `${Math.round(link.rate * 10) / 10} messages a second`} in the last minute`;
  }
  if (link.said_by !== 'both') {
    const [says, silent] = link.said_by === 'a' ? [a, b] : [b, a];
    return `${says} says it is a neighbour of ${silent}; ${silent} does not say so`;
  }
  if (link.eager === 'a' || link.eager === 'b') return `${a} – ${b}: eager at ${link.eager === 'a' ? a : b} only`;
  return `${a} – ${b}: ${LINK_WORDS[lookOf(link)]}`;
}
