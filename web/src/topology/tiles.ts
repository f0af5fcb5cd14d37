// A view as tiles, by which a layer knows what to draw again: those that something which changed lies in.

export const TILE = 32; // Device pixels, as all here.

const HALF_DIAGONAL = (TILE * Math.SQRT2) / 2;

export interface Grid {
  columns: number;
  rows: number;
}

export function gridOf(width: number, height: number): Grid {
  return { columns: Math.ceil(width / TILE), rows: Math.ceil(height / TILE) };
}

// The tiles that a line of points (x and y by turns) with `reach` to each side lies in, and a few more; one point is a
// disc. A tile's number is row * columns + column, from below as WebGL counts.
export function tilesUnder(points: readonly number[], reach: number, { columns, rows }: Grid): number[] {
  const out: number[] = [];
  const pieces = Math.max(1, points.length / 2 - 1);
  for (let i = 0; i < pieces; i += 1) {
    const last = Math.min(2 * i + 2, points.length - 2);
    const [ax, ay] = [points[2 * i] ?? 0, points[2 * i + 1] ?? 0];
    const [bx, by] = [points[last] ?? 0, points[last + 1] ?? 0];
    const left = Math.max(0, Math.floor((Math.min(ax, bx) - reach) / TILE));
    const right = Math.min(columns - 1, Math.floor((Math.max(ax, bx) + reach) / TILE));
    const low = Math.max(0, Math.floor((Math.min(ay, by) - reach) / TILE));
    const high = Math.min(rows - 1, Math.floor((Math.max(ay, by) + reach) / TILE));
    for (let row = low; row <= high; row += 1)
      for (let column = left; column <= right; column += 1) {
        const tile = row * columns + column;
        const far = distanceToPiece(ax, ay, bx, by, (column + 0.5) * TILE, (row + 0.5) * TILE);
        if (far <= reach + HALF_DIAGONAL && !(i > 0 && out.includes(tile))) out.push(tile);
      }
  }
  return out;
}

export function distanceToPiece(ax: number, ay: number, bx: number, by: number, x: number, y: number): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(ax + t * dx - x, ay + t * dy - y);
}
