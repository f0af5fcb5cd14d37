// Deliveries as they end: a sample, since a console that showed all would be the busiest node.

import { useEffect, useMemo, useState } from 'react';
import type { MessageSample } from '../core/contract';
import { bytes, clockMs, microseconds } from '../core/format';
import { href, useQueryChange } from '../core/route';
import { useFetched } from '../live/fetched';
import { useWorld } from '../live/hooks';
import { Choice, TextFilter } from '../ui/fields';
import { Empty, Problem } from '../ui/Empty';
import { Link } from '../ui/Link';
import { Table, type Column } from '../ui/Table';

const keyOf = (m: MessageSample): string =>
  `${m.seq ?? ''} ${m.unix_ms} ${m.trace_id} ${m.from} ${m.to} ${m.latency_us}`;

export function Messages({ query }: { query: URLSearchParams }): React.JSX.Element {
  const store = useWorld();
  const change = useQueryChange();
  const stored = useFetched<{ messages: MessageSample[] }>('/api/messages?limit=500');
  const paused = query.get('paused') === '1';
  const live = useMemo(() => {
    const seen = new Map<string, MessageSample>();
    for (const each of [...store.messages, ...(stored.data?.messages ?? [])]) seen.set(keyOf(each), each);
    return [...seen.values()].sort((a, b) => b.unix_ms - a.unix_ms).slice(0, 1000);
  }, [store.messages, stored.data]);
  const [frozen, setFrozen] = useState<MessageSample[] | null>(null);
  useEffect(() => setFrozen(paused ? live : null), [paused]);
  const text = (query.get('q') ?? '').toLowerCase();
  const outcome = query.get('outcome') ?? '';
  const all = paused && frozen ? frozen : live;
  const rows = all.filter(
    (m) =>
      (outcome === '' || (outcome === 'failed' ? m.outcome !== 'acknowledged' : m.outcome === outcome)) &&
      `${store.nameOf(m.from)} ${store.nameOf(m.to)} ${m.name}`.toLowerCase().includes(text),
  );
  const columns: Column<MessageSample>[] = [
    { key: 'when', name: 'When', sort: (m) => m.unix_ms, cell: (m) => clockMs(m.unix_ms) },
    {
      key: 'from',
      name: 'From',
      sort: (m) => m.from,
      cell: (m) => <Link to={href('nodes', m.from)}>{store.nameOf(m.from)}</Link>,
    },
    { key: 'name', name: 'Addressed to', sort: (m) => m.name, cell: (m) => m.name },
    {
      key: 'to',
      name: 'Handled by',
      sort: (m) => m.to,
      cell: (m) => (m.to === '' ? 'nobody' : <Link to={href('nodes', m.to)}>{store.nameOf(m.to)}</Link>),
    },
    {
      key: 'outcome',
      name: 'Outcome',
      sort: (m) => m.outcome,
      cell: (m) => (
        <span
          className={`badge tone-${m.outcome === 'acknowledged' ? 'ok' : m.outcome === 'in_doubt' ? 'warn' : 'bad'}`}
        >
          <span aria-hidden="true">{m.outcome === 'acknowledged' ? '●' : m.outcome === 'in_doubt' ? '?' : '✕'}</span>{' '}
          {m.outcome.replaceAll('_', ' ')}
        </span>
      ),
    },
    {
      key: 'latency',
      name: 'Took',
      number: true,
      sort: (m) => m.latency_us,
      cell: (m) => microseconds(m.latency_us),
    },
    {
      key: 'bytes',
      name: 'Size',
      number: true,
      sort: (m) => m.bytes ?? -1,
      cell: (m) => (m.bytes === null ? '–' : bytes(m.bytes)),
    },
    { key: 'path', name: 'Path', sort: (m) => m.path ?? '', cell: (m) => m.path ?? '–' },
    {
      key: 'trace',
      name: 'Trace',
      cell: (m) =>
        m.trace_id === '' ? (
          '–'
        ) : (
          <Link to={href('traces', m.trace_id)}>
            <span className="mono">{m.trace_id.slice(0, 8)}</span>
          </Link>
        ),
    },
  ];
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">
          Messages <small>a sample</small>
        </h1>
        <div className="filters">
          <TextFilter query={query} name="q" label="Find" placeholder="from, to, name" />
          <Choice
            query={query}
            name="outcome"
            label="Outcome"
            options={[
              ['failed', 'not acknowledged'],
              'acknowledged',
              'deadline',
              ['in_doubt', 'in doubt'],
              'unreachable',
              ['peer_busy', 'peer busy'],
            ]}
          />
          <button type="button" aria-pressed={paused} onClick={() => change({ paused: paused ? null : '1' }, 'push')}>
            {paused ? 'Go on' : 'Pause'}
          </button>
        </div>
      </div>
      {stored.error && <Problem error={stored.error} />}
      {rows.length === 0 ? (
        <Empty>
          {all.length === 0
            ? 'No delivery was seen. Send something: `grapevine send mesh1.broker hello`, or `grapevine bench mesh1.broker`.'
            : 'No message fits these filters.'}
        </Empty>
      ) : (
        <Table label="Messages" columns={columns} rows={rows} keyOf={keyOf} query={query} first="-when" tall />
      )}
    </section>
  );
}
