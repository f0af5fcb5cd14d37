// What sigma's programs draw, vertex by vertex. An instance an item would be less to write, but where the processor draws
// (SwiftShader), each instance is a drawing by itself: 1,000 nodes and 3,000 links took 0.58 s so, and 0.17 s as vertices.

import type { Program } from 'sigma/rendering';

// The item for each corner, and the corner after it; nothing where it is there already.
export function writeVertices(
  array: Float32Array,
  at: number,
  item: readonly number[],
  corners: readonly (readonly [number, number])[],
): void {
  if (holds(array, at, item, corners)) return;
  let to = at;
  for (const [first, second] of corners) {
    array.set(item, to);
    to += item.length;
    array[to] = first;
    array[to + 1] = second;
    to += 2;
  }
}

// Corners differ, and are never all zero: an empty place has none.
function holds(
  array: Float32Array,
  at: number,
  item: readonly number[],
  corners: readonly (readonly [number, number])[],
): boolean {
  const [first, second] = corners[0] ?? [0, 0];
  if (array[at + item.length] !== first || array[at + item.length + 1] !== second) return false;
  return item.every((value, i) => array[at + i] === Math.fround(value));
}

const ROOM = 256;

// Makes room for so many items and some more, and keeps what is there: sigma would give up all of it for one item more.
export function reserve(program: Program, items: number, reallocate: (items: number) => void): void {
  const before: Float32Array | undefined = program.array;
  reallocate(Math.ceil(items / ROOM) * ROOM);
  if (before && before !== program.array) program.array.set(before.subarray(0, program.array.length));
  program.array.fill(0, items * program.STRIDE);
}
