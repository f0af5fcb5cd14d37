// Lines over time. Each line has a colour and a dash of its own, and the table below says the same in numbers.

import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { ChartData } from '../pages/chartData';
import { clock, count } from '../core/format';
import { TYPES, typeVariable } from '../topology/looks';
import { useThemeKey } from './Shell';

const COLOURS = [
  '--type-gateway',
  '--type-broker',
  '--type-compute',
  '--type-registry',
  '--type-console',
  '--type-other',
];
const DASHES = [[], [8, 4], [2, 4], [10, 3, 2, 3]];

// Types keep their colour; whatever else is drawn takes the next of the list.
export function lineLook(i: number, name: string): { variable: string; dash: number[] } {
  const type = name.split(' ')[0] ?? '';
  if ((TYPES as readonly string[]).includes(type))
    return { variable: typeVariable(type), dash: DASHES[name === type ? 0 : (i % 3) + 1] ?? [] };
  return {
    variable: COLOURS[i % COLOURS.length] ?? '--accent',
    dash: DASHES[Math.floor(i / COLOURS.length) % DASHES.length] ?? [],
  };
}

export function Swatch({ i, name }: { i: number; name: string }): React.JSX.Element {
  const { variable, dash } = lineLook(i, name);
  return (
    <svg className="swatch" width="26" height="8" aria-hidden="true">
      <line
        x1="0"
        x2="26"
        y1="4"
        y2="4"
        style={{ stroke: `var(${variable})` }}
        strokeWidth="2.5"
        strokeDasharray={dash.join(' ')}
      />
    </svg>
  );
}

export function Chart({ data, unit, label }: { data: ChartData; unit: string; label: string }): React.JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const theme = useThemeKey();
  useEffect(() => {
    const parent = box.current;
    if (!parent) return undefined;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line') },
    };
    const plot = new uPlot(
      {
        width: parent.clientWidth,
        height: 300,
        legend: { show: false },
        cursor: { y: false },
        axes: [
          {
            ...axis,
            values: (_, ticks) =>
              ticks.map((tick) => clock(tick * 1000).slice(0, (ticks[1] ?? 0) - (ticks[0] ?? 0) < 60 ? 8 : 5)),
          },
          { ...axis, size: 64, values: (_, ticks) => ticks.map((value) => count(value)) },
        ],
        series: [
          {},
          ...data.lines.map((line, i) => {
            const { variable, dash } = lineLook(i, line.name);
            return {
              label: line.name,
              stroke: colour(variable),
              width: 1.8,
              dash,
              points: { show: false },
              spanGaps: true,
            };
          }),
        ],
      },
      [data.seconds, ...data.lines.map((line) => line.values)],
      parent,
    );
    const watcher = new ResizeObserver(() => plot.setSize({ width: parent.clientWidth, height: 300 }));
    watcher.observe(parent);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [data, theme]);
  return (
    <div
      className="chart-plot"
      ref={box}
      role="img"
      aria-label={`${label}${unit === '' ? '' : `, in ${unit}`}; the table below says the same`}
    />
  );
}
