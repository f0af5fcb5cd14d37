// The waterfall of one trace: a row a span, its critical path as a line below the bars, a span's attributes on demand.

import { useMemo } from 'react';
import type { Span, Trace } from '../core/contract';
import { nanoseconds } from '../core/format';
import { href, useQueryChange } from '../core/route';
import { Link } from '../ui/Link';
import { TypeMark } from '../ui/marks';
import { typeVariable } from '../topology/looks';
import { barOf, criticalPath, rowsOf } from './waterfall';

const ROWS_MAX = 1500;
const percent = (part: number): string => `${(part * 100).toFixed(3)}%`;

export function Waterfall({ trace, open }: { trace: Trace; open: string | null }): React.JSX.Element {
  const change = useQueryChange();
  const rows = useMemo(() => rowsOf(trace.spans), [trace]);
  const path = useMemo(() => criticalPath(trace.spans), [trace]);
  const whole = Math.max(trace.duration_ns, ...trace.spans.map((span) => span.offset_ns + span.duration_ns), 1);
  return (
    <>
      <p>
        <small>
          {trace.spans.length} spans over {nanoseconds(trace.duration_ns)}
          {trace.errors > 0 ? `, ${trace.errors} failed` : ''}.
          <span className="key" aria-hidden="true" /> critical path: what the end waited for.
        </small>
      </p>
      <div className="waterfall" tabIndex={0} role="region" aria-label="Waterfall">
        {rows.slice(0, ROWS_MAX).map(({ span, depth }) => {
          const bar = barOf(span.offset_ns, span.duration_ns, whole);
          const shown = open === span.span_id;
          const pieces = path.filter((piece) => piece.span_id === span.span_id);
          return (
            <div key={span.span_id}>
              <button
                type="button"
                className="wf-row"
                aria-expanded={shown}
                onClick={() => change({ span: shown ? null : span.span_id })}
              >
                <span className="wf-name" style={{ paddingLeft: 8 + Math.min(depth, 12) * 14 }}>
                  <TypeMark type={span.service} /> {span.name}
                  {span.status === 'error' ? ' ✕' : ''} <small>{span.node}</small>
                </span>
                <span className="wf-track">
                  <span
                    className={`wf-bar${span.status === 'error' ? ' failed' : ''}`}
                    style={{
                      left: percent(bar.left),
                      width: percent(bar.width),
                      background: `var(${typeVariable(span.service)})`,
                    }}
                  />
                  {pieces.map((piece) => {
                    const part = barOf(piece.from_ns, piece.to_ns - piece.from_ns, whole);
                    return (
                      <span
                        key={piece.from_ns}
                        className="wf-critical"
                        style={{ left: percent(part.left), width: percent(part.width) }}
                      />
                    );
                  })}
                  <span className="wf-time" style={{ left: percent(bar.left + bar.width) }}>
                    {nanoseconds(span.duration_ns)}
                  </span>
                </span>
              </button>
              {shown && (
                <Details
                  span={span}
                  onPath={pieces.reduce((sum, piece) => sum + piece.to_ns - piece.from_ns, 0)}
                  trace={trace}
                />
              )}
            </div>
          );
        })}
      </div>
      {rows.length > ROWS_MAX && (
        <p>
          <small>
            The first {ROWS_MAX} of {rows.length} spans.
          </small>
        </p>
      )}
    </>
  );
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function Details({ span, onPath, trace }: { span: Span; onPath: number; trace: Trace }): React.JSX.Element {
  const logs = trace.logs.filter((log) => log.span_id === span.span_id);
  return (
    <div className="wf-detail">
      <dl className="facts">
        <dt>node</dt>
        <dd>
          <Link to={href('nodes', span.instance === '' ? span.node : span.instance)}>{span.node}</Link> ({span.service},{' '}
          {span.mesh})
        </dd>
        <dt>kind</dt>
        <dd>{span.kind}</dd>
        <dt>begins</dt>
        <dd>{nanoseconds(span.offset_ns)} after the trace</dd>
        <dt>on the critical path</dt>
        <dd>{onPath > 0 ? nanoseconds(onPath) : 'no'}</dd>
        {span.status === 'error' && (
          <>
            <dt>failed</dt>
            <dd>{span.status_text || 'without a reason'}</dd>
          </>
        )}
        {Object.entries(span.attributes ?? {}).map(([key, value]) => [
          <dt key={`k${key}`}>{key}</dt>,
          <dd key={`v${key}`}>{text(value)}</dd>,
        ])}
        {span.links.map((link) => [
          <dt key={`l${link.span_id}`}>link</dt>,
          <dd key={`m${link.span_id}`}>
            <Link to={href('traces', link.trace_id, { span: link.span_id })}>{link.trace_id.slice(0, 12)}</Link>
          </dd>,
        ])}
        {logs.map((log, i) => [
          <dt key={`g${i}`}>{log.severity_text.toLowerCase()}</dt>,
          <dd key={`h${i}`}>{log.body}</dd>,
        ])}
      </dl>
    </div>
  );
}
