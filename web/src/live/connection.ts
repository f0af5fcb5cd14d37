// The stream of changes: /api/world once, then /api/live from its version on.
//
// 1. What comes between two frames is applied together, and drawn once.
// 2. `Last-Event-ID` is the browser's own work while it reconnects by itself; when we open a new stream, `after` says
//    the same.
// 3. `reset` means that our version is too old: the world is asked for anew.
// 4. A connection that is down is said so, with since when; what is shown meanwhile stays, as stale.
// 5. EventSource sends no header: over HTTPS the token is given for a session's cookie first.
// 6. A hidden page gets no frames, so it applies what came once a second.

import type { Delta, MessageSample, TimelineEvent, World } from '../core/contract';
import { getJson, messageOf, openSession } from '../core/api';
import type { WorldStore } from './store';

export type LinkState = { kind: 'connecting' } | { kind: 'live' } | { kind: 'stale'; sinceMs: number; why: string };

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 8000;
const BEAT_MAX_MS = 40_000; // A server that sends `beat` and then nothing for so long is gone, whatever TCP says.

function listOf<T>(data: string, member: string): T[] {
  const parsed = JSON.parse(data) as unknown;
  if (Array.isArray(parsed)) return parsed as T[];
  const inner = (parsed as Record<string, unknown> | null)?.[member];
  return Array.isArray(inner) ? (inner as T[]) : [];
}

export class Connection {
  state: LinkState = { kind: 'connecting' };
  private stream: EventSource | null = null;
  private retryMs = RETRY_FIRST_MS;
  private retryTimer: number | null = null;
  private beatTimer: number | null = null;
  private queue: (() => void)[] = [];
  private scheduled = false;
  private ended = false;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly store: WorldStore) {}

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    void this.load();
  }

  stop(): void {
    this.ended = true;
    this.stream?.close();
    if (this.retryTimer !== null) window.clearTimeout(this.retryTimer);
    if (this.beatTimer !== null) window.clearTimeout(this.beatTimer);
  }

  private async load(): Promise<void> {
    try {
      const world = await getJson<World>('/api/world');
      if (this.ended) return;
      await openSession();
      if (this.ended) return;
      this.queue = [];
      this.store.replace(world, Date.now());
      this.schedule();
      this.open();
    } catch (error) {
      this.failed(messageOf(error));
    }
  }

  private open(): void {
    this.stream?.close();
    const stream = new EventSource(`/api/live?after=${this.store.version}`);
    this.stream = stream;
    stream.onopen = () => {
      this.retryMs = RETRY_FIRST_MS;
      this.become({ kind: 'live' });
    };
    stream.onerror = () => {
      if (stream.readyState === EventSource.CLOSED) this.failed('the stream of changes was refused');
      else this.stale('the connection to the console is down');
    };
    const on = (name: string, handle: (data: string) => void): void => {
      stream.addEventListener(name, (event) => {
        const data = String((event as MessageEvent).data);
        this.heard(name);
        this.enqueue(() => handle(data));
      });
    };
    on('delta', (data) => this.store.apply(JSON.parse(data) as Delta));
    on('timeline', (data) => this.store.addEvents(listOf<TimelineEvent>(data, 'events')));
    on('messages', (data) => this.store.addMessages(listOf<MessageSample>(data, 'messages')));
    on('beat', () => undefined);
    stream.addEventListener('reset', () => {
      stream.close();
      void this.load();
    });
  }

  private heard(name: string): void {
    if (this.state.kind === 'stale') this.become({ kind: 'live' });
    if (name !== 'beat' && this.beatTimer === null) return;
    if (this.beatTimer !== null) window.clearTimeout(this.beatTimer);
    this.beatTimer = window.setTimeout(() => this.failed('the console has gone silent'), BEAT_MAX_MS);
  }

  private enqueue(work: () => void): void {
    this.queue.push(work);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    if (document.hidden) window.setTimeout(() => this.drain(), 1000);
    else window.requestAnimationFrame(() => this.drain());
  }

  private drain(): void {
    this.scheduled = false;
    const work = this.queue;
    this.queue = [];
    for (const item of work) {
      try {
        item();
      } catch (error) {
        console.error('an event of the stream could not be read', error);
      }
    }
    this.store.flush();
  }

  private failed(why: string): void {
    if (this.ended) return;
    this.stream?.close();
    this.stream = null;
    this.stale(why);
    if (this.retryTimer !== null) return;
    this.retryTimer = window.setTimeout(() => {
      this.retryTimer = null;
      void this.load();
    }, this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
  }

  private stale(why: string): void {
    if (this.state.kind === 'stale') return;
    this.become({ kind: 'stale', sinceMs: Date.now(), why });
  }

  private become(state: LinkState): void {
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}
