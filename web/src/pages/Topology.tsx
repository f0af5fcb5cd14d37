// The fabric as it is, or as it was at a moment of the last hour (`at`).

import { useCallback, useMemo, useRef } from 'react';
import type { PastWorld } from '../core/contract';
import { filterOf, passes, STATE_CHOICES } from '../core/filter';
import { dateAndClock } from '../core/format';
import { href, navigate, useQueryChange } from '../core/route';
import { useFetched } from '../live/fetched';
import { useLive, useWorld } from '../live/hooks';
import { WorldStore, type HeldNode } from '../live/store';
import { cameraOf, cameraText } from '../topology/camera';
import { TopologyCanvas } from '../topology/Canvas';
import { Legend } from '../topology/Legend';
import { Choice, TextFilter, Toggle } from '../ui/fields';
import { Link } from '../ui/Link';
import { Problem, Empty } from '../ui/Empty';
import { useThemeKey } from '../ui/Shell';
import { NodePanel } from './NodePanel';

export function usePast(at: string | null): { store: WorldStore | null; error: string | null } {
  const past = useFetched<PastWorld>(at === null ? null : `/api/world/at?unix_ms=${at}`);
  const held = useRef<WorldStore | null>(null);
  const store = useMemo(() => {
    if (!past.data || at === null) return null;
    const kept = held.current ?? new WorldStore();
    held.current = kept;
    kept.replacePast(past.data);
    queueMicrotask(() => kept.flush());
    return kept;
  }, [past.data, at]);
  return { store, error: past.error };
}

export function Topology({ query }: { query: URLSearchParams }): React.JSX.Element {
  const { store: present } = useLive();
  const world = useWorld();
  const change = useQueryChange();
  const theme = useThemeKey();
  const at = query.get('at');
  const past = usePast(at);
  const store = at === null ? present : past.store;
  const selected = query.get('node');
  const filter = filterOf(query);
  const filterText = JSON.stringify(filter);
  const shown = useCallback((node: HeldNode) => passes(node, filter), [filterText]);
  const camera = useMemo(() => cameraOf(query.get('view')), []);
  const frame = useRef<HTMLDivElement>(null);
  const zoom = (factor: number): void => {
    frame.current?.querySelector('.topology')?.dispatchEvent(new CustomEvent('topology-zoom', { detail: factor }));
  };
  const nodes = [...(store ?? world).nodes.values()];
  const types = [...new Set(nodes.map((node) => node.type))];
  return (
    <section className="page page-topology" aria-labelledby="title">
      <div className="head">
        <h1 id="title">Topology</h1>
        <div className="filters">
          <TextFilter query={query} name="q" label="Find" placeholder="name, id, address" />
          <Choice query={query} name="mesh" label="Mesh" options={[...world.meshes.keys()].sort()} />
          <Choice query={query} name="type" label="Type" options={types.sort()} />
          <Choice query={query} name="state" label="State" options={STATE_CHOICES} />
          <Toggle query={query} name="follow" label="Follow" />
          <span className="zoom" role="group" aria-label="Zoom">
            <button type="button" onClick={() => zoom(1.25)} aria-label="Zoom in">
              +
            </button>
            <button type="button" onClick={() => zoom(0.8)} aria-label="Zoom out">
              −
            </button>
            <button type="button" onClick={() => zoom(0)}>
              Fit
            </button>
          </span>
        </div>
      </div>
      {at !== null && (
        <p className="banner then">
          As it was at <b>{dateAndClock(Number(at))}</b>. <Link to={href('topology')}>Back to now</Link>
        </p>
      )}
      {past.error && <Problem error={past.error} />}
      <div className="stage" ref={frame}>
        {world.loaded && world.nodes.size === 0 && (
          <Empty>No node is known. Start some: `grapevine up`, or one: `broker --mesh demo`.</Empty>
        )}
        {store && nodes.length > 0 && (
          <TopologyCanvas
            key={at === null ? 'now' : 'then'}
            store={store}
            shown={shown}
            selected={selected}
            follow={query.get('follow') === '1'}
            camera={camera}
            theme={theme}
            label={`${nodes.length} nodes in ${world.meshes.size} meshes`}
            onSelect={(id) => change({ node: id }, 'push')}
            onOpen={(id) => navigate(href('nodes', id))}
            onCamera={(next) => change({ view: next ? cameraText(next) : null })}
          />
        )}
        <div className="side">
          {selected && store && (
            <NodePanel id={selected} store={store} onClose={() => change({ node: null }, 'push')} />
          )}
          {!selected && <Legend types={types} active={filter.type} />}
        </div>
      </div>
    </section>
  );
}
