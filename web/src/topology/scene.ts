// The world as instances: what is where, in which colour, with which mark. Draws when something changed, and while
// something flows.

import type { LinkRow } from '../core/contract';
import { inMesh } from '../core/format';
import type { Changes, HeldNode, WorldStore } from '../live/store';
import { type Camera, type Size, fit, toScreen } from './camera';
import { readPalette, type Palette } from './inks';
import { placeLabels, type Disc, type LabelWish } from './labels';
import { REACH, bendOf, fittingLayout, type Lane, type LaneInput, type Layout, type Place } from './layout';
import { HEALTH_MARK, SHAPES, healthOf, loadOf, lookOf, shapeOf, type LinkLook } from './looks';
import { LINK_FLOATS, NODE_FLOATS, Renderer, nodeScale } from './renderer';

const FLOW_S = 0.03; // Between two frames of which only the flow of messages differs: half the work, and nobody sees it.
const NAMED_SPACING = 62; // Nodes of a grid that stand closer are named when they are pointed at, or not well.
const FONT = '12px ui-sans-serif, system-ui, sans-serif';
const PATTERN: Record<LinkLook, number> = { eager: 0, lazy: 1, disputed: 2, plain: 0, half: 3, delivery: 5 };

export class Scene {
  camera: Camera = { x: 0, y: 0, k: 1 };
  size: Size = { width: 1, height: 1 };
  plan: Layout = { width: 0, height: 0, lanes: [], places: new Map(), slots: new Map(), radius: 10 };
  selected: string | null = null;
  hovered: string | null = null;
  links: LinkRow[] = [];
  frames = 0; // Drawn, for whoever measures.

  private order: string[] = [];
  private indexOf = new Map<string, number>();
  private laneOf = new Map<string, Lane>();
  private near = new Set<string>();
  private nodeData = new Float32Array(0);
  private linkData = new Float32Array(0);
  private shown: (node: HeldNode) => boolean = () => true;
  private palette: Palette = readPalette();
  private widths = new Map<string, number>();
  private dirty = { nodes: true, links: true, labels: true, view: true };
  private flows = false;
  private topRate = 1;
  private drawnAt = 0;

  constructor(
    private readonly store: WorldStore,
    private readonly renderer: Renderer,
    private readonly labels: HTMLCanvasElement,
    private readonly still: () => boolean, // Whether the reader wants no motion.
  ) {}

  resize(size: Size): void {
    this.size = size;
    this.relayout();
  }

  theme(): void {
    this.palette = readPalette();
    this.touch();
  }

  filter(shown: (node: HeldNode) => boolean): void {
    this.shown = shown;
    this.touch();
  }

  select(id: string | null, hovered: string | null): void {
    if (this.selected === id && this.hovered === hovered) return;
    this.selected = id;
    this.hovered = hovered;
    this.touch();
  }

  moved(): void {
    this.dirty.view = true;
    this.dirty.labels = true;
  }

  touch(): void {
    this.dirty = { nodes: true, links: true, labels: true, view: true };
  }

  changed(changes: Changes): void {
    if (changes.structure) {
      this.relayout();
      return;
    }
    if (changes.links) this.dirty.links = true;
    for (const id of changes.nodes) {
      const at = this.indexOf.get(id);
      const node = this.store.nodes.get(id);
      if (at === undefined || !node) continue;
      if (this.nodeData[at * NODE_FLOATS + 8] !== HEALTH_MARK[healthOf(node)]) this.dirty.labels = true;
      this.dirty.nodes = true;
      this.dirty.view = true;
    }
  }

  relayout(): void {
    const lanes = new Map<string, LaneInput>();
    for (const mesh of this.store.meshes.keys()) lanes.set(mesh, { mesh, nodes: [] });
    for (const node of this.store.nodes.values()) {
      const lane = lanes.get(node.mesh) ?? { mesh: node.mesh, nodes: [] };
      lane.nodes.push(node);
      lanes.set(node.mesh, lane);
    }
    this.plan = fittingLayout([...lanes.values()], this.size.width, this.size.height, this.plan);
    this.laneOf = new Map(this.plan.lanes.map((lane) => [lane.mesh, lane]));
    this.order = [...this.plan.places.keys()];
    this.indexOf = new Map(this.order.map((id, at) => [id, at]));
    this.touch();
  }

  fit(): void {
    this.camera = fit(this.plan, this.size);
    this.moved();
  }

  nodeAt(p: Place, reach: number): string | null {
    const radius = this.plan.radius * nodeScale(this.camera.k) + reach;
    let best: string | null = null;
    let least = radius;
    for (const [id, place] of this.plan.places) {
      const s = toScreen(this.camera, this.size, place);
      const far = Math.hypot(s.x - p.x, s.y - p.y);
      if (far < least) [best, least] = [id, far];
    }
    return best;
  }

  linkAt(p: Place, reach: number): LinkRow | null {
    let best: LinkRow | null = null;
    let least = reach;
    for (const link of this.links) {
      const curve = this.curveOf(link);
      if (!curve) continue;
      const [a, c, b] = curve.map((each) => toScreen(this.camera, this.size, each)) as [Place, Place, Place];
      if (p.x < Math.min(a.x, b.x, c.x) - reach || p.x > Math.max(a.x, b.x, c.x) + reach) continue;
      if (p.y < Math.min(a.y, b.y, c.y) - reach || p.y > Math.max(a.y, b.y, c.y) + reach) continue;
      for (let i = 1; i < 16; i += 1) {
        const t = i / 16;
        const x = (1 - t) * (1 - t) * a.x + 2 * t * (1 - t) * c.x + t * t * b.x;
        const y = (1 - t) * (1 - t) * a.y + 2 * t * (1 - t) * c.y + t * t * b.y;
        const far = Math.hypot(x - p.x, y - p.y) - Math.hypot(b.x - a.x, b.y - a.y) / 40;
        if (far < least) [best, least] = [link, far];
      }
    }
    return best;
  }

  draw(seconds: number): void {
    if (this.dirty.links) this.writeLinks();
    if (this.dirty.nodes) this.writeNodes();
    const moving = this.flows && !this.still() && seconds - this.drawnAt >= FLOW_S;
    if (!this.dirty.view && !this.dirty.links && !moving) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.renderer.draw(this.camera, this.size, ratio, this.still() ? 0 : seconds, this.palette);
    if (this.dirty.labels) this.writeLabels(ratio);
    this.dirty = { nodes: false, links: false, labels: false, view: false };
    this.frames += 1;
    this.drawnAt = seconds;
  }

  private curveOf(link: LinkRow): [Place, Place, Place] | null {
    const a = this.plan.places.get(link.a);
    const b = this.plan.places.get(link.b);
    if (!a || !b) return null;
    const [from, to] = [this.store.nodes.get(link.a), this.store.nodes.get(link.b)];
    const lane = from && to && from.mesh === to.mesh ? this.laneOf.get(from.mesh) : undefined;
    return [a, bendOf(a, b, lane), b];
  }

  private writeNodes(): void {
    const room = this.order.length * NODE_FLOATS;
    if (this.nodeData.length < room) this.nodeData = new Float32Array(Math.ceil(room * 1.2));
    this.topRate = 1;
    for (const id of this.order) this.topRate = Math.max(this.topRate, this.store.history.rate(id) ?? 0);
    this.order.forEach((id, at) => {
      const node = this.store.nodes.get(id);
      if (node) this.writeNode(node, at);
    });
    this.renderer.setNodes(this.nodeData, this.order.length);
  }

  private writeNode(node: HeldNode, at: number): void {
    const place = this.plan.places.get(node.id);
    if (!place) return;
    const lit = this.shown(node) && (this.near.size === 0 || this.near.has(node.id));
    const rate = this.store.history.rate(node.id) ?? 0;
    const ring = node.id === this.selected ? 2 : node.id === this.hovered ? 1 : 0;
    const [r, g, b] = this.palette.typed(node.type);
    this.nodeData.set(
      [
        place.x,
        place.y,
        this.plan.radius,
        SHAPES[shapeOf(node.type)],
        r,
        g,
        b,
        lit ? 1 : 0.3,
        HEALTH_MARK[healthOf(node)],
        loadOf(node) ?? -1,
        Math.min(1, Math.log1p(rate) / Math.log1p(this.topRate)),
        ring,
      ],
      at * NODE_FLOATS,
    );
  }

  private writeLinks(): void {
    this.links = [...this.store.links.values()].sort((x, y) => PATTERN[lookOf(x)] - PATTERN[lookOf(y)]);
    const focus = this.hovered ?? this.selected;
    this.near = new Set(focus ? [focus] : []);
    if (focus)
      for (const link of this.links) if (link.a === focus || link.b === focus) this.near.add(link.a).add(link.b);
    const room = this.links.length * LINK_FLOATS;
    if (this.linkData.length < room) this.linkData = new Float32Array(Math.ceil(room * 1.2));
    const many = this.links.length > 300;
    let count = 0;
    this.flows = false;
    for (const link of this.links) {
      const curve = this.curveOf(link);
      if (!curve) continue;
      const look = lookOf(link);
      const [from, to] = [this.store.nodes.get(link.a), this.store.nodes.get(link.b)];
      const lit = from && to && this.shown(from) && this.shown(to);
      const mine = focus !== null && (link.a === focus || link.b === focus);
      const [r, g, b] =
        look === 'delivery' ? this.palette.accent : look === 'disputed' ? this.palette.bad : this.palette.link;
      let alpha = look === 'lazy' ? 0.75 : look === 'plain' ? 0.6 : 0.95;
      if (many && look !== 'disputed') alpha *= look === 'delivery' ? 0.6 : 0.3;
      if (mine) alpha = 1;
      else if (focus !== null || !lit) alpha *= 0.2;
      const width =
        (look === 'delivery' ? 2 : look === 'eager' || look === 'half' ? 1.8 : look === 'disputed' ? 1.8 : 1.1) *
        (many && !mine ? 0.7 : 1);
      const flow = look === 'delivery' ? Math.min(90, 12 + 14 * Math.log1p(link.rate ?? 0)) : 0;
      if (flow > 0) this.flows = true;
      const pattern = look === 'half' && link.eager === 'b' ? 4 : PATTERN[look];
      const [a, c, z] = curve;
      this.linkData.set([a.x, a.y, z.x, z.y, c.x, c.y, r, g, b, alpha, width, pattern, flow], count * LINK_FLOATS);
      count += 1;
    }
    this.renderer.setLinks(this.linkData, count);
    this.dirty.nodes = true;
    this.dirty.view = true;
  }

  private writeLabels(ratio: number): void {
    const { width, height } = this.size;
    if (this.labels.width !== Math.round(width * ratio)) this.labels.width = Math.round(width * ratio);
    if (this.labels.height !== Math.round(height * ratio)) this.labels.height = Math.round(height * ratio);
    const context = this.labels.getContext('2d');
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = FONT;
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    const text = this.palette.css('--text');
    const panel = this.palette.css('--panel');
    const muted = this.palette.css('--muted');
    const obstacles: Disc[] = [];
    const wishes = this.wishes(context, obstacles);
    for (const label of placeLabels(wishes, obstacles, width, height)) {
      context.lineWidth = label.must ? 5 : 3;
      context.strokeStyle = panel;
      context.strokeText(label.text, label.x, label.y);
      context.fillStyle = label.must || this.near.size === 0 || this.near.has(label.id) ? text : muted;
      context.fillText(label.text, label.x, label.y);
    }
  }

  private wishes(context: CanvasRenderingContext2D, obstacles: Disc[]): LabelWish[] {
    const out: LabelWish[] = [];
    const radius = this.plan.radius * nodeScale(this.camera.k);
    for (const id of this.order) {
      const node = this.store.nodes.get(id);
      const place = this.plan.places.get(id);
      const lane = node && this.laneOf.get(node.mesh);
      if (!node || !place || !lane) continue;
      const s = toScreen(this.camera, this.size, place);
      if (s.x < -20 || s.y < -20 || s.x > this.size.width + 20 || s.y > this.size.height + 20) continue;
      const must = id === this.selected || id === this.hovered;
      obstacles.push({ x: s.x, y: s.y, radius: radius * REACH });
      const health = healthOf(node);
      const edge = toScreen(this.camera, this.size, lane);
      const text = inMesh(node.name, node.mesh) + (health === 'well' ? '' : ` · ${health}`);
      if (
        !must &&
        (!this.shown(node) || (health === 'well' && !lane.ring && lane.spacing * this.camera.k < NAMED_SPACING))
      )
        continue;
      out.push({
        id,
        text,
        x: s.x,
        y: s.y,
        radius,
        width: this.widthOf(context, text),
        side: sideOf(place, lane),
        must,
        within: { x0: edge.x, x1: edge.x + lane.width * this.camera.k },
      });
    }
    return out;
  }

  private widthOf(context: CanvasRenderingContext2D, text: string): number {
    const known = this.widths.get(text);
    if (known !== undefined) return known;
    if (this.widths.size > 5000) this.widths.clear();
    const width = context.measureText(text).width;
    this.widths.set(text, width);
    return width;
  }
}

function sideOf(place: Place, lane: Lane): LabelWish['side'] {
  if (!lane.ring) return 'below';
  const dx = place.x - lane.centre.x;
  const dy = place.y - lane.centre.y;
  if (Math.abs(dx) < Math.abs(dy) * 0.3) return dy < 0 ? 'above' : 'below';
  return dx < 0 ? 'left' : 'right';
}
