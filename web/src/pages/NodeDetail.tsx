// One node: the row of the directory, and, of a node that runs on this machine, what its control socket says.

import type { NodeDetail as Detail } from '../core/contract';
import { age, count, dateAndClock, duration, microseconds, perSecond } from '../core/format';
import { href } from '../core/route';
import { useFetched } from '../live/fetched';
import { useSeconds, useWorld } from '../live/hooks';
import type { HeldNode, WorldStore } from '../live/store';
import { LINK_WORDS, lookOf } from '../topology/looks';
import { Empty, Problem } from '../ui/Empty';
import { Link } from '../ui/Link';
import { Scroll } from '../ui/Scroll';
import { StateBadge, TypeName } from '../ui/marks';
import { NodeActions } from './Actions';
import { Figures, Ledger, Log, Spans } from './NodeParts';
import { Budget, knownText } from './Nodes';

export function NodeDetail({ id }: { id: string }): React.JSX.Element {
  const store = useWorld();
  const now = useSeconds();
  const detail = useFetched<Detail>(`/api/nodes/${encodeURIComponent(id)}`, 3000);
  const node = store.nodes.get(id) ?? [...store.nodes.values()].find((each) => each.name === id);
  const row = node ?? (detail.data ? { ...detail.data, received: performance.now() } : undefined);
  if (!row) {
    return (
      <section className="page" aria-labelledby="title">
        <h1 id="title">Node</h1>
        {detail.error ? (
          <Problem error={detail.error} />
        ) : store.loaded && !detail.loading ? (
          <Empty>It is not known. `grapevine why NAME` may know what became of it.</Empty>
        ) : (
          <p>Asking…</p>
        )}
      </section>
    );
  }
  return (
    <section className="page" aria-labelledby="title">
      <div className="head">
        <h1 id="title">
          {row.name} <StateBadge node={row} />
        </h1>
        <div className="filters">
          <Link to={href('topology', '', { node: row.id })}>In the topology</Link>
          <Link to={href('timeline', '', { node: row.id })}>Timeline</Link>
          <Link to={href('boot', '', { node: row.name })}>Boot</Link>
        </div>
      </div>
      <NodeActions node={row} />
      <div className="detail" style={{ marginTop: 12 }}>
        <Facts row={row} store={store} now={now} detail={detail.data} />
        <Links row={row} store={store} detail={detail.data} />
        {detail.data?.why && <Paths why={detail.data.why} />}
        {detail.error && (
          <section>
            <h2>Control socket</h2>
            <Problem error={detail.error} />
          </section>
        )}
        {!row.here && (
          <section>
            <h2>Not on this machine</h2>
            <p>
              Counters, ledger, paths and log are told by a node's control socket, which only its own machine can ask.
              There: <code>grapevine status --node {row.name}</code>
            </p>
          </section>
        )}
        {detail.data?.ledger && <Ledger ledger={detail.data.ledger} />}
        {detail.data?.status?.figures && <Figures figures={detail.data.status.figures} />}
        <Spans name={row.name} />
        {row.here && <Log id={row.id} />}
      </div>
    </section>
  );
}

function Facts({
  row,
  store,
  now,
  detail,
}: {
  row: HeldNode;
  store: WorldStore;
  now: number;
  detail: Detail | undefined;
}): React.JSX.Element {
  const rate = store.history.rate(row.id);
  return (
    <section>
      <h2>What it says of itself</h2>
      <dl className="facts">
        <dt>type</dt>
        <dd>
          <TypeName type={row.type} />
        </dd>
        <dt>mesh</dt>
        <dd>{row.mesh}</dd>
        <dt>id</dt>
        <dd className="mono">{row.id}</dd>
        <dt>addresses</dt>
        <dd>
          {row.addrs.map((addr) => (
            <div key={addr} className="mono">
              {addr}
            </div>
          ))}
        </dd>
        <dt>CPU</dt>
        <dd>
          <Budget store={store} node={row} what="cpu" />
        </dd>
        <dt>memory</dt>
        <dd>
          <Budget store={store} node={row} what="memory" />
        </dd>
        <dt>gossip</dt>
        <dd>
          {count(row.messages_sent)} sent, {count(row.messages_received)} received
          {rate === null ? '' : `, ${perSecond(rate)}`}
        </dd>
        <dt>started</dt>
        <dd>
          {dateAndClock(row.started_unix_ms)} ({duration(now + store.clockAheadMs - row.started_unix_ms)} ago, by its
          own clock)
        </dd>
        <dt>last word</dt>
        <dd>{age(store.ageOf(row))} ago</dd>
        <dt>known by</dt>
        <dd>
          {knownText(row)}; source: {store.nameOf(row.source)}
        </dd>
        {row.process && (
          <>
            <dt>process</dt>
            <dd>
              {row.process}
              {detail?.status?.pid ? `, pid ${detail.status.pid}` : ''}
            </dd>
          </>
        )}
        {row.suspected_by.length > 0 && (
          <>
            <dt>suspected by</dt>
            <dd>{row.suspected_by.map((who) => store.nodes.get(who)?.name ?? who.slice(0, 10)).join(', ')}</dd>
          </>
        )}
      </dl>
    </section>
  );
}

function Links({
  row,
  store,
  detail,
}: {
  row: HeldNode;
  store: WorldStore;
  detail: Detail | undefined;
}): React.JSX.Element {
  const told = new Map((detail?.status?.neighbors ?? []).map((each) => [each.id, each]));
  const links = [...store.links.values()].filter(
    (link) => link.kind === 'overlay' && (link.a === row.id || link.b === row.id),
  );
  return (
    <section>
      <h2>
        Neighbours <small>{links.length}</small>
      </h2>
      {links.length === 0 ? (
        <p>None: nobody says to be its neighbour.</p>
      ) : (
        <Scroll label="Table of neighbours">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Node</th>
                <th scope="col">Link</th>
                <th scope="col" className="number">
                  Round trip
                </th>
                <th scope="col" className="number">
                  Silent
                </th>
              </tr>
            </thead>
            <tbody>
              {links.map((link) => {
                const other = link.a === row.id ? link.b : link.a;
                const more = told.get(other);
                return (
                  <tr key={other}>
                    <td>
                      <Link to={href('nodes', other)}>{store.nodes.get(other)?.name ?? other.slice(0, 10)}</Link>
                    </td>
                    <td className="wrap">{LINK_WORDS[lookOf(link)]}</td>
                    <td className="number">{more ? microseconds(more.rtt_us) : '–'}</td>
                    <td className="number">{more ? duration(more.silence_ms) : '–'}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}

function Paths({ why }: { why: NonNullable<Detail['why']> }): React.JSX.Element {
  return (
    <section>
      <h2>
        Paths <small>as {why.by ?? 'another node'} sees them</small>
      </h2>
      {why.verdict && <p>{why.verdict}</p>}
      {(why.addresses ?? []).length > 0 && (
        <Scroll label="Table of addresses">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Address</th>
                <th scope="col">From</th>
                <th scope="col">Came of it</th>
              </tr>
            </thead>
            <tbody>
              {(why.addresses ?? []).map((each) => (
                <tr key={each.addr}>
                  <td className="mono">{each.addr}</td>
                  <td>{each.source}</td>
                  <td>
                    {each.fate?.replaceAll('_', ' ') ?? '–'}
                    {each.worked_ago_ms === undefined ? '' : `, worked ${duration(each.worked_ago_ms)} ago`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {(why.connections ?? []).length > 0 && (
        <Scroll label="Table of connections">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Connection</th>
                <th scope="col">State</th>
                <th scope="col">Remote</th>
                <th scope="col" className="number">
                  Round trip
                </th>
              </tr>
            </thead>
            <tbody>
              {(why.connections ?? []).map((each, i) => (
                <tr key={i}>
                  <td>
                    {each.for}, {each.origin}
                  </td>
                  <td>
                    {each.state} for {duration(each.since_ms)}
                  </td>
                  <td className="mono">{each.remote ?? '–'}</td>
                  <td className="number">{each.rtt_us === undefined ? '–' : microseconds(each.rtt_us)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}
