// Which node an arrow key goes to.

import type { Place } from './layout';

// The nearest node in the direction of an arrow key: near first, and straight ahead before aside.
export function nextInDirection(
  places: ReadonlyMap<string, Place>,
  from: string | null,
  dx: number,
  dy: number,
): string | null {
  const start = from ? places.get(from) : undefined;
  if (!start) return places.keys().next().value ?? null;
  let best: string | null = null;
  let least = Infinity;
  for (const [id, place] of places) {
    const ahead = (place.x - start.x) * dx + (place.y - start.y) * dy;
    const aside = Math.abs((place.x - start.x) * dy - (place.y - start.y) * dx);
    if (ahead <= 0.5 || ahead * 2 < aside) continue;
    const cost = ahead + 2.2 * aside;
    if (cost < least) [best, least] = [id, cost];
  }
  return best;
}
