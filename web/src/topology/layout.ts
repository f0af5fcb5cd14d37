// Where nodes stand: one swim lane a mesh, and within it a ring of few nodes or a grid of many.
//
// 1. Two nodes of any layout are at least 2 * REACH * radius + GAP apart, since rings are drawn around them, and a node
//    is within its lane, clear of the lane's title.
// 2. A node keeps its place while others come and go, as long as its lane has room: who follows a node with the eye
//    does not lose it. A ring is made anew with each newcomer, since its places are few.
// 3. On a ring no link touches a node that is not its end, so that a link cannot seem to end where it does not: links
//    bend towards the middle (`bendOf`), and the ring's flatness is bounded.
// 4. The same nodes, size and earlier places give the same layout.
//
// Units are CSS pixels at zoom 1.

import { typeOrder } from './looks';

export const GAP = 2;
export const REACH = 1.45;
export const TITLE_HEIGHT = 30;
export const RING_MAX = 24;
const LANE_GAP = 10;
const PAD = 14;
const LABEL_WIDTH = 112;
const LABEL_HEIGHT = 30;
const FLATNESS_MAX = 2.1;
const RING_SPACING_MIN = 30;
const BEND = 0.46;
const CELL_MIN = 18;
const CELL_MAX = 64;

export interface LaneInput {
  mesh: string;
  nodes: { id: string; type: string; name: string }[];
}

export interface Place {
  x: number;
  y: number;
}

export interface Lane {
  mesh: string;
  x: number;
  y: number;
  width: number;
  height: number;
  ring: boolean;
  centre: Place;
  count: number;
  spacing: number; // The least distance of two of its nodes.
}

export interface Layout {
  width: number;
  height: number;
  lanes: Lane[];
  places: Map<string, Place>;
  slots: Map<string, number>; // Of grids, for the next layout.
  radius: number;
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

// The layout in a room so much larger than the view that all of it fits, up to twice: many nodes are drawn smaller
// rather than out of sight.
export function fittingLayout(input: LaneInput[], width: number, height: number, before?: Layout): Layout {
  const many = input.some((lane) => lane.nodes.length > RING_MAX);
  let out = layout(input, width, height, before);
  for (let larger = 1.1; many && larger <= 2 && out.height > out.width * (height / width); larger += 0.15) {
    out = layout(input, width * larger, height * larger, before);
  }
  return out;
}

export function layout(input: LaneInput[], width: number, height: number, before?: Layout): Layout {
  const lanes = [...input].sort((a, b) => (a.mesh < b.mesh ? -1 : 1));
  const boxes = laneBoxes(
    lanes.map((lane) => lane.nodes.length),
    width,
    height,
  );
  const out: Layout = { width, height: 0, lanes: [], places: new Map(), slots: new Map(), radius: 12 };
  const cells: number[] = [];
  lanes.forEach((lane, index) => {
    const box = boxes[index];
    if (!box) return;
    const points = lane.nodes.length <= RING_MAX ? ringPlaces(lane.nodes.length, box) : null;
    const spacing = points ? placeRing(lane, points, out) : placeGrid(lane, box, out, before);
    out.lanes.push({
      mesh: lane.mesh,
      ...box,
      ring: points !== null,
      count: lane.nodes.length,
      spacing,
      centre: { x: box.x + box.width / 2, y: box.y + (box.height + TITLE_HEIGHT) / 2 },
    });
    cells.push(spacing);
    out.height = Math.max(out.height, box.y + box.height);
    out.width = Math.max(out.width, box.x + box.width);
  });
  const tightest = Math.min(Infinity, ...cells);
  out.radius = Math.max(3, Math.min(12, (tightest - GAP) / 2 / REACH - 0.01));
  return out;
}

// Lanes side by side or one below the other: rings are put where they are larger, grids always in rows.
export function laneBoxes(counts: number[], width: number, height: number): Box[] {
  if (counts.length === 0) return [];
  const rows = rowBoxes(counts, width, height);
  if (!counts.every((n) => n <= RING_MAX)) return rows;
  const columns = columnBoxes(counts, width, height);
  const least = (boxes: Box[]): number => Math.min(...boxes.map((box) => around(ringAxes(box))));
  return least(columns) > least(rows) * 1.15 ? columns : rows;
}

function around({ rx, ry }: { rx: number; ry: number }): number {
  return 2 * Math.PI * Math.sqrt((rx * rx + ry * ry) / 2);
}

function ringAxes(box: Box): { rx: number; ry: number } {
  const rx = Math.max(20, box.width / 2 - LABEL_WIDTH - PAD);
  const ry = Math.max(20, (box.height - TITLE_HEIGHT) / 2 - LABEL_HEIGHT - PAD);
  return { rx: Math.min(rx, ry * FLATNESS_MAX), ry: Math.min(ry, rx * FLATNESS_MAX) };
}

function columnBoxes(counts: number[], width: number, height: number): Box[] {
  const across = (width - LANE_GAP * (counts.length + 1)) / counts.length;
  const tall = Math.max(height - 2 * LANE_GAP, 120);
  return counts.map((_, i) => ({ x: LANE_GAP + i * (across + LANE_GAP), y: LANE_GAP, width: across, height: tall }));
}

function rowBoxes(counts: number[], width: number, height: number): Box[] {
  const inner = width - 2 * LANE_GAP;
  const least = counts.map((n) => (n <= RING_MAX ? ringHeight(n, inner) : gridHeight(n, inner, CELL_MIN)));
  const spare = Math.max(0, height - LANE_GAP * (counts.length + 1) - least.reduce((a, b) => a + b, 0));
  const total = counts.reduce((a, b) => a + Math.max(b, 6), 0);
  let y = LANE_GAP;
  return counts.map((n, i) => {
    const tall = (least[i] ?? 0) + (spare * Math.max(n, 6)) / total;
    const box = { x: LANE_GAP, y, width: inner, height: tall };
    y += tall + LANE_GAP;
    return box;
  });
}

function ringHeight(n: number, width: number): number {
  const rx = Math.max(40, width / 2 - LABEL_WIDTH - PAD);
  const least = n <= 1 ? 30 : Math.max(70, rx / FLATNESS_MAX > 150 ? 70 : 0, (n * 40 - 4 * Math.min(rx, 150)) / 4);
  return TITLE_HEIGHT + 2 * (least + LABEL_HEIGHT + PAD);
}

function gridHeight(n: number, width: number, cell: number): number {
  const columns = Math.max(1, Math.floor((width - 2 * PAD - cell / 2) / cell));
  return TITLE_HEIGHT + 2 * PAD + Math.ceil(n / columns) * cell;
}

export function sorted(nodes: LaneInput['nodes']): LaneInput['nodes'] {
  return [...nodes].sort(
    (a, b) =>
      typeOrder(a.type) - typeOrder(b.type) || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1),
  );
}

// Places on an ellipse at equal distances along it, the first on top; null if they would stand too close.
function ringPlaces(n: number, box: Box): Place[] | null {
  const cx = box.x + box.width / 2;
  const cy = box.y + TITLE_HEIGHT + (box.height - TITLE_HEIGHT) / 2;
  if (n <= 1) return [{ x: cx, y: cy }];
  const { rx, ry } = ringAxes(box);
  const points = equalAngles(n, rx, ry).map((t) => ({ x: cx + rx * Math.cos(t), y: cy + ry * Math.sin(t) }));
  return leastDistance(points) < Math.min(RING_SPACING_MIN, 2 * rx) ? null : points;
}

function leastDistance(points: Place[]): number {
  let least = 40;
  points.forEach((p, i) => {
    const q = points[(i + 1) % points.length];
    if (q && q !== p) least = Math.min(least, Math.hypot(p.x - q.x, p.y - q.y));
  });
  return least;
}

function placeRing(lane: LaneInput, points: Place[], out: Layout): number {
  sorted(lane.nodes).forEach((node, i) => {
    const point = points[i];
    if (point) out.places.set(node.id, point);
  });
  return leastDistance(points);
}

// The control point of a link's curve within a ring; the middle of the line elsewhere.
export function bendOf(a: Place, b: Place, lane: Lane | undefined): Place {
  const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  if (!lane?.ring) return middle;
  return { x: middle.x + (lane.centre.x - middle.x) * BEND, y: middle.y + (lane.centre.y - middle.y) * BEND };
}

// Angles at equal distances along the ellipse, from its top.
function equalAngles(n: number, rx: number, ry: number): number[] {
  const steps = 720;
  const lengths = [0];
  let total = 0;
  for (let i = 1; i <= steps; i += 1) {
    const t = ((i - 0.5) / steps) * 2 * Math.PI;
    total += Math.hypot(rx * Math.sin(t), ry * Math.cos(t)) * ((2 * Math.PI) / steps);
    lengths.push(total);
  }
  return Array.from({ length: n }, (_, i) => angleAt(lengths, total, steps, (i / n + 0.75) % 1));
}

function angleAt(lengths: number[], total: number, steps: number, part: number): number {
  const want = part * total;
  let low = 0;
  let high = steps;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lengths[middle] ?? total) < want) low = middle + 1;
    else high = middle;
  }
  return (low / steps) * 2 * Math.PI;
}

// Places in rows, each second one shifted by half a cell. Returns the least distance.
function placeGrid(lane: LaneInput, box: Box, out: Layout, before?: Layout): number {
  const n = lane.nodes.length;
  const wide = box.width - 2 * PAD;
  const tall = box.height - TITLE_HEIGHT - 2 * PAD;
  const room = Math.ceil(n * 1.06) + 2; // For newcomers, without moving anybody.
  let cell = Math.min(CELL_MAX, Math.sqrt((wide * tall) / room));
  while (cell > 8 && Math.floor(wide / cell - 0.5) * Math.floor(tall / cell) < room) cell -= 0.25;
  const columns = Math.max(1, Math.floor(wide / cell - 0.5));
  const rows = Math.ceil(room / columns);
  const slots = assignSlots(
    sorted(lane.nodes).map((node) => node.id),
    columns * rows,
    before?.slots,
  );
  const dx = wide / (columns + 0.5);
  const dy = Math.min(cell * 2, tall / rows);
  const top = box.y + TITLE_HEIGHT + PAD + (tall - dy * rows) / 2;
  for (const [id, slot] of slots) {
    const row = Math.floor(slot / columns);
    const column = slot % columns;
    out.slots.set(id, slot);
    out.places.set(id, { x: box.x + PAD + (column + 0.5 + (row % 2) * 0.5) * dx, y: top + (row + 0.5) * dy });
  }
  return Math.min(dx, Math.hypot(dx / 2, dy));
}

// Who has a slot keeps it; the others take the free ones in order. Slots that no longer exist are given anew.
export function assignSlots(ids: string[], room: number, before?: Map<string, number>): Map<string, number> {
  const out = new Map<string, number>();
  const taken = new Set<number>();
  for (const id of ids) {
    const slot = before?.get(id);
    if (slot !== undefined && slot < room && !taken.has(slot)) {
      out.set(id, slot);
      taken.add(slot);
    }
  }
  let next = 0;
  for (const id of ids) {
    if (out.has(id)) continue;
    while (taken.has(next)) next += 1;
    out.set(id, next);
    taken.add(next);
  }
  return out;
}
