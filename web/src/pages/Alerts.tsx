// What is wrong, and what is not known. Without word from a source nothing is called well.

import type { AlertRow } from '../core/contract';
import { age, clock } from '../core/format';
import { href } from '../core/route';
import { useLinkState, useSeconds, useWorld } from '../live/hooks';
import { Choice } from '../ui/fields';
import { Link } from '../ui/Link';
import { Scroll } from '../ui/Scroll';
import { SeverityBadge } from '../ui/marks';
import { severityRank, sourceIsUp, summary, type Overall } from './alertRules';

const SENTENCES: Record<Overall, string> = {
  critical: 'Something is broken.',
  warning: 'Something needs a look.',
  info: 'Nothing is wrong; something is to be known.',
  unknown: 'Not known: not every source can be heard, so nothing here says that all is well.',
  well: 'All is well: every source is heard, and none complains.',
};

export function Alerts({ query }: { query: URLSearchParams }): React.JSX.Element {
  const store = useWorld();
  const live = useLinkState().kind === 'live';
  const now = useSeconds() + store.clockAheadMs;
  const { overall } = summary(store, live);
  const wanted = query.get('severity') ?? '';
  const alerts = [...store.alerts.values()]
    .filter((alert) => wanted === '' || alert.severity === wanted)
    .sort((a, b) => severityRank(a.severity) - severityRank(b.severity) || b.since_unix_ms - a.since_unix_ms);
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">
          Alerts <small>{store.alerts.size}</small>
        </h1>
        <div className="filters">
          <Choice query={query} name="severity" label="Severity" options={['critical', 'warning', 'info', 'unknown']} />
        </div>
      </div>
      <p className="overall" role="status">
        {overall === 'well' ? (
          <span className="badge tone-ok">
            <span aria-hidden="true">●</span> well
          </span>
        ) : (
          <SeverityBadge severity={overall} />
        )}{' '}
        {SENTENCES[overall]}
      </p>
      {alerts.length > 0 && (
        <Scroll label="Table of alerts">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Severity</th>
                <th scope="col">What about</th>
                <th scope="col">What</th>
                <th scope="col">Kind</th>
                <th scope="col" className="number">
                  For
                </th>
              </tr>
            </thead>
            <tbody>
              {alerts.map((alert) => (
                <Row
                  key={alert.id}
                  alert={alert}
                  now={now}
                  known={[...store.nodes.values()].some((node) => node.name === alert.subject)}
                />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <h2>Sources</h2>
      {store.sources.length === 0 ? (
        <p className="empty">No source has said anything yet: all is unknown.</p>
      ) : (
        <Scroll label="Table of sources">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Source</th>
                <th scope="col">State</th>
                <th scope="col">Since</th>
                <th scope="col">What it says</th>
              </tr>
            </thead>
            <tbody>
              {store.sources.map((source) => (
                <tr key={source.name}>
                  <td>{source.name}</td>
                  <td>
                    <span className={`badge tone-${sourceIsUp(source) ? 'ok' : 'quiet'}`}>
                      <span aria-hidden="true">{sourceIsUp(source) ? '●' : '?'}</span> {source.state}
                      {sourceIsUp(source) ? '' : ': unknown'}
                    </span>
                  </td>
                  <td>{clock(source.since_unix_ms)}</td>
                  <td className="wrap">{source.text}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}

function Row({ alert, now, known }: { alert: AlertRow; now: number; known: boolean }): React.JSX.Element {
  return (
    <tr>
      <td>
        <SeverityBadge severity={alert.severity} />
      </td>
      <td>{known ? <Link to={href('nodes', alert.subject)}>{alert.subject}</Link> : alert.subject}</td>
      <td className="wrap">{alert.text}</td>
      <td>{alert.kind.replaceAll('_', ' ')}</td>
      <td className="number">{age(now - alert.since_unix_ms)}</td>
    </tr>
  );
}
