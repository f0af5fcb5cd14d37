// What a node said lately, for sparklines and rates. In memory only, since this page was opened, and bounded a node.

import type { NodeRow } from '../core/contract';

export const POINTS_MAX = 60;
const POINT_GAP_MS = 900; // Two words within this time are one point.

export interface Point {
  at: number; // performance.now()
  cpu: number; // millicores
  memory: number; // KiB
  messages: number; // sent and received, ever
}

export class History {
  private readonly points = new Map<string, Point[]>();

  add(row: NodeRow, at: number): void {
    if (!Number.isFinite(row.messages_sent)) return; // Of the past this is not kept.
    const point: Point = {
      at,
      cpu: row.cpu_millicores,
      memory: row.memory_kib,
      messages: row.messages_sent + row.messages_received,
    };
    const list = this.points.get(row.id);
    if (!list) {
      this.points.set(row.id, [point]);
      return;
    }
    const last = list[list.length - 1];
    if (last && at - last.at < POINT_GAP_MS && list.length > 1) list[list.length - 1] = { ...point, at: last.at };
    else list.push(point);
    if (list.length > POINTS_MAX) list.shift();
  }

  forget(id: string): void {
    this.points.delete(id);
  }

  of(id: string): readonly Point[] {
    return this.points.get(id) ?? [];
  }

  // Messages a second between the oldest of the last few points and the newest; null while that is not known. A counter
  // that went back is a new life of the node.
  rate(id: string): number | null {
    const list = this.of(id);
    const last = list[list.length - 1];
    const first = list[Math.max(0, list.length - 6)];
    if (!last || !first || last.at - first.at < 500 || last.messages < first.messages) return null;
    return ((last.messages - first.messages) * 1000) / (last.at - first.at);
  }
}
