import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Span } from '../src/core/contract';
import { barOf, criticalPath, rowsOf } from '../src/traces/waterfall';

function span(id: string, parent: string, from: number, to: number): Span {
  return {
    span_id: id,
    parent_span_id: parent,
    name: id,
    kind: 'internal',
    service: 'broker',
    mesh: 'm',
    node: 'n',
    instance: '',
    offset_ns: from,
    duration_ns: to - from,
    status: 'unset',
    status_text: '',
    attributes: {},
    links: [],
  };
}

const spans = fc
  .array(fc.record({ parent: fc.nat(12), from: fc.nat(100), length: fc.nat(100) }), { maxLength: 12 })
  .map((list) =>
    list.map((each, i) =>
      span(String(i), each.parent === 12 ? '' : String(each.parent), each.from, each.from + each.length),
    ),
  );

describe('rowsOf', () => {
  it('has each span once, children below their parent by start', () => {
    const rows = rowsOf([
      span('c', 'a', 5, 6),
      span('b', 'a', 1, 4),
      span('a', '', 0, 9),
      span('d', 'b', 2, 3),
      span('lost', 'nobody', 0, 1),
    ]);
    expect(rows.map((row) => `${row.depth}${row.span.span_id}`)).toEqual(['0a', '1b', '2d', '1c', '0lost']);
  });

  it('has each span once whatever the parents, circles too', () => {
    fc.assert(
      fc.property(spans, (list) => {
        const rows = rowsOf(list);
        expect(rows.map((row) => row.span.span_id).sort()).toEqual(list.map((each) => each.span_id).sort());
      }),
    );
  });
});

describe('criticalPath', () => {
  const told = (list: Span[]): string =>
    criticalPath(list)
      .map((piece) => `${piece.span_id}:${piece.from_ns}-${piece.to_ns}`)
      .join(' ');

  it('goes through the child that ended last, and the parent between', () => {
    expect(told([span('a', '', 0, 10), span('b', 'a', 1, 4), span('c', 'a', 5, 9)])).toBe(
      'a:0-1 b:1-4 a:4-5 c:5-9 a:9-10',
    );
  });
  it('leaves out what nobody waited for', () => {
    expect(told([span('a', '', 0, 10), span('slow', 'a', 1, 9), span('beside', 'a', 2, 5)])).toBe(
      'a:0-1 slow:1-9 a:9-10',
    );
  });
  it('counts a child that outlives its parent until the parent ended', () => {
    expect(told([span('a', '', 0, 10), span('late', 'a', 8, 30)])).toBe('a:0-8 late:8-10');
  });
  it('goes down', () => {
    expect(told([span('a', '', 0, 10), span('b', 'a', 2, 8), span('c', 'b', 3, 7)])).toBe(
      'a:0-2 b:2-3 c:3-7 b:7-8 a:8-10',
    );
  });

  it('covers the root without a gap or an overlap', () => {
    fc.assert(
      fc.property(spans, (list) => {
        const pieces = criticalPath(list);
        for (let i = 1; i < pieces.length; i += 1) expect(pieces[i]!.from_ns).toBe(pieces[i - 1]!.to_ns);
        const ids = new Set(list.map((each) => each.span_id));
        const roots = list.filter(
          (each) => each.parent_span_id === '' || !ids.has(each.parent_span_id) || each.parent_span_id === each.span_id,
        );
        const longest = Math.max(0, ...roots.map((each) => each.duration_ns));
        expect(pieces.reduce((sum, piece) => sum + piece.to_ns - piece.from_ns, 0)).toBe(longest);
      }),
      { numRuns: 500 },
    );
  });
});

describe('barOf', () => {
  it('stays within the track', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -50, max: 300 }),
        fc.nat(300),
        fc.integer({ min: 0, max: 200 }),
        (from, length, whole) => {
          const bar = barOf(from, length, whole);
          expect(bar.left).toBeGreaterThanOrEqual(0);
          expect(bar.left + bar.width).toBeLessThanOrEqual(1 + 1e-9);
        },
      ),
    );
  });
});
