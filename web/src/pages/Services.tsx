// Who calls whom, how often, and how it goes: callers on the left, called on the right, so that no two marks overlap.

import type { ServiceCall } from '../core/contract';
import { count, microseconds, perSecond } from '../core/format';
import { useFetched } from '../live/fetched';
import { Choice } from '../ui/fields';
import { Empty, Problem } from '../ui/Empty';
import { Table, type Column } from '../ui/Table';

const ROW = 34;
const WIDTH = 760;

export function Services({ query }: { query: URLSearchParams }): React.JSX.Element {
  const since = Number(query.get('since') || 300);
  const services = useFetched<{ calls: ServiceCall[] }>(`/api/services?since_s=${since}`, 5000);
  const calls = services.data?.calls ?? [];
  const columns: Column<ServiceCall>[] = [
    { key: 'from', name: 'Caller', sort: (c) => c.from, cell: (c) => c.from },
    { key: 'to', name: 'Called', sort: (c) => c.to, cell: (c) => c.to },
    { key: 'rate', name: 'Calls', number: true, sort: (c) => c.count, cell: (c) => perSecond(c.count / since) },
    { key: 'count', name: 'All', number: true, sort: (c) => c.count, cell: (c) => count(c.count) },
    {
      key: 'errors',
      name: 'Failed',
      number: true,
      sort: (c) => c.errors,
      cell: (c) =>
        c.errors === 0 ? (
          '–'
        ) : (
          <span className="badge tone-bad">
            <span aria-hidden="true">✕</span> {count(c.errors)}
          </span>
        ),
    },
    { key: 'p50', name: 'p50', number: true, sort: (c) => c.p50_us, cell: (c) => microseconds(c.p50_us) },
    { key: 'p99', name: 'p99', number: true, sort: (c) => c.p99_us, cell: (c) => microseconds(c.p99_us) },
  ];
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">
          Services <small>by the spans of deliveries</small>
        </h1>
        <div className="filters">
          <Choice
            query={query}
            name="since"
            label="Since"
            all={null}
            options={[
              ['', '5 minutes'],
              ['60', 'a minute'],
              ['3600', 'an hour'],
            ]}
          />
        </div>
      </div>
      {services.error && <Problem error={services.error} />}
      {calls.length === 0 && !services.loading && !services.error ? (
        <Empty>
          No call was seen. Send something: `grapevine request mesh1.broker hello`, or `grapevine bench mesh1.broker`.
        </Empty>
      ) : (
        <>
          <ServiceMap calls={calls} since={since} />
          <Table
            label="Calls"
            columns={columns}
            rows={calls}
            keyOf={(call) => `${call.from} ${call.to}`}
            query={query}
            first="-rate"
            tall
          />
        </>
      )}
    </section>
  );
}

const CALLS_DRAWN = 40;

function ServiceMap({ calls, since }: { calls: ServiceCall[]; since: number }): React.JSX.Element {
  const drawn = [...calls].sort((a, b) => b.count - a.count).slice(0, CALLS_DRAWN);
  const names = (of: 'from' | 'to'): string[] => [...new Set(drawn.map((call) => call[of]))].sort();
  const [left, right] = [names('from'), names('to')];
  const height = Math.max(left.length, right.length, 1) * ROW + 10;
  const place = (list: string[], name: string): number =>
    5 + (list.indexOf(name) + 0.5) * ((height - 10) / list.length);
  const top = Math.max(...drawn.map((call) => call.count), 1);
  return (
    <div className="map panel" tabIndex={0} role="region" aria-label="Map of calls" style={{ marginBottom: 12 }}>
      <svg
        viewBox={`0 0 ${WIDTH} ${height}`}
        role="img"
        aria-label={`${drawn.length} kinds of calls; the table below says the same`}
      >
        {drawn.map((call) => {
          const [y1, y2] = [place(left, call.from), place(right, call.to)];
          const wide = 1 + 3.5 * Math.sqrt(call.count / top);
          return (
            <path
              key={`${call.from} ${call.to}`}
              className={call.errors > 0 ? 'failing' : undefined}
              strokeWidth={wide}
              d={`M220 ${y1}C380 ${y1} 380 ${y2} 540 ${y2}`}
            >
              <title>{`${call.from} → ${call.to}: ${perSecond(call.count / since)}, ${call.errors} failed`}</title>
            </path>
          );
        })}
        {left.map((name) => (
          <text key={name} x="208" y={place(left, name) + 4} textAnchor="end">
            {name} ·{' '}
            {perSecond(drawn.filter((call) => call.from === name).reduce((sum, call) => sum + call.count, 0) / since)}
          </text>
        ))}
        {right.map((name) => (
          <text key={name} x="552" y={place(right, name) + 4}>
            {name} ·{' '}
            {perSecond(drawn.filter((call) => call.to === name).reduce((sum, call) => sum + call.count, 0) / since)}
          </text>
        ))}
      </svg>
      <small>
        Callers left, called right. Width: how often. Dashed: some failed.
        {calls.length > drawn.length ? ` The ${drawn.length} most frequent of ${calls.length}.` : ''}
      </small>
    </div>
  );
}
