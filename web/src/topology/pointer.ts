// Mouse, touch and keys over the topology, as what they mean.

import type { Place } from './layout';

export interface Gestures {
  hover(at: Place | null): void;
  choose(at: Place): void;
  pan(dx: number, dy: number): void;
  zoom(at: Place, factor: number): void;
  ended(): void; // A movement is over.
}

const STILL_PX = 4;

export function listen(target: HTMLElement, gestures: Gestures): () => void {
  const down = new Map<number, Place>();
  let travelled = 0;
  let spread = 0;
  const at = (event: MouseEvent): Place => {
    const box = target.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const distance = (): number => {
    const [a, b] = [...down.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };
  const onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    target.setPointerCapture(event.pointerId);
    down.set(event.pointerId, at(event));
    if (down.size === 1) travelled = 0;
    spread = distance();
  };
  const onMove = (event: PointerEvent): void => {
    const now = at(event);
    const before = down.get(event.pointerId);
    if (!before) {
      gestures.hover(now);
      return;
    }
    down.set(event.pointerId, now);
    travelled += Math.hypot(now.x - before.x, now.y - before.y);
    if (down.size === 1) {
      if (travelled > STILL_PX) gestures.pan(now.x - before.x, now.y - before.y);
      return;
    }
    const wide = distance();
    if (spread > 0 && wide > 0) gestures.zoom(middle([...down.values()]), wide / spread);
    spread = wide;
  };
  const onUp = (event: PointerEvent): void => {
    if (!down.delete(event.pointerId)) return;
    if (travelled <= STILL_PX && down.size === 0) gestures.choose(at(event));
    else gestures.ended();
    spread = distance();
  };
  const onLeave = (): void => gestures.hover(null);
  let wheelTimer = 0;
  const onWheel = (event: WheelEvent): void => {
    event.preventDefault();
    gestures.zoom(at(event), Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0016)));
    window.clearTimeout(wheelTimer);
    wheelTimer = window.setTimeout(() => gestures.ended(), 200);
  };
  target.addEventListener('pointerdown', onDown);
  target.addEventListener('pointermove', onMove);
  target.addEventListener('pointerup', onUp);
  target.addEventListener('pointercancel', onUp);
  target.addEventListener('pointerleave', onLeave);
  target.addEventListener('wheel', onWheel, { passive: false });
  return () => {
    window.clearTimeout(wheelTimer);
    target.removeEventListener('pointerdown', onDown);
    target.removeEventListener('pointermove', onMove);
    target.removeEventListener('pointerup', onUp);
    target.removeEventListener('pointercancel', onUp);
    target.removeEventListener('pointerleave', onLeave);
    target.removeEventListener('wheel', onWheel);
  };
}

function middle(points: Place[]): Place {
  return {
    x: points.reduce((sum, p) => sum + p.x, 0) / points.length,
    y: points.reduce((sum, p) => sum + p.y, 0) / points.length,
  };
}

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
