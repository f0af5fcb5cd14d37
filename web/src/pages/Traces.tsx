// Search of traces; one trace as a waterfall; a node's boot, which is a trace, too.

import { useState } from 'react';
import type { Trace, TraceSummary } from '../core/contract';
import { withParameters } from '../core/api';
import { clockMs, dateAndClock, nanoseconds } from '../core/format';
import { jaegerTrace, traceIdOf } from '../core/jaeger';
import { href, navigate } from '../core/route';
import { useFetched } from '../live/fetched';
import { useWorld } from '../live/hooks';
import { Waterfall } from '../traces/Waterfall';
import { Choice, TextFilter } from '../ui/fields';
import { Empty, Problem } from '../ui/Empty';
import { Link } from '../ui/Link';
import { TypeName } from '../ui/marks';
import { Table, type Column } from '../ui/Table';

const NO_TELEMETRY =
  'No trace fits. Nodes of `grapevine up` send theirs here; others with `OTEL_EXPORTER_OTLP_ENDPOINT`. Make one: `grapevine ping NAME`.';
const COLUMNS: Column<TraceSummary>[] = [
  { key: 'when', name: 'Began', sort: (t) => t.start_unix_us, cell: (t) => clockMs(t.start_unix_us / 1000) },
  {
    key: 'name',
    name: 'Name',
    sort: (t) => t.name,
    cell: (t) => <Link to={href('traces', t.trace_id)}>{t.name || '(its root did not come)'}</Link>,
  },
  { key: 'service', name: 'Type', sort: (t) => t.service, cell: (t) => <TypeName type={t.service} /> },
  { key: 'node', name: 'Node', sort: (t) => t.node, cell: (t) => t.node },
  { key: 'took', name: 'Took', number: true, sort: (t) => t.duration_ns, cell: (t) => nanoseconds(t.duration_ns) },
  { key: 'spans', name: 'Spans', number: true, sort: (t) => t.spans, cell: (t) => t.spans },
  { key: 'nodes', name: 'Nodes', number: true, sort: (t) => t.resources, cell: (t) => t.resources },
  {
    key: 'errors',
    name: 'Failed',
    number: true,
    sort: (t) => t.errors,
    cell: (t) =>
      t.errors > 0 ? (
        <span className="badge tone-bad">
          <span aria-hidden="true">✕</span> {t.errors}
        </span>
      ) : (
        '–'
      ),
  },
  { key: 'id', name: 'Id', cell: (t) => <span className="mono">{t.trace_id.slice(0, 12)}</span> },
];

interface SpanName {
  name: string;
  per_minute: number;
  state: string;
}

export function Traces({ query }: { query: URLSearchParams }): React.JSX.Element {
  const store = useWorld();
  const [id, setId] = useState('');
  const names = useFetched<{ spans: SpanName[] }>('/api/spans', 15_000);
  const slow = query.get('min_ms') ?? '';
  const traces = useFetched<{ traces: TraceSummary[] }>(
    withParameters('/api/traces', {
      limit: 200,
      name: query.get('name'),
      mesh: query.get('mesh'),
      node: query.get('node'),
      service: query.get('type'),
      min_duration_us: /^\d+$/.test(slow) ? Number(slow) * 1000 : null,
      since_s: query.get('since') ?? 3600,
    }),
    5000,
  );
  const rows = (traces.data?.traces ?? []).filter((trace) => query.get('failed') !== '1' || trace.errors > 0);
  const silent = (names.data?.spans ?? []).filter((each) => each.state === 'silent');
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">Traces</h1>
        <div className="filters">
          <form
            className="field"
            onSubmit={(event) => {
              event.preventDefault();
              if (id.trim() !== '') navigate(href('traces', traceIdOf(id)));
            }}
          >
            <label htmlFor="trace-id">Trace id, or its beginning</label>
            <input
              id="trace-id"
              value={id}
              onChange={(event) => setId(event.target.value)}
              placeholder="hex digits, or Jaeger's address"
            />
          </form>
          <Choice
            query={query}
            name="name"
            label="Has a span"
            options={(names.data?.spans ?? []).map((each) => each.name)}
          />
          <Choice query={query} name="mesh" label="Mesh" options={[...store.meshes.keys()].sort()} />
          <TextFilter query={query} name="node" label="Node" placeholder="name or id" />
          <TextFilter query={query} name="min_ms" label="At least, ms" placeholder="0" />
          <Choice query={query} name="failed" label="Outcome" options={[['1', 'failed']]} />
          <Choice
            query={query}
            name="since"
            label="Since"
            all={null}
            options={[
              ['', 'an hour'],
              ['600', '10 minutes'],
              ['60', 'a minute'],
              ['86400', 'a day'],
            ]}
          />
        </div>
      </div>
      {silent.length > 0 && (
        <p className="banner">
          Gone silent: {silent.map((each) => each.name).join(', ')}. These came steadily before, and do not any more.
        </p>
      )}
      {traces.error && <Problem error={traces.error} />}
      {rows.length === 0 && !traces.loading && !traces.error ? (
        <Empty>{NO_TELEMETRY}</Empty>
      ) : (
        <Table
          label="Traces"
          columns={COLUMNS}
          rows={rows}
          keyOf={(trace) => trace.trace_id}
          query={query}
          first="-when"
          tall
        />
      )}
    </section>
  );
}

export function TracePage({ id, query }: { id: string; query: URLSearchParams }): React.JSX.Element {
  const { jaeger } = useWorld();
  const trace = useFetched<Trace>(`/api/traces/${encodeURIComponent(id)}`);
  const elsewhere = jaegerTrace(jaeger, trace.data?.trace_id ?? '');
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">
          {trace.data?.spans[0]?.name ?? 'Trace'} <small className="mono">{trace.data?.trace_id ?? id}</small>
        </h1>
        <span className="filters">
          {elsewhere && (
            <a href={elsewhere} target="_blank" rel="noopener noreferrer">
              In Jaeger
            </a>
          )}
          <Link to={href('traces')}>All traces</Link>
        </span>
      </div>
      {trace.data && (
        <p>
          <small>Began {dateAndClock(trace.data.start_unix_us / 1000)}.</small>
        </p>
      )}
      {trace.error && <Problem error={trace.error} />}
      {trace.loading && <p>Asking…</p>}
      {trace.data && <Waterfall trace={trace.data} open={query.get('span')} />}
    </section>
  );
}

export function Boot({ query }: { query: URLSearchParams }): React.JSX.Element {
  const name = query.get('node') ?? '';
  const store = useWorld();
  const boot = useFetched<Trace>(name === '' ? null : `/api/boot/${encodeURIComponent(name)}`);
  const nodes = [...store.nodes.values()].sort((a, b) => b.started_unix_ms - a.started_unix_ms);
  const [typed, setTyped] = useState('');
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">Boot {name !== '' && <small>{name}</small>}</h1>
        <form
          className="filters"
          onSubmit={(event) => {
            event.preventDefault();
            if (typed !== '') navigate(href('boot', '', { node: typed }));
          }}
        >
          <label className="field">
            <span>Node</span>
            <input
              list="boot-nodes"
              value={typed}
              onChange={(event) => {
                setTyped(event.target.value);
                if (nodes.some((node) => node.name === event.target.value))
                  navigate(href('boot', '', { node: event.target.value }));
              }}
              placeholder="name or id"
            />
          </label>
          <datalist id="boot-nodes">
            {nodes.slice(0, 500).map((node) => (
              <option key={node.id} value={node.name} />
            ))}
          </datalist>
          <button type="submit">Show</button>
        </form>
      </div>
      {name === '' && (
        <>
          <p>How a node came to be ready, step by step. The youngest nodes:</p>
          {nodes.length === 0 ? (
            <Empty>No node is known. Start some: `grapevine up`.</Empty>
          ) : (
            <ul className="cards">
              {nodes.slice(0, 24).map((node) => (
                <li key={node.id} className="card">
                  <Link to={href('boot', '', { node: node.name })}>{node.name}</Link>
                  <div className="row">
                    <TypeName type={node.type} />
                    <span>{dateAndClock(node.started_unix_ms)}</span>
                  </div>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
      {boot.error && <Problem error={boot.error} />}
      {name !== '' && boot.loading && <p>Asking…</p>}
      {name !== '' && boot.data && <Waterfall trace={boot.data} open={query.get('span')} />}
    </section>
  );
}
