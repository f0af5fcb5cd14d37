// Small signs: a type's shape in its colour, a state in a word with a sign, a severity.

import type { NodeRow, Severity } from '../core/contract';
import { HEALTH_WORDS, healthOf, shapeOf, typeVariable, type Health, type Shape } from '../topology/looks';

const PATHS: Record<Shape, string> = {
  circle: 'M8 1.5a6.5 6.5 0 1 0 .01 0Z',
  square: 'M3.5 2h9A1.5 1.5 0 0 1 14 3.5v9a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 2 12.5v-9A1.5 1.5 0 0 1 3.5 2Z',
  diamond: 'M8 .8 15.2 8 8 15.2.8 8Z',
  hexagon: 'M8 1.2 14 4.6v6.8L8 14.8 2 11.4V4.6Z',
  triangle: 'M8 1.5 15 14H1Z',
  pentagon: 'M8 1.2 15 6.4 12.4 14.6H3.6L1 6.4Z',
};

export function TypeMark({ type }: { type: string }): React.JSX.Element {
  return (
    <svg className="type-mark" viewBox="0 0 16 16" width="13" height="13" role="img" aria-label={type}>
      <path d={PATHS[shapeOf(type)]} style={{ fill: `var(${typeVariable(type)})` }} />
    </svg>
  );
}

export function TypeName({ type }: { type: string }): React.JSX.Element {
  return (
    <span className="type-name">
      <span aria-hidden="true">
        <TypeMark type={type} />
      </span>{' '}
      {type}
    </span>
  );
}

const HEALTH_SIGN: Record<Health, string> = {
  well: '●',
  suspected: '!',
  dead: '✕',
  left: '○',
  unknown: '?',
  wedged: '‖',
  starting: '◐',
  ended: '✕',
};
const HEALTH_TONE: Record<Health, string> = {
  well: 'ok',
  suspected: 'warn',
  dead: 'bad',
  left: 'quiet',
  unknown: 'quiet',
  wedged: 'warn',
  starting: 'info',
  ended: 'bad',
};

export function StateBadge({ node }: { node: Pick<NodeRow, 'state' | 'process'> }): React.JSX.Element {
  const health = healthOf(node);
  return (
    <span className={`badge tone-${HEALTH_TONE[health]}`}>
      <span aria-hidden="true">{HEALTH_SIGN[health]}</span> {HEALTH_WORDS[health]}
    </span>
  );
}

const SEVERITY: Record<Severity, [string, string]> = {
  critical: ['✕', 'bad'],
  warning: ['!', 'warn'],
  info: ['i', 'info'],
  unknown: ['?', 'quiet'],
};

export function SeverityBadge({ severity }: { severity: Severity }): React.JSX.Element {
  const [sign, tone] = SEVERITY[severity] ?? SEVERITY.unknown;
  return (
    <span className={`badge tone-${tone}`}>
      <span aria-hidden="true">{sign}</span> {severity}
    </span>
  );
}
