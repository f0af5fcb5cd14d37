// The directory as this console knows it: who it knows of, from whom, and how old that word is.

import { filterOf, passes, STATE_CHOICES } from '../core/filter';
import { age, clock, shortId } from '../core/format';
import { href } from '../core/route';
import { useSeconds, useWorld } from '../live/hooks';
import type { HeldNode } from '../live/store';
import { Choice, TextFilter } from '../ui/fields';
import { Empty } from '../ui/Empty';
import { Link } from '../ui/Link';
import { StateBadge, TypeName } from '../ui/marks';
import { Table, type Column } from '../ui/Table';
import { sourceIsUp } from './alertRules';
import { knownText } from './Nodes';

export function Cache({ query }: { query: URLSearchParams }): React.JSX.Element {
  const store = useWorld();
  useSeconds();
  const filter = filterOf(query);
  const all = [...store.nodes.values()];
  const rows = all.filter((node) => passes(node, filter));
  const columns: Column<HeldNode>[] = [
    { key: 'name', name: 'Name', sort: (n) => n.name, cell: (n) => <Link to={href('nodes', n.id)}>{n.name}</Link> },
    { key: 'mesh', name: 'Mesh', sort: (n) => n.mesh, cell: (n) => n.mesh },
    { key: 'type', name: 'Type', sort: (n) => n.type, cell: (n) => <TypeName type={n.type} /> },
    { key: 'state', name: 'State', sort: (n) => n.state, cell: (n) => <StateBadge node={n} /> },
    {
      key: 'asof',
      name: 'As of',
      number: true,
      sort: (n) => store.ageOf(n),
      cell: (n) => `${age(store.ageOf(n))} ago`,
    },
    { key: 'via', name: 'Known by', sort: (n) => n.known_via, cell: (n) => knownText(n) },
    { key: 'source', name: 'Whose word', sort: (n) => store.nameOf(n.source), cell: (n) => store.nameOf(n.source) },
    {
      key: 'id',
      name: 'Id',
      sort: (n) => n.id,
      cell: (n) => (
        <span className="mono" title={n.id}>
          {shortId(n.id)}
        </span>
      ),
    },
    {
      key: 'addrs',
      name: 'Addresses',
      cell: (n) => (
        <span className="mono" title={n.addrs.join(', ')}>
          {n.addrs[0] ?? '–'}
          {n.addrs.length > 1 ? ` +${n.addrs.length - 1}` : ''}
        </span>
      ),
    },
  ];
  const down = store.sources.filter((source) => !sourceIsUp(source));
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">
          Cache <small>{rows.length === all.length ? all.length : `${rows.length} of ${all.length}`}</small>
        </h1>
        <div className="filters">
          <TextFilter query={query} name="q" label="Find" placeholder="name, id, address" />
          <Choice query={query} name="mesh" label="Mesh" options={[...store.meshes.keys()].sort()} />
          <Choice query={query} name="state" label="State" options={STATE_CHOICES} />
        </div>
      </div>
      {down.map((source) => (
        <p key={source.name} className="banner">
          {source.name} is {source.state} since {clock(source.since_unix_ms)}: {source.text}. Rows that hang on it grow
          old.
        </p>
      ))}
      {store.loaded && all.length === 0 ? (
        <Empty>The console knows nobody. Has it a seed? See `grapevine console --help`.</Empty>
      ) : store.loaded && rows.length === 0 ? (
        <Empty>No node fits these filters.</Empty>
      ) : (
        <Table
          label="Directory"
          columns={columns}
          rows={rows}
          keyOf={(node) => node.id}
          query={query}
          first="name"
          tall
        />
      )}
    </section>
  );
}
