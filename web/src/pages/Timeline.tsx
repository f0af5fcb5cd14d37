// What happened, newest first; and, for a moment of the last hour, how the fabric looked then.

import { useEffect, useMemo, useRef, useState } from 'react';
import { getJson, messageOf, withParameters } from '../core/api';
import type { TimelineEvent } from '../core/contract';
import { clock, clockMs, dateAndClock } from '../core/format';
import { href, useQueryChange } from '../core/route';
import { useFetched } from '../live/fetched';
import { useSeconds, useWorld } from '../live/hooks';
import { mergedEvents } from '../live/store';
import { TopologyCanvas } from '../topology/Canvas';
import { Choice, TextFilter } from '../ui/fields';
import { Empty, Problem } from '../ui/Empty';
import { Link } from '../ui/Link';
import { useThemeKey } from '../ui/Shell';
import { Table, type Column } from '../ui/Table';
import { usePast } from './Topology';

const HOUR_MS = 3_600_000;
const STEP_MS = 5000;
const PAGE = 500;
const PAGES_MAX = 20; // Fetched to reach a moment.
export const KINDS = [
  'joined',
  'left',
  'suspected',
  'refuted',
  'died',
  'stale',
  'unlisted',
  'link_up',
  'link_down',
  'expelled',
  'spawn',
  'ready',
  'stopping',
  'wedged',
  'resumed',
  'restart',
  'kill',
  'ended',
  'mesh_appeared',
  'mesh_gone',
  'law_broken',
  'law_kept',
] as const;

const SIGN: Record<string, [string, string]> = {
  joined: ['+', 'ok'],
  left: ['○', 'quiet'],
  suspected: ['!', 'warn'],
  refuted: ['●', 'ok'],
  died: ['✕', 'bad'],
  stale: ['?', 'quiet'],
  unlisted: ['?', 'quiet'],
  link_up: ['↔', 'info'],
  link_down: ['≁', 'quiet'],
  spawn: ['▸', 'info'],
  kill: ['✕', 'warn'],
  ended: ['■', 'quiet'],
  wedged: ['‖', 'warn'],
  expelled: ['✕', 'warn'],
  law_broken: ['✕', 'bad'],
  mesh_gone: ['○', 'quiet'],
};

function KindBadge({ kind }: { kind: string }): React.JSX.Element {
  const [sign, tone] = SIGN[kind] ?? ['·', 'info'];
  return (
    <span className={`badge tone-${tone}`}>
      <span aria-hidden="true">{sign}</span> {kind.replaceAll('_', ' ')}
    </span>
  );
}

export function fits(event: TimelineEvent, query: { kind: string; mesh: string; node: string; text: string }): boolean {
  if (query.kind !== '' && event.kind !== query.kind) return false;
  if (query.mesh !== '' && event.mesh !== query.mesh) return false;
  if (query.node !== '' && event.node !== query.node && !event.who.includes(query.node)) return false;
  return query.text === '' || `${event.node} ${event.text} ${event.who.join(' ')}`.toLowerCase().includes(query.text);
}

// The stored events, older pages, and what the stream brings; while paused, as it was when it was paused.
function useEvents(
  query: URLSearchParams,
  paused: boolean,
): { events: TimelineEvent[]; waiting: number; error: string | null; older: (() => void) | null; loaded: boolean } {
  const store = useWorld();
  const filter = {
    kind: query.get('kind') ?? '',
    mesh: query.get('mesh') ?? '',
    node: store.idOf(query.get('node') ?? ''),
    text: (query.get('q') ?? '').toLowerCase(),
  };
  const path = withParameters('/api/timeline', {
    limit: PAGE,
    kind: filter.kind,
    mesh: filter.mesh,
    node: filter.node,
    text: filter.text,
  });
  const first = useFetched<{ events: TimelineEvent[] }>(path);
  const [older, setOlder] = useState<{ path: string; events: TimelineEvent[]; error: string | null }>({
    path,
    events: [],
    error: null,
  });
  const mine = older.path === path ? older : { path, events: [], error: null };
  const stored = first.data?.events;
  const all = useMemo(
    () =>
      mergedEvents(
        mergedEvents(stored ?? [], mine.events),
        store.events.filter((event) => fits(event, filter)),
      ),
    [stored, mine.events, store.events, path],
  );
  const [frozen, setFrozen] = useState<TimelineEvent[] | null>(null);
  const ready = stored !== undefined;
  useEffect(() => {
    if (!paused) setFrozen(null);
    else if (ready) setFrozen(all);
  }, [paused, path, ready]);
  const events = paused && frozen ? frozen : all;
  const last = events[events.length - 1];
  const more = (): void => {
    if (!last) return;
    getJson<{ events: TimelineEvent[] }>(withParameters(path, {}).concat(`&before=${last.seq}`))
      .then((answer) =>
        setOlder({
          path,
          events: mergedEvents(mine.events, answer.events),
          error: answer.events.length === 0 ? 'Nothing older is kept.' : null,
        }),
      )
      .catch((error: unknown) => setOlder({ ...mine, error: messageOf(error) }));
  };
  return {
    events,
    waiting: all.length > 0 && frozen ? all.filter((event) => event.seq > (frozen[0]?.seq ?? 0)).length : 0,
    error: first.error ?? mine.error,
    older: (stored?.length ?? 0) >= PAGE ? more : null,
    loaded: stored !== undefined,
  };
}

export function Timeline({ query }: { query: URLSearchParams }): React.JSX.Element {
  const store = useWorld();
  const change = useQueryChange();
  const at = query.get('at');
  const paused = query.get('paused') === '1';
  const { events, waiting, error, older, loaded } = useEvents(query, paused);
  const until = at === null ? Infinity : Number(at);
  const oldest = events[events.length - 1];
  const pages = useRef(0);
  useEffect(() => {
    if (at === null) pages.current = 0;
    else if (older && oldest && oldest.unix_ms > until && pages.current < PAGES_MAX) {
      pages.current += 1;
      older();
    }
  }, [at, oldest?.seq]);
  const shown = at === null ? events : events.filter((event) => event.unix_ms <= until);
  const columns: Column<TimelineEvent>[] = [
    {
      key: 'when',
      name: 'When',
      cell: (e) => (
        <button
          type="button"
          className="moment"
          title="Show the fabric of this moment"
          onClick={() => change({ at: String(e.unix_ms) }, 'push')}
        >
          {clockMs(e.unix_ms)}
        </button>
      ),
    },
    { key: 'kind', name: 'What', cell: (e) => <KindBadge kind={e.kind} /> },
    {
      key: 'node',
      name: 'Node',
      cell: (e) => (e.node === '' ? '–' : <Link to={href('nodes', e.node)}>{store.nameOf(e.node)}</Link>),
    },
    { key: 'text', name: 'Told', wrap: true, cell: (e) => e.text },
    { key: 'who', name: 'Who says so', cell: (e) => e.who.map((id) => store.nameOf(id)).join(', ') || '–' },
  ];
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">Timeline</h1>
        <div className="filters">
          <TextFilter query={query} name="q" label="Find" placeholder="node, text" />
          <Choice
            query={query}
            name="kind"
            label="What"
            options={[...new Set<string>([...KINDS, ...events.map((event) => event.kind)])].map(
              (kind) => [kind, kind.replaceAll('_', ' ')] as const,
            )}
          />
          <Choice query={query} name="mesh" label="Mesh" options={[...store.meshes.keys()].sort()} />
          <TextFilter query={query} name="node" label="Node" placeholder="name or id" />
          <button
            type="button"
            aria-pressed={paused}
            onClick={() => change({ paused: paused ? null : '1', at: null }, 'push')}
          >
            {paused ? 'Go on' : 'Pause'}
            {waiting > 0 ? ` (${waiting} new)` : ''}
          </button>
        </div>
      </div>
      <Scrubber at={at} />
      {error && <Problem error={error} />}
      <div className={`timeline${at === null ? '' : ' with-past'}`}>
        {loaded && shown.length === 0 ? (
          <Empty>
            Nothing happened that fits. Make something happen: `grapevine kill NAME`, or watch with `grapevine events`.
          </Empty>
        ) : (
          <Table label="Events" columns={columns} rows={shown} keyOf={(event) => String(event.seq)} tall />
        )}
        {at !== null && <Then at={at} />}
      </div>
      {older && (
        <p style={{ marginTop: 8 }}>
          <button type="button" onClick={older}>
            Older events
          </button>
        </p>
      )}
    </section>
  );
}

function Scrubber({ at }: { at: string | null }): React.JSX.Element {
  const change = useQueryChange();
  const store = useWorld();
  const now = Math.floor((useSeconds() + store.clockAheadMs) / STEP_MS) * STEP_MS;
  const [hand, setHand] = useState<number | null>(null);
  const value = hand ?? (at === null ? now : Math.max(now - HOUR_MS, Math.min(now, Number(at))));
  useEffect(() => {
    if (hand === null) return undefined;
    const timer = window.setTimeout(() => {
      change({ at: hand >= now ? null : String(hand) });
      setHand(null);
    }, 180);
    return () => window.clearTimeout(timer);
  }, [hand]);
  return (
    <div className="scrub">
      <label htmlFor="moment">Moment</label>
      <input
        id="moment"
        type="range"
        min={now - HOUR_MS}
        max={now}
        step={STEP_MS}
        value={value}
        aria-valuetext={at === null && hand === null ? 'now' : dateAndClock(value)}
        onChange={(event) => setHand(Number(event.target.value))}
      />
      <span>
        {at === null && hand === null ? (
          'now'
        ) : (
          <>
            {clock(value)}{' '}
            <button
              type="button"
              onClick={() => {
                setHand(null);
                change({ at: null }, 'push');
              }}
            >
              To now
            </button>
          </>
        )}
      </span>
    </div>
  );
}

function Then({ at }: { at: string }): React.JSX.Element {
  const theme = useThemeKey();
  const change = useQueryChange();
  const { store, error } = usePast(at);
  const [selected, setSelected] = useState<string | null>(null);
  const everyone = useMemo(() => () => true, []);
  return (
    <div className="then-stage" role="group" aria-label={`The fabric at ${dateAndClock(Number(at))}`}>
      {error && <Problem error={error} />}
      {store && store.nodes.size === 0 && (
        <Empty>Of that moment nothing is known: the console did not run, or it is over an hour ago.</Empty>
      )}
      {store && store.nodes.size > 0 && (
        <TopologyCanvas
          store={store}
          shown={everyone}
          selected={selected}
          follow={false}
          camera={null}
          theme={theme}
          label={`${store.nodes.size} nodes at ${dateAndClock(Number(at))}`}
          onSelect={setSelected}
          onOpen={(id) => change({ node: id })}
          onCamera={() => undefined}
        />
      )}
    </div>
  );
}
