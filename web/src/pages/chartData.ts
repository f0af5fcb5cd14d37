// Series of a metric, grouped and on one axis of time, as the chart wants them.

import type { Metric, MetricSeries } from '../core/contract';

export type By = 'node' | 'type' | 'mesh' | 'all';
export const LINES_MAX = 12;

export interface Line {
  name: string;
  values: (number | null)[];
  last: number | null;
  members: number;
}

export interface ChartData {
  seconds: number[];
  lines: Line[];
  more: number; // Groups that are not drawn.
}

function keyOf(series: MetricSeries, by: By): string {
  const attributes = Object.entries(series.attributes ?? {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(' ');
  const who =
    by === 'node'
      ? series.node || series.instance.slice(0, 10)
      : by === 'type'
        ? series.service
        : by === 'mesh'
          ? series.mesh
          : 'all';
  return attributes === '' ? who : `${who} ${attributes}`;
}

// Points as [µs, value]; of what only grows, its growth a second. Where it went back a new life began: nothing is said
// of that step.
export function pointsOf(series: MetricSeries, kind: string, monotonic: boolean): [number, number][] {
  const history = series.history;
  const out: [number, number][] = [];
  for (let i = 0; i < history.length; i += 1) {
    const point = history[i];
    if (!point) continue;
    const [at, value, count] = point;
    if (kind === 'histogram' && !monotonic) {
      const before = history[i - 1];
      const fresh = before ? count - before[2] : count;
      const sum = before ? value - before[1] : value;
      if (fresh > 0 && sum >= 0) out.push([at, sum / fresh]);
      else if (before === undefined && count > 0) out.push([at, value / count]);
    } else if (!monotonic) {
      out.push([at, value]);
    } else {
      const before = history[i - 1];
      if (before && at > before[0] && value >= before[1])
        out.push([at, ((value - before[1]) * 1e6) / (at - before[0])]);
    }
  }
  return out;
}

// Of a group: what grows is added up, of what does not the mean is taken.
export function chartOf(metric: Metric, by: By, stepS: number, type = ''): ChartData {
  const groups = new Map<string, MetricSeries[]>();
  for (const series of metric.series) {
    if (type !== '' && series.service !== type) continue;
    const key = keyOf(series, by);
    groups.set(key, [...(groups.get(key) ?? []), series]);
  }
  const buckets = new Set<number>();
  const lines = [...groups].map(([name, members]) => {
    const cells = new Map<number, Map<MetricSeries, number>>();
    for (const series of members) {
      for (const [at, value] of pointsOf(series, metric.kind, metric.monotonic)) {
        const bucket = Math.floor(at / 1e6 / stepS) * stepS;
        buckets.add(bucket);
        const cell = cells.get(bucket) ?? new Map<MetricSeries, number>();
        cell.set(series, value);
        cells.set(bucket, cell);
      }
    }
    return { name, members: members.length, cells };
  });
  const seconds = [...buckets].sort((a, b) => a - b);
  const combine = (cell: Map<MetricSeries, number> | undefined): number | null => {
    if (!cell) return null;
    const sum = [...cell.values()].reduce((a, b) => a + b, 0);
    return metric.monotonic ? sum : sum / cell.size;
  };
  const drawn = lines
    .map((line) => {
      const values = seconds.map((bucket) => combine(line.cells.get(bucket)));
      return {
        name: line.name,
        members: line.members,
        values,
        last: [...values].reverse().find((value) => value !== null) ?? null,
      };
    })
    .sort((a, b) => (b.last ?? -Infinity) - (a.last ?? -Infinity) || (a.name < b.name ? -1 : 1));
  return { seconds, lines: drawn.slice(0, LINES_MAX), more: Math.max(0, drawn.length - LINES_MAX) };
}
