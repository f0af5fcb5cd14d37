import { describe, expect, it } from 'vitest';
import { linkAt, nodeAt, type Line } from '../src/topology/pick';

const places = new Map([
  ['a', { x: 0, y: 0 }],
  ['b', { x: 20, y: 0 }],
]);

function straight(ax: number, ay: number, bx: number, by: number): Line {
  return { a: { x: ax, y: ay }, b: { x: bx, y: by }, bend: { x: (ax + bx) / 2, y: (ay + by) / 2 }, pieces: 1 };
}

describe('pick', () => {
  it('finds the nearest node within reach', () => {
    expect(nodeAt(places, { x: 9, y: 0 }, 12)).toBe('a');
    expect(nodeAt(places, { x: 11, y: 0 }, 12)).toBe('b');
    expect(nodeAt(places, { x: 10, y: 30 }, 12)).toBeNull();
    expect(nodeAt(new Map(), { x: 0, y: 0 }, 12)).toBeNull();
  });

  it('finds the nearest link within reach, and none beyond its ends', () => {
    const lines = new Map([
      ['low', straight(0, 0, 100, 0)],
      ['high', straight(0, 8, 100, 8)],
    ]);
    expect(linkAt(lines, { x: 50, y: 3 }, 6)).toBe('low');
    expect(linkAt(lines, { x: 50, y: 5 }, 6)).toBe('high');
    expect(linkAt(lines, { x: 50, y: 20 }, 6)).toBeNull();
    expect(linkAt(lines, { x: 107, y: 0 }, 6)).toBeNull();
  });

  it('follows a bent link as it is drawn, not its chord', () => {
    const bent: Line = { a: { x: 0, y: 0 }, bend: { x: 50, y: 100 }, b: { x: 100, y: 0 }, pieces: 12 };
    const lines = new Map([['bent', bent]]);
    expect(linkAt(lines, { x: 50, y: 50 }, 3)).toBe('bent');
    expect(linkAt(lines, { x: 50, y: 0 }, 3)).toBeNull();
  });
});
