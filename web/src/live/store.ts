// The world as this page knows it: one store, to which the server's deltas are applied in place.
//
// 1. A delta is applied once: one whose version is not newer than ours is ignored, so that a repeated event changes
//    nothing.
// 2. Tables are bounded: events and samples keep the newest; nodes and links are bounded by the server.
// 3. Whoever draws asks what changed since it last drew (`Changes`), and never compares the whole world.
// 4. Ages count on this machine's monotonic clock from the moment a row came.

import type {
  AlertRow,
  Delta,
  LinkKey,
  LinkRow,
  MessageSample,
  MeshRow,
  NodeRow,
  PastWorld,
  SourceRow,
  SupervisorRow,
  TimelineEvent,
  World,
} from '../core/contract';
import { jaegerBase } from '../core/jaeger';
import { History } from './history';

export const EVENTS_MAX = 2000;
export const MESSAGES_MAX = 1000;
export const NAMES_MAX = 8192;

export interface Changes {
  nodes: Set<string>; // Rows that changed, without coming or going.
  links: Set<string>; // Keys of links that came, changed or went.
  structure: boolean; // Nodes came or went, or changed mesh or type, or all is new: the layout is due.
}

export interface HeldNode extends NodeRow {
  received: number; // performance.now() when the row came.
}

export function linkKey(link: LinkKey): string {
  return `${link.a}|${link.b}|${link.kind ?? 'overlay'}`;
}

const NOT_KEPT = {
  addrs: [],
  age_ms: NaN,
  known_via: 'not kept',
  source: '',
  started_unix_ms: NaN,
  cpu_millicores: NaN,
  cpu_budget_millicores: 0,
  memory_kib: NaN,
  memory_budget_kib: 0,
  messages_sent: NaN,
  messages_received: NaN,
  peers: NaN,
  suspected_by: [],
  here: false,
};

export type Listener = (changes: Changes) => void;

export class WorldStore {
  readonly nodes = new Map<string, HeldNode>();
  readonly links = new Map<string, LinkRow>();
  readonly meshes = new Map<string, MeshRow>();
  readonly alerts = new Map<string, AlertRow>();
  readonly history = new History();
  sources: SourceRow[] = [];
  supervisor: SupervisorRow = { present: false, can_spawn: false };
  events: TimelineEvent[] = []; // Newest first.
  messages: MessageSample[] = []; // Newest first.
  version = -1;
  fabric = '';
  self: string | null = null;
  readOnly = true;
  jaeger: string | null = null;
  loaded = false;
  clockAheadMs = 0; // The server's wall clock minus ours.
  revision = 0; // Grows with every change; for useSyncExternalStore.

  private readonly names = new Map<string, string>(); // Of those that are gone, too.
  private readonly listeners = new Set<Listener>();
  private pending: Changes = { nodes: new Set(), links: new Set(), structure: false };

  constructor(private readonly now: () => number = () => performance.now()) {}

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  // Tells the listeners what changed since the last call; to be called once a frame.
  flush(): void {
    const changes = this.pending;
    this.pending = { nodes: new Set(), links: new Set(), structure: false };
    for (const listener of this.listeners) listener(changes);
  }

  replace(world: World, wallNowMs: number): void {
    this.version = world.version;
    this.fabric = world.fabric;
    this.self = world.self;
    this.readOnly = world.read_only;
    this.jaeger = jaegerBase(world.jaeger);
    this.supervisor = world.supervisor;
    this.sources = world.sources;
    this.clockAheadMs = world.now_unix_ms - wallNowMs;
    this.meshes.clear();
    for (const mesh of world.meshes) this.meshes.set(mesh.name, mesh);
    this.alerts.clear();
    for (const alert of world.alerts) this.alerts.set(alert.id, alert);
    this.fill(world);
  }

  // A moment of the past: no ages, no deltas.
  replacePast(past: PastWorld): void {
    this.fill({ nodes: past.nodes.map((node) => ({ ...NOT_KEPT, ...node })), links: past.links });
  }

  private fill(world: { nodes: NodeRow[]; links: LinkRow[] }): void {
    const known = new Set(world.nodes.map((node) => node.id));
    for (const id of this.nodes.keys()) if (!known.has(id)) this.history.forget(id);
    this.nodes.clear();
    for (const node of world.nodes) this.put(node);
    this.links.clear();
    for (const link of world.links) this.links.set(linkKey(link), link);
    this.loaded = true;
    this.pending.structure = true;
    this.revision += 1;
  }

  apply(delta: Delta): boolean {
    if (delta.version <= this.version) return false;
    this.version = delta.version;
    for (const node of delta.nodes ?? []) this.put(node);
    for (const id of delta.nodes_gone ?? []) this.drop(id);
    for (const link of delta.links ?? []) this.putLink(link);
    for (const gone of delta.links_gone ?? []) this.dropLink(gone);
    for (const name of delta.meshes_gone ?? []) {
      if (this.meshes.delete(name)) this.pending.structure = true;
    }
    for (const mesh of delta.meshes ?? []) this.meshes.set(mesh.name, mesh);
    for (const alert of delta.alerts ?? []) this.alerts.set(alert.id, alert);
    for (const id of delta.alerts_gone ?? []) this.alerts.delete(id);
    if (delta.sources_gone) this.sources = this.sources.filter(({ name }) => !delta.sources_gone?.includes(name));
    if (delta.sources) this.mergeSources(delta.sources);
    if (delta.supervisor) this.supervisor = delta.supervisor;
    this.revision += 1;
    return true;
  }

  addEvents(events: TimelineEvent[]): void {
    this.events = mergedEvents(this.events, events);
    this.revision += 1;
  }

  addMessages(samples: MessageSample[]): void {
    if (samples.length === 0) return;
    const sorted = [...samples].sort((x, y) => y.unix_ms - x.unix_ms);
    this.messages = [...sorted, ...this.messages].slice(0, MESSAGES_MAX);
    this.revision += 1;
  }

  ageOf(node: HeldNode): number {
    return node.age_ms + (this.now() - node.received);
  }

  // The id of a name; what is none, or of nobody that was ever here, stays as it is.
  idOf(name: string): string {
    for (const [id, each] of this.names) if (each === name) return id;
    return name;
  }

  // Of an id, also of one that is gone; what is none stays as it is.
  nameOf(id: string): string {
    return this.names.get(id) ?? (/^[0-9a-f]{64}$/.test(id) ? id.slice(0, 10) : id);
  }

  private put(row: NodeRow): void {
    const before = this.nodes.get(row.id);
    const received = this.now();
    this.nodes.set(row.id, { ...row, received });
    this.history.add(row, received);
    this.names.set(row.id, row.name);
    if (this.names.size > NAMES_MAX) this.names.delete(this.names.keys().next().value ?? '');
    if (!before || before.mesh !== row.mesh || before.type !== row.type) this.pending.structure = true;
    else this.pending.nodes.add(row.id);
  }

  private drop(id: string): void {
    if (!this.nodes.delete(id)) return;
    this.history.forget(id);
    this.pending.structure = true;
    this.pending.nodes.delete(id);
  }

  private putLink(link: LinkRow): void {
    const key = linkKey(link);
    this.links.set(key, link);
    this.pending.links.add(key);
  }

  private dropLink(gone: LinkKey): void {
    for (const kind of gone.kind ? [gone.kind] : (['overlay', 'delivery'] as const)) {
      const key = linkKey({ ...gone, kind });
      if (this.links.delete(key)) this.pending.links.add(key);
    }
  }

  private mergeSources(changed: SourceRow[]): void {
    const byName = new Map(this.sources.map((source) => [source.name, source]));
    for (const source of changed) byName.set(source.name, source);
    this.sources = [...byName.values()];
  }
}

// Newest first, each sequence number once, bounded.
export function mergedEvents(old: TimelineEvent[], added: TimelineEvent[]): TimelineEvent[] {
  if (added.length === 0) return old;
  const bySeq = new Map<number, TimelineEvent>();
  for (const event of old) bySeq.set(event.seq, event);
  for (const event of added) bySeq.set(event.seq, event);
  return [...bySeq.values()].sort((x, y) => y.seq - x.seq).slice(0, EVENTS_MAX);
}
