// Writes the names that labels.ts found places for, on a canvas over the drawing.

import { inMesh } from '../core/format';
import type { HeldNode } from '../live/store';
import { toScreen, type Camera, type Size } from './camera';
import type { Palette } from './inks';
import { placeLabels, type Disc, type LabelWish, type Rect } from './labels';
import { REACH, type Lane, type Layout, type Place } from './layout';
import { healthOf } from './looks';
import { nodeScale } from './nodeProgram';

const NAMED_SPACING = 62; // Nodes of a grid that stand closer are named when they are pointed at, or not well.
const FONT = '12px ui-sans-serif, system-ui, sans-serif';
const TITLE_WIDTH = 130; // CSS pixels, at any zoom.
const TITLE_HEIGHT = 24;
const WIDTHS_MAX = 5000;

export interface NamesInput {
  camera: Camera;
  size: Size;
  plan: Layout;
  palette: Palette;
  nodeOf: (id: string) => HeldNode | undefined;
  shown: (node: HeldNode) => boolean;
  must: (id: string) => boolean; // Hovered or selected.
  bright: (id: string) => boolean;
}

export class Names {
  private readonly widths = new Map<string, number>();

  constructor(private readonly context: CanvasRenderingContext2D) {
    context.font = FONT;
  }

  resize({ width, height }: Size): void {
    const ratio = window.devicePixelRatio || 1;
    this.context.canvas.width = Math.round(width * ratio);
    this.context.canvas.height = Math.round(height * ratio);
    this.context.scale(ratio, ratio);
  }

  draw(input: NamesInput): void {
    const { context } = this;
    const { width, height } = input.size;
    context.clearRect(0, 0, width, height);
    context.font = FONT;
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    const [text, panel, muted] = ['--text', '--panel', '--muted'].map(input.palette.css) as [string, string, string];
    const obstacles: Disc[] = [];
    for (const label of placeLabels(this.wishes(input, obstacles), obstacles, width, height, titlesOf(input))) {
      context.lineWidth = label.must ? 5 : 3;
      context.strokeStyle = panel;
      context.strokeText(label.text, label.x, label.y);
      context.fillStyle = label.must || input.bright(label.id) ? text : muted;
      context.fillText(label.text, label.x, label.y);
    }
  }

  private wishes({ camera, size, plan, nodeOf, shown, must }: NamesInput, obstacles: Disc[]): LabelWish[] {
    const lanes = new Map(plan.lanes.map((lane) => [lane.mesh, lane]));
    const radius = plan.radius * nodeScale(camera.k);
    const out: LabelWish[] = [];
    for (const [id, place] of plan.places) {
      const node = nodeOf(id);
      const lane = node && lanes.get(node.mesh);
      if (!node || !lane) continue;
      const s = toScreen(camera, size, place);
      if (s.x < -20 || s.y < -20 || s.x > size.width + 20 || s.y > size.height + 20) continue;
      obstacles.push({ x: s.x, y: s.y, radius: radius * REACH });
      const health = healthOf(node);
      const crowded = health === 'well' && !lane.ring && lane.spacing * camera.k < NAMED_SPACING;
      if (!must(id) && (crowded || !shown(node))) continue;
      const edge = toScreen(camera, size, lane);
      const text = inMesh(node.name, node.mesh) + (health === 'well' ? '' : ` · ${health}`);
      out.push({
        id,
        text,
        x: s.x,
        y: s.y,
        radius,
        width: this.widthOf(text),
        side: sideOf(place, lane),
        must: must(id),
        within: { x0: edge.x, x1: edge.x + lane.width * camera.k },
      });
    }
    return out;
  }

  private widthOf(text: string): number {
    const known = this.widths.get(text);
    if (known !== undefined) return known;
    if (this.widths.size > WIDTHS_MAX) this.widths.clear();
    const { width } = this.context.measureText(text);
    this.widths.set(text, width);
    return width;
  }
}

// Where the lanes' names are.
function titlesOf({ camera, size, plan }: NamesInput): Rect[] {
  return plan.lanes.map((lane) => {
    const { x, y } = toScreen(camera, size, lane);
    return { x0: x, x1: x + TITLE_WIDTH, y0: y, y1: y + TITLE_HEIGHT };
  });
}

function sideOf(place: Place, lane: Lane): LabelWish['side'] {
  if (!lane.ring) return 'below';
  const dx = place.x - lane.centre.x;
  const dy = place.y - lane.centre.y;
  if (Math.abs(dx) < Math.abs(dy) * 0.3) return dy < 0 ? 'above' : 'below';
  return dx < 0 ? 'left' : 'right';
}
