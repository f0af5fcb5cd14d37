// Any metric over time, by node, type or mesh.

import { useMemo } from 'react';
import type { Metric, MetricSummary } from '../core/contract';
import { withParameters } from '../core/api';
import { age, count } from '../core/format';
import { href, navigate } from '../core/route';
import { useFetched } from '../live/fetched';
import { useSeconds, useWorld } from '../live/hooks';
import { Chart, Swatch } from '../ui/Chart';
import { Choice, TextFilter } from '../ui/fields';
import { Empty, Problem } from '../ui/Empty';
import { Link } from '../ui/Link';
import { Scroll } from '../ui/Scroll';
import { Table, type Column } from '../ui/Table';
import { chartOf, type By } from './chartData';

const NONE =
  'No metric has come. Nodes of `grapevine up` send theirs here every 10 s; others with `OTEL_EXPORTER_OTLP_ENDPOINT`.';

export function Charts({ query }: { query: URLSearchParams }): React.JSX.Element {
  const name = query.get('metric') ?? '';
  const list = useFetched<{ metrics: MetricSummary[] }>('/api/metrics', 10_000);
  return name === '' ? (
    <List list={list.data?.metrics} error={list.error} query={query} />
  ) : (
    <One name={name} all={list.data?.metrics ?? []} query={query} />
  );
}

function List({
  list,
  error,
  query,
}: {
  list: MetricSummary[] | undefined;
  error: string | null;
  query: URLSearchParams;
}): React.JSX.Element {
  const now = useSeconds();
  const text = (query.get('q') ?? '').toLowerCase();
  const rows = (list ?? []).filter((metric) => `${metric.name} ${metric.description}`.toLowerCase().includes(text));
  const columns: Column<MetricSummary>[] = [
    {
      key: 'name',
      name: 'Metric',
      sort: (m) => m.name,
      cell: (m) => <Link to={href('charts', '', { metric: m.name })}>{m.name}</Link>,
    },
    { key: 'description', name: 'What it is', wrap: true, cell: (m) => m.description },
    { key: 'unit', name: 'Unit', sort: (m) => m.unit, cell: (m) => m.unit },
    {
      key: 'kind',
      name: 'Kind',
      sort: (m) => m.kind,
      cell: (m) => (m.monotonic ? 'grows; shown a second' : m.kind),
    },
    { key: 'series', name: 'Series', number: true, sort: (m) => m.series, cell: (m) => count(m.series) },
    {
      key: 'last',
      name: 'Last came',
      number: true,
      sort: (m) => m.last_unix_us,
      cell: (m) => `${age(now - m.last_unix_us / 1000)} ago`,
    },
  ];
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">
          Metrics <small>{rows.length}</small>
        </h1>
        <div className="filters">
          <TextFilter query={query} name="q" label="Find" placeholder="name, words" />
        </div>
      </div>
      {error && <Problem error={error} />}
      {list && rows.length === 0 ? (
        <Empty>{list.length === 0 ? NONE : 'No metric fits.'}</Empty>
      ) : (
        <Table
          label="Metrics"
          columns={columns}
          rows={rows}
          keyOf={(metric) => metric.name}
          query={query}
          first="name"
          tall
        />
      )}
    </section>
  );
}

function One({ name, all, query }: { name: string; all: MetricSummary[]; query: URLSearchParams }): React.JSX.Element {
  const store = useWorld();
  const since = Number(query.get('since') || 600);
  const by = (query.get('by') || 'type') as By;
  const type = query.get('type') ?? '';
  const metric = useFetched<Metric>(
    withParameters(`/api/metrics/${encodeURIComponent(name)}`, {
      since_s: since,
      mesh: query.get('mesh'),
      node: query.get('node'),
      service: type,
    }),
    10_000,
  );
  const data = useMemo(
    () => (metric.data ? chartOf(metric.data, by, Math.max(10, since / 120), type) : null),
    [metric.data, by, since, type],
  );
  const unit = metric.data ? `${metric.data.unit}${metric.data.monotonic ? '/s' : ''}` : '';
  const how = metric.data?.monotonic ? 'added up' : 'mean';
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">
          {name} <small>{unit}</small>
        </h1>
        <div className="filters">
          <label className="field">
            <span>Metric</span>
            <select
              value={name}
              onChange={(event) =>
                navigate(href('charts', '', { ...Object.fromEntries(query), metric: event.target.value }))
              }
            >
              {[...new Set([name, ...all.map((each) => each.name)])].sort().map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          <Choice
            query={query}
            name="by"
            label="A line each"
            all={null}
            options={[
              ['', 'type'],
              ['mesh', 'mesh'],
              ['node', 'node'],
              ['all', 'only one'],
            ]}
          />
          <Choice query={query} name="mesh" label="Mesh" options={[...store.meshes.keys()].sort()} />
          <Choice
            query={query}
            name="type"
            label="Type"
            options={[...new Set([...store.nodes.values()].map((node) => node.type))].sort()}
          />
          <TextFilter query={query} name="node" label="Node" placeholder="name or id" />
          <Choice
            query={query}
            name="since"
            label="Since"
            all={null}
            options={[
              ['', '10 minutes'],
              ['60', 'a minute'],
              ['3600', 'an hour'],
              ['21600', '6 hours'],
              ['86400', 'a day'],
            ]}
          />
        </div>
      </div>
      {metric.data && (
        <p>
          {metric.data.description} <Link to={href('charts')}>All metrics</Link>
        </p>
      )}
      {metric.error && <Problem error={metric.error} />}
      {data && data.lines.length === 0 && <Empty>{NONE}</Empty>}
      {data && data.lines.length > 0 && (
        <>
          <div className="chart">
            <Chart data={data} unit={unit} label={name} />
          </div>
          <Scroll label="Table of lines">
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">Line</th>
                  <th scope="col" className="number">
                    Last, {unit}
                  </th>
                  <th scope="col" className="number">
                    Series in it ({how})
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.lines.map((line, i) => (
                  <tr key={line.name}>
                    <td>
                      <Swatch i={i} name={line.name} />
                      {line.name || '(not named)'}
                    </td>
                    <td className="number">{line.last === null ? '–' : count(line.last)}</td>
                    <td className="number">{line.members}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
          {data.more > 0 && (
            <p>
              <small>And {data.more} more; narrow it by the filters, or group it.</small>
            </p>
          )}
        </>
      )}
    </section>
  );
}
