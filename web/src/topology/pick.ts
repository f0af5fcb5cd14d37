// What a pointer is at: a node if it is on one or nearly, else the nearest link within a few pixels.

import type { Place } from './layout';
import { distanceToPiece } from './tiles';

export const NODE_PX = 5; // Around a node that is still the node.
export const LINK_PX = 6; // To each side of a link.

// A quadratic curve.
export interface Curve {
  a: Place;
  bend: Place;
  b: Place;
}

// As it is drawn.
export interface Line extends Curve {
  pieces: number; // Straight ones.
}

export function nodeAt(places: Map<string, Place>, at: Place, reach: number): string | null {
  let best: string | null = null;
  let nearest = reach;
  for (const [id, place] of places) {
    const far = Math.hypot(place.x - at.x, place.y - at.y);
    if (far >= nearest) continue;
    nearest = far;
    best = id;
  }
  return best;
}

export function linkAt(lines: Map<string, Line>, at: Place, reach: number): string | null {
  let best: string | null = null;
  let nearest = reach;
  for (const [key, line] of lines) {
    if (outside(line, at, reach)) continue;
    const far = distanceTo(line, at);
    if (far >= nearest) continue;
    nearest = far;
    best = key;
  }
  return best;
}

// A curve is within its three points.
function outside({ a, bend, b }: Line, at: Place, reach: number): boolean {
  return (
    at.x < Math.min(a.x, bend.x, b.x) - reach ||
    at.x > Math.max(a.x, bend.x, b.x) + reach ||
    at.y < Math.min(a.y, bend.y, b.y) - reach ||
    at.y > Math.max(a.y, bend.y, b.y) + reach
  );
}

function distanceTo(line: Line, at: Place): number {
  let nearest = Infinity;
  let from = line.a;
  for (let i = 1; i <= line.pieces; i += 1) {
    const to = pointOf(line, i / line.pieces);
    nearest = Math.min(nearest, distanceToPiece(from.x, from.y, to.x, to.y, at.x, at.y));
    from = to;
  }
  return nearest;
}

export function pointOf({ a, bend, b }: Curve, t: number): Place {
  const along = (p: number, q: number, r: number): number => {
    const [first, second] = [p + (q - p) * t, q + (r - q) * t];
    return first + (second - first) * t;
  };
  return { x: along(a.x, bend.x, b.x), y: along(a.y, bend.y, b.y) };
}
