// A trace as rows, and its critical path.
//
// 1. Rows are the spans, each parent before its children, children by start. A span whose parent is not there is a
//    root; a circle of parents is cut where it is met again. Every span has exactly one row.
// 2. The critical path is what the end of the trace waited for: from a span's end backwards, the child that ended last
//    (but not after the moment looked at) is what was waited for; between such children it is the span itself. A child
//    that outlives its parent counts until the moment looked at. Pieces do not overlap, and their sum is the length of
//    the root they belong to.

import type { Span } from '../core/contract';

export interface Row {
  span: Span;
  depth: number;
  children: number;
}

export interface Piece {
  span_id: string;
  from_ns: number;
  to_ns: number;
}

function families(spans: readonly Span[]): { roots: Span[]; children: Map<string, Span[]> } {
  const ids = new Set(spans.map((span) => span.span_id));
  const children = new Map<string, Span[]>();
  const roots: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.offset_ns - b.offset_ns || b.duration_ns - a.duration_ns)) {
    if (span.parent_span_id === '' || !ids.has(span.parent_span_id) || span.parent_span_id === span.span_id)
      roots.push(span);
    else children.set(span.parent_span_id, [...(children.get(span.parent_span_id) ?? []), span]);
  }
  return { roots, children };
}

export function rowsOf(spans: readonly Span[]): Row[] {
  const { roots, children } = families(spans);
  const rows: Row[] = [];
  const seen = new Set<Span>();
  const visit = (first: Span): void => {
    const stack: { span: Span; depth: number }[] = [{ span: first, depth: 0 }];
    for (let top = stack.pop(); top; top = stack.pop()) {
      if (seen.has(top.span)) continue;
      seen.add(top.span);
      const below = children.get(top.span.span_id) ?? [];
      rows.push({ span: top.span, depth: top.depth, children: below.length });
      for (const child of [...below].reverse()) stack.push({ span: child, depth: top.depth + 1 });
    }
  };
  roots.forEach(visit);
  spans.forEach((span) => {
    if (!seen.has(span)) visit(span);
  }); // Circles.
  return rows;
}

const endOf = (span: Span): number => span.offset_ns + span.duration_ns;

// Of the longest root.
export function criticalPath(spans: readonly Span[]): Piece[] {
  const { roots, children } = families(spans);
  const root = [...roots].sort((a, b) => b.duration_ns - a.duration_ns)[0];
  if (!root) return [];
  const pieces: Piece[] = [];
  const onPath = new Set<string>();
  const add = (span: Span, from: number, to: number): void => {
    if (to > from) pieces.push({ span_id: span.span_id, from_ns: from, to_ns: to });
  };
  const walk = (span: Span, until: number): void => {
    onPath.add(span.span_id);
    let cursor = Math.min(until, endOf(span));
    const below = [...(children.get(span.span_id) ?? [])].sort((a, b) => endOf(b) - endOf(a));
    for (const child of below) {
      const start = Math.max(child.offset_ns, span.offset_ns);
      if (start >= cursor || onPath.has(child.span_id)) continue;
      const end = Math.min(endOf(child), cursor);
      if (end <= start) continue;
      add(span, end, cursor);
      walkFrom(child, end, start);
      cursor = start;
    }
    add(span, span.offset_ns, cursor);
  };
  // A child's part, cut at its parent's start.
  const walkFrom = (child: Span, until: number, start: number): void => {
    const first = pieces.length;
    walk(child, until);
    for (let i = first; i < pieces.length; i += 1) {
      const piece = pieces[i];
      if (piece && piece.from_ns < start) piece.from_ns = Math.min(start, piece.to_ns);
    }
  };
  walk(root, endOf(root));
  return pieces.filter((piece) => piece.to_ns > piece.from_ns).sort((a, b) => a.from_ns - b.from_ns);
}

// Where a span is drawn, in parts of the whole.
export function barOf(from: number, length: number, whole: number): { left: number; width: number } {
  if (whole <= 0) return { left: 0, width: 1 };
  const left = Math.min(1, Math.max(0, from / whole));
  return { left, width: Math.min(1 - left, Math.max(0, length / whole)) };
}
