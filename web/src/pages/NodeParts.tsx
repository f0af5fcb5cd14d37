// Parts of a node's page that its own machine can tell: ledger, counters, traces, log.

import { useMemo } from 'react';
import type { NodeDetail as Detail, TraceSummary } from '../core/contract';
import { withParameters } from '../core/api';
import { bytes, clockMs, count, duration, nanoseconds } from '../core/format';
import { href } from '../core/route';
import { useFetched } from '../live/fetched';
import { Problem } from '../ui/Empty';
import { Link } from '../ui/Link';
import { Scroll } from '../ui/Scroll';

export function Ledger({ ledger }: { ledger: NonNullable<Detail['ledger']> }): React.JSX.Element {
  const kinds = [...ledger.kinds].sort((a, b) => Number(b.state === 'broken') - Number(a.state === 'broken'));
  return (
    <section>
      <h2>
        Ledger <small>what lives in it</small>
      </h2>
      <Scroll label="Table of the ledger">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Kind</th>
              <th scope="col" className="number">
                Alive
              </th>
              <th scope="col" className="number">
                Limit
              </th>
              <th scope="col" className="number">
                Born
              </th>
              <th scope="col" className="number">
                Oldest
              </th>
              <th scope="col">Law</th>
            </tr>
          </thead>
          <tbody>
            {kinds.map((each) => (
              <tr key={each.kind}>
                <td>{each.kind}</td>
                <td className="number">{count(each.alive)}</td>
                <td className="number">{each.limit === null ? '–' : count(each.limit)}</td>
                <td className="number">{count(each.born)}</td>
                <td className="number">{each.oldest_ms === null ? '–' : duration(each.oldest_ms)}</td>
                <td>
                  {each.state === 'broken' ? (
                    <span className="badge tone-bad">✕ broken: {each.law}</span>
                  ) : each.state === 'ok' ? (
                    'kept'
                  ) : (
                    '–'
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

export function Figures({ figures }: { figures: Record<string, number> }): React.JSX.Element {
  const rows = useMemo(() => Object.entries(figures).sort(([a], [b]) => (a < b ? -1 : 1)), [figures]);
  return (
    <section>
      <h2>
        Counters <small>{rows.length}</small>
      </h2>
      <div
        className="scroll"
        style={{ maxHeight: 320, overflowY: 'auto' }}
        tabIndex={0}
        role="region"
        aria-label="Counters"
      >
        <table className="plain">
          <tbody>
            {rows.map(([name, value]) => (
              <tr key={name}>
                <th scope="row" className="mono">
                  {name}
                </th>
                <td className="number">{name.includes('bytes') ? bytes(value) : count(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function Spans({ name }: { name: string }): React.JSX.Element {
  const traces = useFetched<{ traces: TraceSummary[] }>(withParameters('/api/traces', { node: name, limit: 12 }), 5000);
  return (
    <section>
      <h2>Recent traces</h2>
      {traces.error && <Problem error={traces.error} />}
      {traces.data?.traces.length === 0 && <p>None. Its telemetry goes elsewhere, or nothing happened.</p>}
      <Scroll label="Table of recent traces">
        <table className="plain">
          <tbody>
            {(traces.data?.traces ?? []).map((trace) => (
              <tr key={trace.trace_id}>
                <td>
                  <Link to={href('traces', trace.trace_id)}>{trace.name}</Link>
                  {trace.errors > 0 && <span className="badge tone-bad">✕ {trace.errors}</span>}
                </td>
                <td className="number">{clockMs(trace.start_unix_us / 1000)}</td>
                <td className="number">{nanoseconds(trace.duration_ns)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

export function Log({ id }: { id: string }): React.JSX.Element {
  const log = useFetched<{ lines: string[] }>(`/api/nodes/${encodeURIComponent(id)}/log?lines=200`, 3000);
  return (
    <section className="whole">
      <h2>Log</h2>
      {log.error ? (
        <Problem error={log.error} />
      ) : (
        <pre className="log" tabIndex={0} role="region" aria-label="Log">
          {(log.data?.lines ?? []).join('\n') || 'It has written nothing.'}
        </pre>
      )}
    </section>
  );
}
