// The world as a graph that sigma draws: positions are of our layout, looks come from the store when sigma asks.
//
// 1. Sigma's coordinates are ours with y upwards: its box is the unit square, so that it scales nothing.
// 2. Nothing is drawn unless something that is seen changed, and only where it did (layer.ts): rows of nodes at the pace
//    of pace.ts, the flow of messages only while links are few enough to see it.

import { MultiGraph } from 'graphology';
import type { LinkRow } from '../core/contract';
import { type Changes, type HeldNode, type WorldStore } from '../live/store';
import { ZOOM_MAX, ZOOM_MIN, cameraIn, fit, fromScreen, pixelsAUnit, stateOf, type Camera, type Size } from './camera';
import { Drawing } from './drawing';
import { readPalette, type Palette } from './inks';
import { Layer } from './layer';
import { bendOf, fittingLayout, type Lane, type LaneInput, type Layout, type Place } from './layout';
import { BENT, STRAIGHT, linkProgram, type LinkLook as LinkData } from './linkProgram';
import { HEALTH_MARK, SHAPES, healthOf, loadOf, lookOf, shapeOf, type LinkLook } from './looks';
import { Names } from './names';
import { nodeProgram, nodeScale, type NodeLook } from './nodeProgram';
import { Pace } from './pace';
import { LINK_PX, NODE_PX, linkAt, nodeAt, type Line } from './pick';

const FLOW_MS = 33;
const MANY_LINKS = 300;
const LEFT_OVER = 1.5; // Edges a link before hidden ones are swept.
const PATTERN: Record<LinkLook, number> = { eager: 0, lazy: 1, disputed: 2, plain: 0, half: 3, delivery: 5 };
const UNUSED_LAYERS = ['edgeLabels', 'labels', 'hovers', 'hoverNodes'];
const EMPTY: Layout = { width: 0, height: 0, lanes: [], places: new Map(), slots: new Map(), radius: 10 };

export interface SceneEvents {
  hover(node: string | null, link: LinkRow | null, at: Place): void;
  choose(node: string | null): void;
  moved(): void; // By the reader.
  drawn(): void;
}

export class Scene {
  plan: Layout = EMPTY;
  frames = 0; // Drawn, for whoever measures.
  readonly sigma: Drawing;

  private readonly layers = { links: new Layer(), nodes: new Layer() };
  private size: Size = { width: 1, height: 1 };
  private graph = new MultiGraph();
  private selected: string | null = null;
  private hovered: string | null = null;
  private hoveredLink: string | null = null;
  private near = new Set<string>();
  private shown: (node: HeldNode) => boolean = () => true;
  private palette: Palette = readPalette();
  private readonly names: Names;
  private named = false;
  private readonly drawnMark = new Map<string, number>();
  private readonly lines = new Map<string, Line>(); // As drawn.
  private readonly stale = new Set<string>();
  private readonly staleLinks = new Set<string>();
  private readonly pace = new Pace();
  private rowsTimer = 0;
  private flowTimer = 0;
  private topRate = 1;
  private steering = false; // Our own movement of the camera.
  private indexed = true; // Whether sigma's programs hold all of the graph; what they lack cannot be drawn by itself.

  constructor(
    private readonly store: WorldStore,
    box: HTMLElement,
    private readonly still: () => boolean, // Whether the reader wants no motion.
    private readonly events: SceneEvents,
  ) {
    const seconds = (): number => (this.flows() ? performance.now() / 1000 : 0);
    const { links, nodes } = this.layers;
    this.sigma = new Drawing(
      this.graph,
      box,
      {
        allowInvalidContainer: true,
        renderLabels: false,
        enableCameraRotation: false,
        stagePadding: 0,
        zoomingRatio: 1.25,
        zoomDuration: this.still() ? 0 : 120,
        inertiaRatio: this.still() ? 0 : 2,
        doubleClickZoomingRatio: 1,
        nodeReducer: (id) => this.nodeLook(id),
        edgeReducer: (key, { type }) => this.linkLook(key, String(type)),
        defaultDrawNodeHover: () => undefined,
        nodeProgramClasses: { node: nodeProgram(() => this.palette, nodes) },
        edgeProgramClasses: {
          bent: linkProgram(BENT, seconds, links),
          straight: linkProgram(STRAIGHT, seconds, links),
        },
      },
      this.layers,
    );
    this.sigma.setCustomBBox({ x: [0, 1], y: [0, 1] });
    const layers = this.sigma.getCanvases();
    for (const name of UNUSED_LAYERS) if (layers[name]) layers[name].style.display = 'none'; // Not composed, then.
    const context = this.sigma.createCanvas('names', { beforeLayer: 'mouse' }).getContext('2d');
    if (!context) throw new Error('the browser has no canvas');
    this.names = new Names(context);
    this.listen();
  }

  get camera(): Camera {
    return cameraIn(this.sigma.getCamera().getState(), this.size);
  }

  steer(camera: Camera): void {
    this.steering = true;
    this.sigma.getCamera().setState(stateOf(camera, this.size));
    this.steering = false;
  }

  resize(size: Size): void {
    const camera = this.camera;
    this.size = size;
    this.steering = true; // Other limits make sigma set its camera, too.
    this.unindexed();
    this.sigma.setSettings({
      minCameraRatio: pixelsAUnit(size, ZOOM_MAX),
      maxCameraRatio: pixelsAUnit(size, ZOOM_MIN),
    });
    this.steer(camera);
    this.sigma.resize(true);
    this.names.resize(size);
    this.relayout();
  }

  fit(): void {
    this.steer(fit(this.plan, this.size));
  }

  theme(): void {
    this.palette = readPalette();
    this.sigma.again();
    this.redraw();
  }

  filter(shown: (node: HeldNode) => boolean): void {
    this.shown = shown;
    this.redraw();
  }

  select(id: string | null): void {
    if (this.selected === id) return;
    this.selected = id;
    this.redraw();
  }

  changed(changes: Changes): void {
    if (changes.structure) this.relayout();
    for (const id of changes.nodes) this.stale.add(id);
    for (const key of changes.links) this.staleLinks.add(key);
    if (this.stale.size + this.staleLinks.size > 0 && this.rowsTimer === 0)
      this.rowsTimer = window.setTimeout(() => this.drawRows(), this.pace.every());
  }

  kill(): void {
    window.removeEventListener('resize', this.unindexed);
    window.clearTimeout(this.rowsTimer);
    window.clearTimeout(this.flowTimer);
    this.sigma.kill();
  }

  private readonly unindexed = (): void => {
    this.indexed = false;
  };

  private listen(): void {
    const { sigma, events } = this;
    const mouse = sigma.getMouseCaptor().removeAllListeners(); // Sigma's own ask the layers that it draws for pointers.
    mouse.on('mousemove', (at) => this.hover(at));
    mouse.on('mouseleave', () => this.hover(null));
    mouse.on('click', (at) => events.choose(this.nodeAt(at)));
    const touch = sigma.getTouchCaptor().removeAllListeners();
    touch.on('touchdown', ({ touches }) => this.hover(touches[0] ?? null));
    touch.on('touchmove', ({ touches }) => this.hover(touches[0] ?? null));
    touch.on('tap', ({ touches, previousTouches }) => {
      const at = touches[0] ?? previousTouches[0];
      if (at) events.choose(this.nodeAt(at));
    });
    sigma.getCamera().on('updated', () => {
      this.named = false;
      if (!this.steering) events.moved();
    });
    window.addEventListener('resize', this.unindexed); // Sigma forgets its programs' indices, and makes them in the next frame.
    sigma.on('beforeRender', () => {
      if (this.flows()) this.layers.links.all();
    });
    sigma.on('afterProcess', () => {
      this.indexed = true;
    });
    sigma.on('afterRender', () => this.rendered());
  }

  private hover(at: Place | null): void {
    const node = at && this.nodeAt(at);
    const link = at && node === null ? this.linkAt(at) : null;
    if (node === this.hovered && link === this.hoveredLink) return;
    this.hoveredLink = link;
    if (node !== this.hovered) {
      this.hovered = node;
      this.redraw();
    }
    this.events.hover(node, link === null ? null : (this.store.links.get(link) ?? null), at ?? { x: 0, y: 0 });
  }

  private nodeAt(at: Place): string | null {
    const { camera, plan, size } = this;
    const reach = (plan.radius * nodeScale(camera.k) + NODE_PX) / camera.k;
    return nodeAt(plan.places, fromScreen(camera, size, at), reach);
  }

  private linkAt(at: Place): string | null {
    return linkAt(this.lines, fromScreen(this.camera, this.size, at), LINK_PX / this.camera.k);
  }

  private rendered(): void {
    if (!this.named) {
      const { camera, size, plan, palette, shown } = this;
      const must = (id: string): boolean => id === this.selected || id === this.hovered;
      const bright = (id: string): boolean => this.near.size === 0 || this.near.has(id);
      this.names.draw({ camera, size, plan, palette, shown, must, bright, nodeOf: (id) => this.store.nodes.get(id) });
      this.named = true;
    }
    this.frames += 1;
    this.pace.drawn();
    this.events.drawn();
    if (!this.flows() || this.flowTimer !== 0) return;
    this.flowTimer = window.setTimeout(() => {
      this.flowTimer = 0;
      this.sigma.scheduleRender();
    }, FLOW_MS);
  }

  private flows(): boolean {
    if (this.still() || this.graph.size > MANY_LINKS) return false;
    return this.graph.someEdge((key) => this.store.links.get(key)?.kind === 'delivery');
  }

  private relayout(): void {
    const lanes = new Map<string, LaneInput>();
    for (const mesh of this.store.meshes.keys()) lanes.set(mesh, { mesh, nodes: [] });
    for (const node of this.store.nodes.values()) {
      const lane = lanes.get(node.mesh) ?? { mesh: node.mesh, nodes: [] };
      lane.nodes.push(node);
      lanes.set(node.mesh, lane);
    }
    this.plan = fittingLayout([...lanes.values()], this.size.width, this.size.height, this.plan);
    this.rebuild();
  }

  // A graph of its own each time: sigma works off one graph at once, but hundreds of changes of one each by itself.
  private rebuild(): void {
    const graph = new MultiGraph();
    this.lines.clear();
    for (const [id, { x, y }] of this.plan.places) graph.addNode(id, { x, y: -y });
    const ranked = [...this.store.links].sort(([, x], [, y]) => PATTERN[lookOf(x)] - PATTERN[lookOf(y)]);
    for (const [key, link] of ranked) this.add(graph, key, link);
    this.graph = graph;
    if (this.hovered !== null && !graph.hasNode(this.hovered)) this.hovered = null;
    this.prepare();
    this.sigma.setGraph(graph);
  }

  private add(graph: MultiGraph, key: string, link: LinkRow): void {
    if (!graph.hasNode(link.a) || !graph.hasNode(link.b)) return;
    graph.addEdgeWithKey(key, link.a, link.b, { type: this.ringOf(link) ? 'bent' : 'straight' });
  }

  // The lane of both ends, where it is a ring.
  private ringOf(link: LinkRow): Lane | undefined {
    const mesh = this.store.nodes.get(link.a)?.mesh;
    if (mesh !== this.store.nodes.get(link.b)?.mesh) return undefined;
    return this.plan.lanes.find((lane) => lane.mesh === mesh && lane.ring);
  }

  private redraw(): void {
    this.prepare();
    const { graph } = this;
    this.sigma.refresh({
      partialGraph: { nodes: graph.nodes(), edges: graph.edges() },
      skipIndexation: this.indexed,
      schedule: true,
    });
  }

  private drawRows(): void {
    this.rowsTimer = 0;
    const { graph, stale } = this;
    const nodes = [...stale].filter((id) => graph.hasNode(id));
    if (nodes.some((id) => this.markOf(id) !== this.drawnMark.get(id))) this.named = false;
    const edges = [...this.staleLinks].filter((key) => this.known(key));
    stale.clear();
    this.staleLinks.clear();
    if (graph.size > LEFT_OVER * (this.store.links.size + MANY_LINKS)) this.rebuild();
    else if (nodes.length + edges.length > 0 || !this.indexed)
      this.sigma.refresh({ partialGraph: { nodes, edges }, skipIndexation: this.indexed, schedule: true });
  }

  // Whether sigma has this link; it is given what it lacks. What is gone stays as a hidden one until the next graph:
  // sigma would work off all of a graph for each edge that goes.
  private known(key: string): boolean {
    if (this.graph.hasEdge(key)) return true;
    const link = this.store.links.get(key);
    if (link) this.add(this.graph, key, link);
    this.unindexed();
    return false;
  }

  private markOf(id: string): number {
    const node = this.store.nodes.get(id);
    return node ? HEALTH_MARK[healthOf(node)] : HEALTH_MARK.unknown;
  }

  // What the looks of all depend on.
  private prepare(): void {
    const focus = this.hovered ?? this.selected;
    this.near = new Set(focus ? [focus] : []);
    if (focus && this.graph.hasNode(focus)) for (const id of this.graph.neighbors(focus)) this.near.add(id);
    this.topRate = 1;
    for (const id of this.plan.places.keys()) this.topRate = Math.max(this.topRate, this.store.history.rate(id) ?? 0);
    this.named = false;
  }

  private nodeLook(id: string): NodeLook & { type: string; label: null } {
    const place = this.plan.places.get(id) ?? { x: 0, y: 0 };
    const node = this.store.nodes.get(id);
    const rate = this.store.history.rate(id) ?? 0;
    const lit = node && this.shown(node) && (this.near.size === 0 || this.near.has(id));
    const mark = this.markOf(id);
    this.drawnMark.set(id, mark);
    return {
      x: place.x,
      y: -place.y,
      type: 'node',
      label: null,
      size: this.plan.radius,
      shape: SHAPES[shapeOf(node?.type ?? '')],
      rgb: this.palette.typed(node?.type ?? ''),
      lit: lit ? 1 : 0.3,
      mark,
      load: (node && loadOf(node)) ?? -1,
      traffic: Math.min(1, Math.log1p(rate) / Math.log1p(this.topRate)),
      ring: id === this.selected ? 2 : id === this.hovered ? 1 : 0,
    };
  }

  private linkLook(key: string, type: string): (LinkData & { type: string }) | { type: string; hidden: true } {
    const link = this.store.links.get(key);
    const [a, b] = [this.plan.places.get(link?.a ?? ''), this.plan.places.get(link?.b ?? '')];
    const [from, to] = [this.store.nodes.get(link?.a ?? ''), this.store.nodes.get(link?.b ?? '')];
    if (!link || !a || !b || !from || !to) {
      this.lines.delete(key);
      return { type, hidden: true };
    }
    const bend = bendOf(a, b, this.ringOf(link));
    this.lines.set(key, { a, bend, b, pieces: type === 'bent' ? BENT : STRAIGHT });
    return { type, bend: { x: bend.x, y: -bend.y }, ...this.lineOf(link, this.shown(from) && this.shown(to)) };
  }

  private lineOf(link: LinkRow, lit: boolean): Omit<LinkData, 'bend'> {
    const look = lookOf(link);
    const focus = this.hovered ?? this.selected;
    const mine = focus !== null && (link.a === focus || link.b === focus);
    const many = this.graph.size > MANY_LINKS;
    let alpha = look === 'lazy' ? 0.75 : look === 'plain' ? 0.6 : 0.95;
    if (many && look !== 'disputed') alpha *= look === 'delivery' ? 0.6 : 0.3;
    if (mine) alpha = 1;
    else if (focus !== null || !lit) alpha *= 0.2;
    const bold = look === 'eager' || look === 'half' || look === 'disputed';
    return {
      rgb: look === 'delivery' ? this.palette.accent : look === 'disputed' ? this.palette.bad : this.palette.link,
      alpha,
      width: (look === 'delivery' ? 2 : bold ? 1.8 : 1.1) * (many && !mine ? 0.7 : 1),
      pattern: look === 'half' && link.eager === 'b' ? 4 : PATTERN[look],
      flow: look === 'delivery' ? Math.min(90, 12 + 14 * Math.log1p(link.rate ?? 0)) : 0,
    };
  }
}
