// A small line of what a node said since this page was opened, with its budget as a dashed line. Says the same in words
// to those who do not see it.

export function sparkPath(values: readonly number[], top: number, width: number, height: number): string {
  if (values.length < 2 || top <= 0) return '';
  const step = width / (values.length - 1);
  return values
    .map(
      (value, i) =>
        `${i === 0 ? 'M' : 'L'}${(i * step).toFixed(1)} ${(height - 1 - (Math.min(value, top) / top) * (height - 2)).toFixed(1)}`,
    )
    .join('');
}

export function Sparkline({
  values,
  budget,
  label,
}: {
  values: readonly number[];
  budget: number;
  label: string;
}): React.JSX.Element {
  const [width, height] = [46, 20];
  const top = Math.max(...values, budget, 1) * 1.05;
  const line = height - 1 - (budget / top) * (height - 2);
  return (
    <svg className="spark" width={width} height={height} role="img" aria-label={label}>
      {budget > 0 && <line className="limit" x1="0" x2={width} y1={line} y2={line} />}
      <path className="stroke" d={sparkPath(values, top, width, height)} />
    </svg>
  );
}
