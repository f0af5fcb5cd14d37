import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TILE, gridOf, tilesUnder } from '../src/topology/tiles';

const WIDTH = 700;
const HEIGHT = 450;
const grid = gridOf(WIDTH, HEIGHT);
const place = fc.record({
  x: fc.double({ min: -200, max: 900, noNaN: true }),
  y: fc.double({ min: -200, max: 650, noNaN: true }),
});

function tileOf(x: number, y: number): number | null {
  if (x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT) return null;
  return Math.floor(y / TILE) * grid.columns + Math.floor(x / TILE);
}

describe('tiles', () => {
  it('hold every point of a line and of what is beside it', () => {
    const along = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(place, place, place, along, along, fc.integer({ min: 1, max: 40 }), (a, b, c, t, turn, reach) => {
        const tiles = tilesUnder([a.x, a.y, b.x, b.y, c.x, c.y], reach, grid);
        expect(new Set(tiles).size).toBe(tiles.length);
        for (const [p, q] of [
          [a, b],
          [b, c],
        ] as const) {
          const angle = turn * 2 * Math.PI;
          const x = p.x + (q.x - p.x) * t + Math.cos(angle) * reach * 0.999;
          const y = p.y + (q.y - p.y) * t + Math.sin(angle) * reach * 0.999;
          const tile = tileOf(x, y);
          if (tile !== null) expect(tiles).toContain(tile);
        }
      }),
    );
  });

  it('are few: none away from the view, one for a dot in the middle of one, a strip for a line', () => {
    expect(tilesUnder([-100, 200], 20, grid)).toEqual([]);
    expect(tilesUnder([100, HEIGHT + 500], 20, grid)).toEqual([]);
    expect(tilesUnder([2.5 * TILE, 3.5 * TILE], 1, grid)).toEqual([3 * grid.columns + 2]);
    const diagonal = tilesUnder([0, 0, 13 * TILE, 13 * TILE], 1, grid);
    expect(diagonal.length).toBeLessThanOrEqual(3 * 14);
  });
});
