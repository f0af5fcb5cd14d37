// Which names are written, and where: the important ones first, and none over a node or another name.

export interface LabelWish {
  id: string;
  text: string;
  x: number; // The node's middle on the screen.
  y: number;
  radius: number;
  width: number; // Of the text.
  side: 'left' | 'right' | 'above' | 'below';
  must: boolean; // Hovered or selected: written even over a node.
  within: { x0: number; x1: number }; // Its lane.
}

// What no name may cover.
export interface Disc {
  x: number;
  y: number;
  radius: number;
}

export interface PlacedLabel {
  id: string;
  text: string;
  x: number; // Left.
  y: number; // Middle.
  width: number;
  must: boolean;
}

export const LABEL_HEIGHT = 14;
const AWAY = 5;
const CELL = 48;

export interface Rect {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

class Taken {
  private readonly cells = new Map<number, Rect[]>();

  add(rect: Rect): void {
    this.each(rect, (list) => list.push(rect), true);
  }

  hits(rect: Rect): boolean {
    let hit = false;
    this.each(
      rect,
      (list) => {
        hit ||= list.some((r) => r.x0 < rect.x1 && rect.x0 < r.x1 && r.y0 < rect.y1 && rect.y0 < r.y1);
      },
      false,
    );
    return hit;
  }

  private each(rect: Rect, visit: (list: Rect[]) => void, make: boolean): void {
    for (let i = Math.floor(rect.x0 / CELL); i <= Math.floor(rect.x1 / CELL); i += 1) {
      for (let j = Math.floor(rect.y0 / CELL); j <= Math.floor(rect.y1 / CELL); j += 1) {
        const key = i * 100_003 + j;
        const list = this.cells.get(key);
        if (list) visit(list);
        else if (make) {
          const fresh: Rect[] = [];
          this.cells.set(key, fresh);
          visit(fresh);
        }
      }
    }
  }
}

function boxOf(wish: LabelWish, side: LabelWish['side']): Rect {
  const away = wish.radius * 1.5 + AWAY;
  const half = LABEL_HEIGHT / 2;
  if (side === 'right')
    return { x0: wish.x + away, x1: wish.x + away + wish.width, y0: wish.y - half, y1: wish.y + half };
  if (side === 'left')
    return { x0: wish.x - away - wish.width, x1: wish.x - away, y0: wish.y - half, y1: wish.y + half };
  const middle = side === 'above' ? wish.y - away - half : wish.y + away + half;
  return { x0: wish.x - wish.width / 2, x1: wish.x + wish.width / 2, y0: middle - half, y1: middle + half };
}

const OTHERS: Record<LabelWish['side'], LabelWish['side'][]> = {
  left: ['left', 'above', 'below', 'right'],
  right: ['right', 'above', 'below', 'left'],
  above: ['above', 'right', 'left', 'below'],
  below: ['below', 'right', 'left', 'above'],
};

export function placeLabels(
  wishes: LabelWish[],
  obstacles: Disc[],
  width: number,
  height: number,
  titles: Rect[] = [],
): PlacedLabel[] {
  const taken = new Taken();
  for (const title of titles) taken.add(title);
  for (const { x, y, radius } of obstacles)
    taken.add({ x0: x - radius, x1: x + radius, y0: y - radius, y1: y + radius });
  const out: PlacedLabel[] = [];
  for (const wish of [...wishes.filter((each) => each.must), ...wishes.filter((each) => !each.must)]) {
    const low = Math.max(2, wish.within.x0 + 2);
    const high = Math.min(width - 2, wish.within.x1 - 2);
    const seen = (box: Rect): boolean => box.x0 >= low && box.x1 <= high && box.y0 >= 2 && box.y1 <= height - 2;
    let box = OTHERS[wish.side].map((side) => boxOf(wish, side)).find((each) => seen(each) && !taken.hits(each));
    if (!box && wish.must) {
      box = boxOf(wish, wish.side);
      const shift = Math.max(2 - box.x0, Math.min(0, width - 2 - box.x1));
      box = { ...box, x0: box.x0 + shift, x1: box.x1 + shift };
    }
    if (!box) continue;
    taken.add(box);
    out.push({
      id: wish.id,
      text: wish.text,
      x: box.x0,
      y: (box.y0 + box.y1) / 2,
      width: wish.width,
      must: wish.must,
    });
  }
  return out;
}
