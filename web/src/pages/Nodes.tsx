// All nodes, as a table or as cards.

import { useState } from 'react';
import { filterOf, passes, STATE_CHOICES } from '../core/filter';
import { age, kib, millicores, ofBudget, perSecond } from '../core/format';
import { href, useQueryChange } from '../core/route';
import { useSeconds, useWorld } from '../live/hooks';
import type { HeldNode, WorldStore } from '../live/store';
import { healthOf } from '../topology/looks';
import { Choice, TextFilter } from '../ui/fields';
import { Empty } from '../ui/Empty';
import { Link } from '../ui/Link';
import { StateBadge, TypeName } from '../ui/marks';
import { withCode } from '../ui/Shell';
import { Sparkline } from '../ui/Sparkline';
import { Table, useSorted, type Column } from '../ui/Table';
import { useActionBar } from './Actions';
import { BootstrapDialog, SpawnDialog } from './Spawn';

export function Budget({
  store,
  node,
  what,
}: {
  store: WorldStore;
  node: HeldNode;
  what: 'cpu' | 'memory';
}): React.JSX.Element {
  const cpu = what === 'cpu';
  const used = cpu ? node.cpu_millicores : node.memory_kib;
  const budget = cpu ? node.cpu_budget_millicores : node.memory_budget_kib;
  const text = cpu ? millicores : kib;
  const values = store.history.of(node.id).map((point) => (cpu ? point.cpu : point.memory));
  const over = budget > 0 && used > budget;
  return (
    <span className="budget">
      <Sparkline
        values={values}
        budget={budget}
        label={`${cpu ? 'CPU' : 'memory'} of ${node.name}, ${values.length} points`}
      />
      <span className={over ? 'over' : undefined}>
        {ofBudget(used, budget, text)}
        {over ? ' over' : ''}
      </span>
    </span>
  );
}

export function knownText(node: HeldNode): string {
  const via: Record<string, string> = { self: 'itself', gossip: 'gossip', sync: 'exchange', watch: 'watch' };
  return via[node.known_via] ?? node.known_via;
}

function columnsOf(store: WorldStore): Column<HeldNode>[] {
  const part = (used: number, budget: number): number => (budget > 0 ? used / budget : -1);
  return [
    { key: 'name', name: 'Name', sort: (n) => n.name, cell: (n) => <Link to={href('nodes', n.id)}>{n.name}</Link> },
    { key: 'type', name: 'Type', sort: (n) => n.type, cell: (n) => <TypeName type={n.type} /> },
    { key: 'mesh', name: 'Mesh', sort: (n) => n.mesh, cell: (n) => n.mesh },
    {
      key: 'state',
      name: 'State',
      sort: (n) => (healthOf(n) === 'well' ? 1 : 0),
      cell: (n) => <StateBadge node={n} />,
    },
    {
      key: 'cpu',
      name: 'CPU / budget',
      sort: (n) => part(n.cpu_millicores, n.cpu_budget_millicores),
      cell: (n) => <Budget store={store} node={n} what="cpu" />,
    },
    {
      key: 'memory',
      name: 'Memory / budget',
      sort: (n) => part(n.memory_kib, n.memory_budget_kib),
      cell: (n) => <Budget store={store} node={n} what="memory" />,
    },
    {
      key: 'rate',
      name: 'Gossip',
      number: true,
      sort: (n) => store.history.rate(n.id) ?? -1,
      cell: (n) => {
        const rate = store.history.rate(n.id);
        return rate === null ? '–' : perSecond(rate);
      },
    },
    { key: 'peers', name: 'Peers', number: true, sort: (n) => n.peers, cell: (n) => n.peers },
    {
      key: 'age',
      name: 'Heard',
      number: true,
      sort: (n) => store.ageOf(n),
      cell: (n) => `${age(store.ageOf(n))} ago`,
    },
    { key: 'via', name: 'Known by', sort: (n) => n.known_via, cell: (n) => knownText(n) },
  ];
}

export function Nodes({ query }: { query: URLSearchParams }): React.JSX.Element {
  const store = useWorld();
  useSeconds();
  const change = useQueryChange();
  const [asking, setAsking] = useState<'spawn' | 'bootstrap' | null>(null);
  const [said, setSaid] = useState('');
  const why = useActionBar(null);
  const filter = filterOf(query);
  const all = [...store.nodes.values()];
  const rows = all.filter((node) => passes(node, filter));
  const columns = columnsOf(store);
  const cards = query.get('view') === 'cards';
  const done = (text: string): void => {
    setAsking(null);
    setSaid(text);
  };
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">
          Nodes <small>{rows.length === all.length ? all.length : `${rows.length} of ${all.length}`}</small>
        </h1>
        <div className="filters">
          <TextFilter query={query} name="q" label="Find" placeholder="name, id, address" />
          <Choice query={query} name="mesh" label="Mesh" options={[...store.meshes.keys()].sort()} />
          <Choice query={query} name="type" label="Type" options={[...new Set(all.map((node) => node.type))].sort()} />
          <Choice query={query} name="state" label="State" options={STATE_CHOICES} />
          <button
            type="button"
            className="toggle"
            aria-pressed={cards}
            onClick={() => change({ view: cards ? null : 'cards' }, 'push')}
          >
            Cards
          </button>
        </div>
      </div>
      <div className="actions" style={{ marginBottom: 10 }}>
        <button
          type="button"
          className="primary"
          aria-disabled={why !== null}
          onClick={() => {
            if (!why) setAsking('spawn');
          }}
        >
          Spawn…
        </button>
        <button
          type="button"
          aria-disabled={why !== null}
          onClick={() => {
            if (!why) setAsking('bootstrap');
          }}
        >
          Bootstrap…
        </button>
        <span className="done" role="status">
          {said}
        </span>
        {why && <p className="why">{withCode(why)}</p>}
      </div>
      {asking === 'spawn' && <SpawnDialog onClose={done} />}
      {asking === 'bootstrap' && <BootstrapDialog onClose={done} />}
      {store.loaded && all.length === 0 ? (
        <Empty>No node is known. Start some: `grapevine up`, or one: `broker --mesh demo`.</Empty>
      ) : rows.length === 0 && store.loaded ? (
        <Empty>No node fits these filters.</Empty>
      ) : cards ? (
        <Cards store={store} columns={columns} rows={rows} order={query.get('sort') ?? 'name'} />
      ) : (
        <Table label="Nodes" columns={columns} rows={rows} keyOf={(node) => node.id} query={query} first="name" tall />
      )}
    </section>
  );
}

const CARDS_MAX = 200;

function Cards({
  store,
  columns,
  rows,
  order,
}: {
  store: WorldStore;
  columns: Column<HeldNode>[];
  rows: HeldNode[];
  order: string;
}): React.JSX.Element {
  const sorted = useSorted({ columns, rows, keyOf: (node) => node.id }, order);
  const nodes = sorted.getRowModel().rows.slice(0, CARDS_MAX);
  return (
    <>
      <ul className="cards">
        {nodes.map(({ original: node }) => (
          <li key={node.id} className="card">
            <h2>
              <Link to={href('nodes', node.id)}>{node.name}</Link>
            </h2>
            <div className="row">
              <TypeName type={node.type} />
              <StateBadge node={node} />
            </div>
            <div className="row">
              <span>CPU</span>
              <Budget store={store} node={node} what="cpu" />
            </div>
            <div className="row">
              <span>Memory</span>
              <Budget store={store} node={node} what="memory" />
            </div>
            <div className="row">
              <span>{node.peers} peers</span>
              <span>
                {age(store.ageOf(node))} ago, {knownText(node)}
              </span>
            </div>
          </li>
        ))}
      </ul>
      {rows.length > nodes.length && (
        <p>
          The first {nodes.length} of {rows.length}; narrow it by the filters, or use the table.
        </p>
      )}
    </>
  );
}
