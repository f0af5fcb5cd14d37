import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  GAP,
  REACH,
  TITLE_HEIGHT,
  assignSlots,
  bendOf,
  fittingLayout,
  layout,
  type LaneInput,
} from '../src/topology/layout';

const types = ['gateway', 'broker', 'compute', 'registry', 'console', 'other'];

function lanesOf(counts: number[]): LaneInput[] {
  return counts.map((n, mesh) => ({
    mesh: `mesh${mesh}`,
    nodes: Array.from({ length: n }, (_, i) => {
      const type = types[(i * 7 + mesh) % types.length] ?? 'other';
      return { id: `${mesh}-${i}`, type, name: `mesh${mesh}.${type}.${i}` };
    }),
  }));
}

function check(lanes: LaneInput[], width: number, height: number, before?: ReturnType<typeof layout>): void {
  const out = layout(lanes, width, height, before);
  const total = lanes.reduce((sum, lane) => sum + lane.nodes.length, 0);
  expect(out.places.size).toBe(total);
  const placed = [...out.places.values()];
  const apart = 2 * out.radius * REACH + GAP;
  const cell = apart;
  let closest = Infinity;
  const grid = new Map<string, { x: number; y: number }[]>();
  for (const p of placed) {
    const [gx, gy] = [Math.floor(p.x / cell), Math.floor(p.y / cell)];
    for (let dx = -1; dx <= 1; dx += 1) {
      for (let dy = -1; dy <= 1; dy += 1) {
        for (const q of grid.get(`${gx + dx},${gy + dy}`) ?? []) {
          closest = Math.min(closest, Math.hypot(p.x - q.x, p.y - q.y));
        }
      }
    }
    const key = `${gx},${gy}`;
    grid.set(key, [...(grid.get(key) ?? []), p]);
  }
  expect(closest).toBeGreaterThanOrEqual(apart - 1e-6);
  for (const lane of lanes) {
    const box = out.lanes.find((each) => each.mesh === lane.mesh);
    if (!box) throw new Error('no lane');
    for (const node of lane.nodes) {
      const p = out.places.get(node.id);
      if (!p) throw new Error('no place');
      const reach = out.radius * REACH;
      const within =
        p.x - reach >= box.x &&
        p.x + reach <= box.x + box.width &&
        p.y - reach >= box.y + TITLE_HEIGHT &&
        p.y + reach <= box.y + box.height;
      if (!within) throw new Error(`${node.id} at ${p.x},${p.y} is not within ${JSON.stringify(box)}`);
    }
  }
  const boxes = out.lanes;
  for (let i = 0; i < boxes.length; i += 1) {
    for (let j = i + 1; j < boxes.length; j += 1) {
      const [a, b] = [boxes[i], boxes[j]];
      if (!a || !b) continue;
      const clear = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      expect(clear).toBe(true);
    }
  }
}

describe('layout', () => {
  it('overlaps nothing and clips nothing, whatever the meshes and the window', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 360, max: 2000 }),
        fc.integer({ min: 300, max: 1400 }),
        (counts, width, height) => check(lanesOf(counts), width, height),
      ),
      { numRuns: 100 },
    );
  });

  it('has no link on a ring that touches a node which is not its end', () => {
    for (const [n, width, height] of [
      [9, 620, 600],
      [24, 900, 700],
      [12, 370, 320],
      [24, 370, 800],
      [3, 300, 200],
    ] as const) {
      const out = layout(lanesOf([n]), width, height);
      const lane = out.lanes[0];
      if (!lane?.ring) continue;
      const points = [...out.places.values()];
      for (const a of points)
        for (const b of points) {
          if (a === b) continue;
          const c = bendOf(a, b, lane);
          for (let t = 0.02; t < 1; t += 0.02) {
            const x = (1 - t) * (1 - t) * a.x + 2 * t * (1 - t) * c.x + t * t * b.x;
            const y = (1 - t) * (1 - t) * a.y + 2 * t * (1 - t) * c.y + t * t * b.y;
            for (const p of points) {
              if (p === a || p === b) continue;
              if (Math.hypot(p.x - x, p.y - y) < out.radius + 1)
                throw new Error(`a link of ${n} in ${width}x${height} touches a node`);
            }
          }
        }
    }
    expect(layout(lanesOf([9, 9]), 1280, 640).lanes.every((lane) => lane.ring)).toBe(true);
  });

  it('leaves a node of a grid where it is when others come and go', () => {
    const lanes = lanesOf([200]);
    const first = layout(lanes, 1200, 600);
    const fewer = [{ mesh: 'mesh0', nodes: lanes[0]!.nodes.filter((_, i) => i % 50 !== 3) }];
    const more = [
      { mesh: 'mesh0', nodes: [...fewer[0]!.nodes, { id: 'new', type: 'broker', name: 'mesh0.broker.new' }] },
    ];
    const second = layout(more, 1200, 600, first);
    expect(second.places.has('new')).toBe(true);
    for (const node of fewer[0]!.nodes) expect(second.slots.get(node.id)).toBe(first.slots.get(node.id));
    check(more, 1200, 600, first);
  });

  it('gives the same for the same', () => {
    const lanes = lanesOf([9, 9]);
    const shuffled = lanes.map((lane) => ({ ...lane, nodes: [...lane.nodes].reverse() })).reverse();
    expect([...layout(shuffled, 1280, 640).places].sort()).toEqual([...layout(lanes, 1280, 640).places].sort());
  });
});

describe('fittingLayout', () => {
  it('brings a thousand nodes into one view', () => {
    const out = fittingLayout(lanesOf([200, 200, 200, 200, 200]), 820, 660);
    expect(out.height / out.width).toBeLessThanOrEqual(660 / 820 + 0.02);
    expect((out.radius * 820) / out.width).toBeGreaterThan(3.5);
  });
});

describe('assignSlots', () => {
  it('gives each its own slot, within the room when there is room', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 60 }),
        fc.integer({ min: 0, max: 40 }),
        (ids, drop) => {
          const first = assignSlots(ids, 64);
          const left = ids.slice(Math.min(drop, ids.length));
          const second = assignSlots([...left, 'a-new-one'], 64, first);
          expect(new Set(second.values()).size).toBe(second.size);
          for (const id of left) expect(second.get(id)).toBe(first.get(id));
          for (const slot of second.values()) expect(slot).toBeLessThan(64);
        },
      ),
    );
  });
});
