// What shapes, marks and lines mean; the types are also how to show only one of them.

import { useQueryChange } from '../core/route';
import { TypeName } from '../ui/marks';
import { LINK_WORDS, TYPES, type LinkLook } from './looks';

const DASHES: Record<LinkLook, string | undefined> = {
  eager: undefined,
  half: '9 2 2 4 2 4 2 4',
  lazy: '2 4',
  plain: undefined,
  disputed: '6.5 4.5',
  delivery: '7 9',
};

function LinkSample({ look }: { look: LinkLook }): React.JSX.Element {
  return (
    <svg width="34" height="10" aria-hidden="true">
      <line x1="1" y1="5" x2="33" y2="5" className={`line-${look}`} strokeDasharray={DASHES[look]} />
    </svg>
  );
}

function MarkSample({ kind }: { kind: string }): React.JSX.Element {
  return (
    <svg width="20" height="20" viewBox="-10 -10 20 20" aria-hidden="true" className={`mark mark-${kind}`}>
      {kind === 'suspected' && (
        <>
          <circle r="4.5" className="body" />
          <circle r="8" className="ring warn" strokeDasharray="4 2.3" />
        </>
      )}
      {kind === 'dead' && (
        <>
          <circle r="5.5" className="ring bad" />
          <path d="M-3-3 3 3M3-3-3 3" className="ring bad" />
        </>
      )}
      {kind === 'left' && <circle r="5.5" className="ring quiet" />}
      {kind === 'unknown' && (
        <>
          <circle r="5.5" className="ring quiet" strokeDasharray="3 2" />
          <circle r="1.5" className="dot" />
        </>
      )}
      {kind === 'wedged' && (
        <>
          <circle r="5.5" className="body" />
          <path d="M-1.8-3V3M1.8-3V3" className="cut" />
        </>
      )}
      {kind === 'starting' && (
        <>
          <path d="M-5.5 0a5.5 5.5 0 0 0 11 0Z" className="body" />
          <circle r="5.5" className="ring own" />
        </>
      )}
      {kind === 'load' && (
        <>
          <circle r="4" className="body" />
          <circle r="7.5" className="ring faint" />
          <path d="M0-7.5A7.5 7.5 0 0 1 7.5 0" className="ring own" />
        </>
      )}
      {kind === 'over' && (
        <>
          <circle r="4" className="body" />
          <circle r="7.5" className="ring bad" />
        </>
      )}
      {kind === 'traffic' && (
        <>
          <circle r="9" className="halo" />
          <circle r="4.5" className="body" />
        </>
      )}
    </svg>
  );
}

const MARKS: [string, string][] = [
  ['suspected', 'suspected'],
  ['dead', 'dead, or its process ended'],
  ['left', 'left'],
  ['unknown', 'not known'],
  ['wedged', 'wedged'],
  ['starting', 'starting, stopping'],
  ['load', 'ring: part of its budget'],
  ['over', 'over its budget'],
  ['traffic', 'halo: gossip messages'],
];

export function Legend({ types, active }: { types: readonly string[]; active: string }): React.JSX.Element {
  const change = useQueryChange();
  const all = [...new Set([...TYPES, ...types])].filter((type) => types.includes(type));
  return (
    <details className="legend" open={window.innerWidth > 900}>
      <summary>Legend</summary>
      <ul className="legend-types">
        {all.map((type) => (
          <li key={type}>
            <button
              type="button"
              aria-pressed={active === type}
              onClick={() => change({ type: active === type ? null : type }, 'push')}
            >
              <TypeName type={type} />
            </button>
          </li>
        ))}
      </ul>
      <ul>
        {MARKS.map(([kind, text]) => (
          <li key={kind}>
            <MarkSample kind={kind} /> {text}
          </li>
        ))}
      </ul>
      <ul>
        {(Object.keys(LINK_WORDS) as LinkLook[]).map((look) => (
          <li key={look}>
            <LinkSample look={look} /> {LINK_WORDS[look]}
          </li>
        ))}
      </ul>
    </details>
  );
}
